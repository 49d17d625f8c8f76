"""How good a ranking of documents is: recall, reciprocal rank and nDCG, relevance being yes or no. All shares are 0..1."""

from collections.abc import Iterable, Mapping, Sequence, Set
from math import log2


def documents(scored: Iterable[tuple[str, float]]) -> list[str]:
    """Documents by their best chunk: `scored` holds (document, score) of chunks in any order. Equal scores keep their order."""
    best: dict[str, float] = {}
    for document, score in scored:
        best[document] = max(score, best.get(document, score))
    return sorted(best, key=lambda document: -best[document])


def recall(ranked: Sequence[str], relevant: Set[str], k: int) -> float:
    """The share of the relevant documents that is among the first `k`."""
    return len(relevant & set(ranked[:k])) / len(relevant)


def reciprocal_rank(ranked: Sequence[str], relevant: Set[str], k: int = 10) -> float:
    """1 / the place of the first relevant document, 0 where none is among the first `k`."""
    return next((1 / place for place, document in enumerate(ranked[:k], 1) if document in relevant), 0.0)


def ndcg(ranked: Sequence[str], relevant: Set[str], k: int = 10) -> float:
    """Gain of the first `k`, discounted by the logarithm of the place, over that of an ideal ranking."""
    gain = sum(1 / log2(place + 1) for place, document in enumerate(ranked[:k], 1) if document in relevant)
    return gain / sum(1 / log2(place + 1) for place in range(1, min(len(relevant), k) + 1))


def retrieval(rankings: Mapping[str, Sequence[str]], relevant: Mapping[str, Set[str]]) -> dict[str, float]:
    """The means over all queries of `relevant`; a query without a ranking found nothing. Raises ValueError without any query."""
    if not relevant:
        raise ValueError("no query has a relevant document; qrels and queries must share query ids")
    found = [(rankings.get(query, ()), wanted) for query, wanted in relevant.items()]
    scores = {f"recall@{k}": [recall(ranked, wanted, k) for ranked, wanted in found] for k in (1, 5, 10, 50)}
    scores["mrr@10"] = [reciprocal_rank(ranked, wanted) for ranked, wanted in found]
    scores["ndcg@10"] = [ndcg(ranked, wanted) for ranked, wanted in found]
    return {name: sum(values) / len(values) for name, values in scores.items()}
