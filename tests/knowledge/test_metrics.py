from math import log2

import pytest

from knowledge.metrics import documents, ndcg, recall, reciprocal_rank, retrieval


def test_best_chunk_of_a_document_counts():
    assert documents([("a", 0.3), ("b", 0.5), ("a", 0.9), ("c", 0.5)]) == ["a", "b", "c"]


def test_recall_is_a_share_of_all_relevant():
    assert recall(["a", "b", "c"], {"a", "c", "x", "y"}, 2) == 0.25
    assert recall(["a", "b", "c"], {"a", "c", "x", "y"}, 3) == 0.5
    assert recall([], {"a"}, 5) == 0


def test_reciprocal_rank():
    assert reciprocal_rank(["x", "y", "a", "b"], {"a", "b"}) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x"] * 10 + ["a"], {"a"}) == 0


def test_ndcg_by_hand():
    assert ndcg(["x", "a"], {"a"}) == pytest.approx(1 / log2(3))
    # two relevant, at places 1 and 3: (1 + 1/2) / (1 + 1/log2(3))
    assert ndcg(["a", "x", "b"], {"a", "b"}) == pytest.approx(1.5 / (1 + 1 / log2(3)))
    # more relevant ones than places: the ideal has ten
    many = {f"d{n}" for n in range(20)}
    assert ndcg(sorted(many)[:10], many) == pytest.approx(1)
    assert ndcg(["x"] * 10 + ["a"], {"a"}) == 0


def test_means_over_queries():
    scores = retrieval({"q1": ["a"], "q2": ["x", "b"]}, {"q1": {"a"}, "q2": {"b"}, "q3": {"c"}})
    assert scores == {
        "recall@1": pytest.approx(1 / 3),
        "recall@5": pytest.approx(2 / 3),
        "recall@10": pytest.approx(2 / 3),
        "recall@50": pytest.approx(2 / 3),
        "mrr@10": pytest.approx(1.5 / 3),
        "ndcg@10": pytest.approx((1 + 1 / log2(3)) / 3),
    }


def test_no_query_is_an_error():
    with pytest.raises(ValueError, match="no query"):
        retrieval({}, {})
