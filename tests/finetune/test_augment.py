"""Augmentation keeps what a question means."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Message
from finetune.augment import augment, reword
from finetune.rows import Row

TEXT = "Hello, how do I return order AB-1234 from 12.05.2026 to anna@shop.example, it is 49.90 EUR?"


@given(st.integers(0, 10_000))
def test_figures_codes_and_addresses_stay(seed: int):
    changed = reword(TEXT, "en", random.Random(seed))
    assert changed != TEXT
    for kept in ("AB-1234", "12.05.2026", "anna@shop.example", "49.90 EUR"):
        assert kept in changed


@given(st.text(max_size=60), st.sampled_from(["en", "zh"]), st.integers(0, 100))
def test_any_text_goes_through_with_its_digits(text: str, language: str, seed: int):
    changed = reword(text, language, random.Random(seed))
    assert re.findall(r"\d", changed) == re.findall(r"\d", text)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("How do I pay?", "en", {"How can I pay?", "How do I pay? please", "How do I pay", "how do I pay?"}),
        ("怎么付款？", "zh", {"如何付款？", "怎么付钱？", "请问怎么付款？", "怎么付款"}),
    ],
)
def test_the_changes_are_the_known_ones(text: str, language: str, expected: set[str]):
    assert {reword(text, language, random.Random(seed)) for seed in range(200)} == expected


def test_a_slip_changes_one_word_a_little():
    found = {reword("where", "en", random.Random(seed)) for seed in range(300)} - {"where please"}
    assert len(found) > 5
    assert all(abs(len(slipped) - 5) <= 1 and slipped[0] == "w" for slipped in found)


def test_only_what_the_customer_said_last_changes():
    lines = (Message("system", "How do I help?"), Message("customer", "How do I pay?"))
    row = Row("1", lines, "By card.")
    changed = augment(row, random.Random(1))
    assert (changed.messages[0], changed.reply) == (lines[0], "By card.")
    assert changed.messages[1] != lines[1]
    spoken = Row("1", lines[::-1], "By card.")
    assert augment(spoken, random.Random(1)) == spoken
