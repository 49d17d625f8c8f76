import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.keyword import KeywordIndex

TEXTS = ["Refunds take five days", "Shipping takes two days", "退货需要五天", "Refund, refund, refund!"]


def test_rare_terms_weigh_more_and_unknown_ones_most():
    index = KeywordIndex(TEXTS)
    assert index.idf("zzz") > index.idf("ship") > index.idf("day") > 0
    assert index.idf("ship") == pytest.approx(math.log(1 + 3.5 / 1.5))


def test_scores_are_below_the_idf_and_zero_without_the_term():
    index = KeywordIndex(TEXTS)
    scores = index.scores("refund")
    assert scores.shape == (4,)
    assert list(scores > 0) == [True, False, False, True]
    assert scores[3] > scores[0]
    assert scores.max() <= index.idf("refund")
    assert not index.scores("zzz").any()
    assert "退货" in index
    assert "zzz" not in index


def test_bm25_by_hand():
    index = KeywordIndex(["alpha beta", "alpha alpha gamma delta"])
    k1, b, mean = 1.2, 0.75, 3.0
    expected = [math.log(1 + 0.5 / 2.5) * tf / (tf + k1 * (1 - b + b * length / mean)) for tf, length in ((1, 2), (2, 4))]
    assert index.scores("alpha") == pytest.approx(expected, rel=1e-5)


def test_what_tells_one_name_from_the_others():
    index = KeywordIndex(
        ["x"], [("en", name) for name in ("Nova Printer", "Nova Tablet", "Nova Tablet", "Lumen 27")] + [("zh", "Lumen 27")]
    )
    assert "nova" not in index.names
    assert {"printer", "tablet", "lumen·27"} <= index.names


@pytest.mark.parametrize("texts", [[], [""], ["的"], ["", "。"], ["的", "hello"]])
def test_nothing_to_count(texts: list[str]):
    index = KeywordIndex(texts)
    assert index.size == len(texts)
    for term in ("hello", "", "的"):
        assert index.scores(term).shape == (len(texts),)
        assert np.isfinite(index.scores(term)).all()


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab 退货。1", max_size=30), max_size=6))
def test_no_score_exceeds_the_idf(texts: list[str]):
    index = KeywordIndex(texts)
    for term in index.frequency:
        scores = index.scores(term)
        assert (scores >= 0).all()
        assert (scores <= index.idf(term) * (1 + 1e-6)).all()
