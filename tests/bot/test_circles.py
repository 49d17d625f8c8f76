"""Replies that go round in a circle end with one copy; all others come through whole, token by token in order."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.circles import AGAIN, COPIES, PERIOD, Circles, circle

tokens = st.lists(st.integers(0, 5), max_size=160)
stretches = st.lists(st.integers(0, 200), min_size=1, max_size=PERIOD)


def through(given_tokens: list[int]) -> tuple[list[int], bool]:
    """What a customer sees of these tokens, and whether the reply was ended."""
    circles = Circles()
    said = [certain for token in given_tokens for certain in circles.push(token)]
    return said + circles.rest(), circles.closed


def as_tokens(text: str) -> list[int]:
    """Words, blanks and signs, and every digit by itself: as fine as tokenizers cut."""
    return [hash(part) for part in re.findall(r"[A-Za-z]+|.", text, re.DOTALL)]


@given(tokens)
def test_what_comes_through_is_the_beginning_and_all_of_it_without_a_circle(given_tokens: list[int]):
    said, closed = through(given_tokens)
    assert said == given_tokens[: len(said)]
    assert closed or said == given_tokens
    assert closed == any(circle(given_tokens[:end]) for end in range(len(given_tokens) + 1))


@given(st.lists(st.integers(1000, 1100), max_size=30, unique=True), stretches, st.integers(0, PERIOD))
def test_a_circle_is_cut_to_one_copy(before: list[int], stretch: list[int], part: int):
    copies = COPIES + AGAIN  # enough of them for any stretch
    said, closed = through([*before, *(stretch * copies), *stretch[:part]])
    assert closed
    assert before == said[: len(before)]
    rest = said[len(before) :]
    assert rest == (stretch * copies)[: len(rest)]
    assert 0 < len(rest) <= len(stretch)


@given(st.lists(st.integers(), unique=True, max_size=120))
def test_tokens_that_never_repeat_are_not_held_back(given_tokens: list[int]):
    circles = Circles()
    assert [circles.push(token) for token in given_tokens] == [[token] for token in given_tokens]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=40, unique=True), stretches)
def test_a_list_whose_lines_differ_is_no_circle(differing: list[tuple[int, int]], line: list[int]):
    lines = [[*line[:30], -1 - first, -20 - second, -40] for first, second in differing]
    if all(one != other for one, other in pairwise(lines)):
        assert through([token for line in lines for token in line]) == ([token for line in lines for token in line], False)


LEGITIMATE = {
    "a number of zeros": "The budget is 1,000,000,000,000,000 EUR.",
    "a card": "Card 0000 0000 0000 0000, valid thru 00/00, code 000.",
    "a long row of dashes": f"Total\n{'-' * AGAIN}\n12 EUR",
    "a table": "| Size | Stock | Price | Ship | Note |\n|---|---|---|---|---|\n"
    + "".join(f"| {n} | yes | yes | yes | yes |\n" for n in range(9)),
    "a list": "".join(f"{n}. Product {n} is in stock and costs 10 EUR.\n" for n in range(1, 30)),
    "the same said twice": "We are closed on Sunday. Please call on Monday. " * 2,
    "three short lines alike": "Monday: 9 to 17\n" + "closed\n" * 3,
    "insistence": "No, no, no, no, no: it is very, very, very, very safe.",
    "Chinese": "好的好的好的，" + "周一到周五营业，周六营业，周日休息。" * 2,
    "repeated letters": "Call 800-CALL-CALL-CALL or 800 555 5555 5555.",
}


@pytest.mark.parametrize("text", LEGITIMATE.values(), ids=LEGITIMATE)
def test_lists_figures_and_insistence_come_through(text: str):
    assert through(as_tokens(text)) == (as_tokens(text), False)


CIRCLES = {
    "a word": ("It is in the", " the" * 40),
    "a sentence": ("Hello! Your order is on its way.", " Your order is on its way." * 5),
    "Chinese": ("您的订单今天发货。", "您的订单今天发货。" * 6),
    "figures": ("The code is 1 2", " 1 2" * 20),
}


@pytest.mark.parametrize(("once", "again"), CIRCLES.values(), ids=CIRCLES)
def test_a_reply_without_end_says_it_once(once: str, again: str):
    said, closed = through(as_tokens(once + again))
    assert closed
    assert said == as_tokens(once)
