import numpy as np
import pytest

from knowledge.embed import HashEmbedder
from knowledge.gloss import GlossedEmbedder, Lexicon, dictionary, gloss

WORDS = Lexicon(
    {"退货": "return goods", "运费": "shipping cost", "吗": "", "手": "hand", "表": "watch", "谁出运费": "who pays postage"},
    frozenset({"谁出运费"}),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("退货吗运费", "return goods shipping cost"),
        ("退货吗", "return goods"),
        ("Nova S5 退货", "Nova S5 return goods"),
        ("手表", "hand watch"),
        ("退货谁出运费吗", "return goods who pays postage"),
        ("鑫", ""),
        ("only English", "only English"),
        ("", ""),
    ],
)
def test_word_by_word(text: str, expected: str):
    assert gloss(text, WORDS) == expected


def test_chinese_meets_english_and_english_goes_as_it_is():
    embedder = GlossedEmbedder(HashEmbedder(), WORDS)
    assert np.array_equal(embedder.documents(["退货吗运费"]), HashEmbedder().documents(["return goods shipping cost"]))
    assert np.array_equal(embedder.queries(["Return  it"]), HashEmbedder().queries(["Return  it"]))
    assert (embedder.name, embedder.dimension, embedder.window) == ("hash+gloss", 256, 256)
    assert embedder.count(["a b", "c"]) == [2, 1]


@pytest.mark.parametrize(("word", "meant"), [("退货", "return"), ("发票", "invoice"), ("保修", "warranty"), ("电池", "battery")])
def test_the_dictionary_knows_what_a_shop_speaks_of(word: str, meant: str):
    assert meant in dictionary().words[word]


def test_the_dictionary_tells_nothing_from_not_known():
    assert dictionary().words["吗"] == ""
    assert "退货退货" not in dictionary().words
    assert dictionary() is dictionary()
    assert all(phrase in dictionary().words for phrase in dictionary().phrases)
