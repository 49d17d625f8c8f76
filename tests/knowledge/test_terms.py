import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.terms import STOP, characters, models, pairs, stem, terms, words


def test_words_of_both_languages():
    assert words("The shop's Printers cost 1,299.00 在30天内退货") == [
        "the",
        "shop",
        "printers",
        "cost",
        "1299.00",
        "在",
        "30",
        "天",
        "内",
        "退货",
    ]
    assert words("ＮＯＶＡ") == ["nova"]
    assert words("?!") == []


def test_stems_are_of_english_words_only():
    assert stem("returns") == stem("returned") == stem("returning") == "return"
    assert stem("退货") == "退货"
    assert stem("s5") == "s5"
    assert stem("colors") == stem("colour")


def test_pairs_and_characters_stay_within_a_run():
    assert pairs("退货吗 A 运费") == ["退货", "货吗", "运费"]
    assert characters("请问退货吗") == [c for c in "请问退货吗" if c not in STOP] == ["退", "货"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Product A", ["product·a"]),
        ("product a", ["product·a"]),
        ("产品A多少钱", ["产品·a"]),
        ("Nova S5", ["s5·", "nova·s5"]),
        ("Lumen 27", ["lumen·27"]),
        ("Lumen-27", ["lumen·27"]),
        ("P-03?", ["p-03·"]),
        ("我的报E6什么意思", ["e6·", "的报·e6"]),
        ("错误 P-03 怎么办", ["p-03·", "错误·p"]),
        ("出P-03了", ["p-03·"]),
        ("x-E6 E6_a", []),
        ("Max 6", ["max·6"]),
        ("a 6", []),
        ("Max 6.5", []),
        ("after I'm", []),
        ("is a", []),
    ],
)
def test_models_as_customers_write_them(text: str, expected: list[str]):
    assert models(text) == expected


def test_in_a_document_only_capitals_make_a_model():
    assert models("wait after 2 days for product a", loose=False) == []
    assert models("Product A", loose=False) == ["product·a"]


def test_terms_of_a_document():
    assert terms("The Product A is returned.") == ["product", "return", "product·a"]
    assert terms("退货的运费") == ["退货", "运费", "退货", "货的", "的运", "运费", "退", "货", "运", "费"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(["the", "Returns", "退货", "的", "7.5", "Max 6", "shop's", "?"])).map(" ".join)))
def test_every_word_but_stop_words_is_a_term(text: str):
    meant = {word for word in words(text) if word not in STOP and not (len(word) == 1 and not word.isascii())}
    assert {stem(word) for word in meant} <= set(terms(text))
    assert not {"the", "的"} & set(terms(text))


def test_one_endless_word_takes_no_time():
    started = time.monotonic()
    models("a" * 200_000)
    models("Ab1 " * 20_000)
    models("退" * 100_000)
    assert time.monotonic() - started < 5
