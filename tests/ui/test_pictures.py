"""Pictures that the server draws."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.languages import PageLanguage, page_texts
from ui.pictures import compared, interval, losses

WORDS = page_texts("admin", "en")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314  (our own)


number = st.floats(-100, 100)
points = st.lists(st.tuples(st.integers(1, 500), st.floats(0, 50) | st.just(math.nan)), max_size=30)


@given(training=points, validation=st.lists(st.tuples(st.integers(1, 500), st.floats(0, 50)), max_size=5), steps=st.integers(0, 500))
def test_whatever_a_loss_is_it_is_drawn_within_the_picture(training: list, validation: list, steps: int):
    svg = losses(training, validation, max(steps, 500), WORDS)
    if not svg:
        assert not validation
        assert all(math.isnan(y) for _, y in training)
        return
    picture = drawn(svg)
    assert "nan" not in svg.replace(WORDS["loss_training"], "").split("viewBox")[1].split('role="img"')[0]
    for line in picture.iter(f"{SVG}polyline"):
        for x, y in re.findall(r"([\d.-]+),([\d.-]+)", line.get("points", "")):
            assert 0 <= float(x) <= 380
            assert 0 <= float(y) <= 200


def test_the_newest_losses_are_said_in_words():
    svg = losses([(1, 3.0), (2, 2.5)], [(2, 2.75)], 2, WORDS)
    assert drawn(svg).get("aria-label") == "Loss, nats a token: Training 2.500, Validation 2.750"


def test_names_are_escaped_and_every_row_has_two_dots():
    svg = compared([("<b>", 0.5, 0.25), ("zh", 1.2, -1)], WORDS)
    assert "<b>" not in svg
    assert svg.count('r="5"') == 4


@given(number, st.floats(0, 10), st.floats(0, 10))
def test_an_interval_lies_within_the_picture(mean: float, below: float, above: float):
    picture = drawn(interval(mean, mean - below, mean + above, "difference"))
    (dot,) = picture.iter(f"{SVG}circle")
    assert 0 <= float(dot.get("cx", "-1")) <= 380


def test_an_interval_says_its_numbers():
    assert drawn(interval(0.08, -0.03, 0.14, "d")).get("aria-label") == "d: +0.080, -0.030 … +0.140"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_texts_of_the_pictures_are_there(language: PageLanguage):
    words = page_texts("admin", language)
    assert words["step"] in losses([(1, 1.0)], [], 1, words)
