import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.spelling import Speller
from knowledge.terms import STOP, stem, words

FREQUENCY = {
    "refund": 9, "return": 8, "deliveri": 5, "warranti": 4, "printer": 3, "print": 2, "退货": 6, "运费": 5, "保修": 4, "发票": 3, "退": 1,
}  # fmt: skip
SURFACE = {"deliveri": "delivery", "warranti": "warranty"}


def speller(known: frozenset[str] = frozenset()) -> Speller:
    return Speller(FREQUENCY, known.__contains__, lambda term: SURFACE.get(term, term))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("I want a refnud", "I want a refund"),
        ("I want a Refnud, please!", "I want a refund, please!"),
        ("delivrey", "delivery"),
        ("waranty?", "warranty?"),
        ("printr's price", "printer's price"),
        ("我要refnud可以吗", "我要refund可以吗"),
        ("refnud refnud", "refund refund"),
        ("send somthing", "send something"),
        ("waht is teh prinetr shoud", "what is the printer should"),
    ],
)
def test_slips_of_the_finger(said: str, meant: str):
    assert speller().correct(said) == meant


@pytest.mark.parametrize("text", ["refund", "retrun5", "cat", "rfd", "zzzzzzzz", "refunds printed", "où", "REFUND", ""])
def test_what_stays(text: str):
    assert speller().correct(text) == text


def test_a_word_that_is_one_is_not_changed():
    assert speller().correct("the printed prints") == "the printed prints"
    assert speller().correct("retune") == "return"
    assert speller(frozenset({"retune"})).correct("retune") == "retune"


def test_nearest_first_then_first_letter_then_commonest():
    assert Speller({"screen": 1, "screw": 9}).correct("screeen") == "screen"
    assert Speller({"best": 9, "test": 1}).correct("tesst") == "test"
    assert Speller({"bolt": 1, "belt": 9}).correct("bilt") == "belt"


def test_slips_of_the_sound():
    assert speller().correct("要付运非吗") == "要付运费吗"
    assert speller().correct("运非Refnud运非") == "运费refund运费"
    assert speller().correct("退货要运费吗") == "退货要运费吗"


LATIN = st.text(alphabet="adefinprtuvwy", min_size=1, max_size=9)


@given(st.lists(st.one_of(LATIN, st.sampled_from([*SURFACE.values(), "refund", "Printed", "the", "退货", "运费", ",", "7"])), max_size=12))
def test_known_words_are_never_changed(parts: list[str]):
    text = " ".join(parts)
    corrected = speller().correct(text)
    assert len(words(corrected)) == len(words(text))
    for before, after in zip(words(text), words(corrected), strict=True):
        if before in STOP or stem(before) in FREQUENCY or len(before) < 4:
            assert after == before


@given(st.text())
def test_any_text_can_be_corrected(text: str):
    once = speller().correct(text)
    assert isinstance(once, str)
    assert len(once.split()) == len(text.split())


def test_everything_counts_as_known_changes_no_latin_word():
    assert Speller(FREQUENCY, lambda _: True).correct("refnud delivrey") == "refnud delivrey"


def test_a_hundred_thousand_characters_of_slips_take_little_time():
    started = time.monotonic()
    letters = "abcdefghijklmnopqrstuvwxyz"
    text = " ".join(f"refu{a}{b}{c}d" for a in letters for b in letters for c in letters)
    speller().correct(text)
    assert time.monotonic() - started < 10
