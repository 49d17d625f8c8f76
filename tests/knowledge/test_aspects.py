"""What customers ask after that a shop may say nothing of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.aspects import aspects, parse, plain, unsaid
from knowledge.documents import Passage
from tests.knowledge.shelf import piece

LIST = parse({
    "shop": {"klarna": ["klarna | pay later", "花呗"], "minimum": ["minimum order", "起送"]},
    "product": {"charging": ["fast charging | 65w", "快充 | 瓦"]},
})  # fmt: skip
PHONE = Passage(piece("s5", "Name: Nova S5\nCharging: 25 W\nCamera: 50 megapixels", "Phones", "record", ("Nova S5",)), 0.9, named=True)
PAGE = Passage(piece("pay", "Cards and PayPal are taken. Klarna is not.", "Paying"), 0.8)


def names(text: str) -> list[str]:
    return [aspect.name for _, aspect in LIST.asked(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Can I pay with Klarna?", ["klarna"]),
        ("do you take KLARNA's plan", ["klarna"]),
        ("can I pay later", []),  # only documents speak so
        ("is there a minimum order", ["minimum"]),
        ("fast-charging?", ["charging"]),
        ("klarnafication", []),
        ("能用花呗付吗", ["klarna"]),
        ("笔是跟平板一起送的吗", []),  # across two words
        ("多少钱起送", ["minimum"]),
        ("支持快充吗", ["charging"]),
        ("", []),
    ],
)
def test_what_a_question_asks_after(text: str, found: list[str]):
    assert names(text) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("charges at 65 W", True),
        ("65W wired", True),
        ("165 w", False),
        ("Fast charging is not possible", True),
        ("支持 30 瓦充电", True),
        ("瓦片", False),
        ("a charger", False),
    ],
)
def test_what_a_document_says(text: str, says: bool):
    (charging,) = (aspect for aspect in LIST.every if aspect.name == "charging")
    assert charging.in_text(plain(text)) == says


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("can I pay with Klarna", ""),  # a page speaks of it, and be it to deny it
        ("can I pay with Venmo", "venmo"),
        ("does the Nova S5 have a selfie camera", "front-camera"),
        ("how many megapixels has the Nova S5", ""),
        ("how much is the Nova S5", ""),
    ],
)
def test_what_no_passage_has_a_word_for(question: str, name: str):
    assert unsaid(question, (PHONE, PAGE), lambda passage: passage.named, ("Nova S5",)) == name


def test_what_is_asked_of_a_thing_must_be_said_of_it():
    other = Passage(piece("h7", "It works with Alexa.", "Speakers"), 0.9)
    asks = "does the Nova S5 work with Alexa"
    assert unsaid(asks, (PHONE, other), lambda passage: passage.named, ("Nova S5",)) == "alexa"
    assert unsaid(asks, (PHONE, other), lambda _: True, ("Nova S5",)) == ""


def test_what_is_asked_of_the_shop_as_of_a_thing_is_said_by_either():
    engraved = Passage(piece("no", "Engraved products cannot be returned.", "Returns"), 0.9)
    assert unsaid("can I return an engraved Nova S5", (PHONE, engraved), lambda passage: passage.named, ("Nova S5",)) == ""
    assert unsaid("can I return an engraved Nova S5", (PHONE,), lambda passage: passage.named, ("Nova S5",)) == "engraving"


def test_a_name_asks_for_nothing_and_says_nothing():
    lamp = Passage(piece("lamp", "Name: Lumen 27\nSize: 27 inch", "Monitors", "record", ("Lumen 27",)), 0.9, named=True)
    assert unsaid("how much is the Lumen 27", (lamp,), lambda _: True, ("Lumen 27",)) == ""
    assert unsaid("how many lumens has it", (lamp,), lambda _: True, ("Lumen 27",)) != ""


def test_the_list_is_long_and_every_entry_can_be_asked_for():
    every = aspects().every
    assert len(every) > 500
    for aspect in every:
        assert aspect.asked, aspect.name
        assert any(aspect in [found for _, found in aspects().asked(f"{phrase}?")] for phrase in aspect.asked), aspect.name


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str):
    aspects().asked(text)
    assert plain(plain(text)) == plain(text)
