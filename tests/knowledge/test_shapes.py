"""Models and codes that are not there, told by the shape of those that are."""

import pytest

from knowledge.shapes import shapes, strange
from tests.knowledge.shelf import piece

CHUNKS = (
    piece("codes", "Code: E1; Meaning: wheel. \nCode: E4; Meaning: brush.\nCode: P-03; Meaning: cartridge.", "Error codes"),
    piece("s5", "Name: Nova S5\nPrice: 499", "Phones", "record", ("Nova S5",)),
)
KNOWN = {"nova·s5", "s5·", "e1·", "e4·", "p-03·"}
THERE = shapes(CHUNKS, ("nova·s5", "nova", "s5·"))


@pytest.mark.parametrize(
    ("question", "unknown"),
    [
        ("my vacuum shows E12", True),
        ("机器人报E12", True),
        ("P-99 on the printer", True),
        ("what does error B7 mean", True),
        ("how much is the Nova S9", True),
        ("E12?", True),
        ("does it fit an E14 socket", False),  # a lamp's
        ("my vacuum shows E4", False),
        ("how much is the Nova S5", False),
        ("I live in block B7", False),  # neither an error nor of a shape that is there
        ("is it better than an Orbit X2", False),
        ("how much is it", False),
    ],
)
def test_what_is_unknown_though_others_of_its_shape_are_there(question: str, unknown: bool):
    assert strange(question, KNOWN, THERE) == unknown


def test_where_there_are_no_codes_none_is_missed():
    assert not strange("what does error B7 mean", KNOWN, shapes(CHUNKS[1:], ("nova·s5",)))
