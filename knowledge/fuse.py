"""Several scores of the same chunks into one: a convex combination on one 0..1 scale.

Convex combination of scores on a fixed scale (Bruch, Gai and Ingber 2023, "An analysis of fusion functions for hybrid
retrieval") keeps what reciprocal ranks throw away, and a leg that cannot be trusted for a language takes no part. The
weights were measured: docs/figures.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
"""Shape (n,), one for each candidate, 0..1."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each leg says; all shares 0..1.

    dense: the vectors' share where the embedder is fully trusted; the words have the rest.
    sentence: of the dense side, the best sentence's share; the titled chunk has the rest.
    coverage, title: of the words' side, the share of the best sentence's coverage and of the title's; BM25 has the rest.
    """

    dense: float = 0.6
    sentence: float = 0.5
    coverage: float = 0.3
    title: float = 0.2

    def __post_init__(self) -> None:
        for name in ("dense", "sentence", "coverage", "title"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"weight {name} is {getattr(self, name)}; allowed: 0 to 1")
        if self.coverage + self.title > 1:
            raise ValueError(f"weights coverage and title are {self.coverage + self.title} together; allowed: at most 1")


@dataclass(frozen=True, slots=True)
class Legs:
    """What is known of each candidate.

    keyword: BM25 as a share of the most that the query's words could give (the sum of their idf).
    coverage: the idf-weighted share of the query's words that the best sentence holds.
    title: the idf-weighted share of the name's words that the query holds; squared in the sum, since half a name is little.
    chunk, sentence: cosines of the titled chunk and of its best sentence; absent where the dense side takes no part.
    """

    keyword: Scores
    coverage: Scores
    title: Scores
    chunk: Scores | None = None
    sentence: Scores | None = None


def fuse(legs: Legs, trust: float, weights: Weights = Weights()) -> Scores:
    """One score for each candidate, 0..1. trust: how far the embedder can be relied on for the query's language, 0..1."""
    lexical = (1 - weights.coverage - weights.title) * legs.keyword + weights.coverage * legs.coverage + weights.title * legs.title**2
    if legs.chunk is None or legs.sentence is None or trust <= 0:
        return np.asarray(np.clip(lexical, 0, 1), dtype=np.float32)
    share = weights.dense * min(trust, 1.0)
    dense = (1 - weights.sentence) * np.clip(legs.chunk, 0, 1) + weights.sentence * np.clip(legs.sentence, 0, 1)
    return np.asarray(np.clip(share * dense + (1 - share) * lexical, 0, 1), dtype=np.float32)


def trusted(trust: Mapping[str, float], language: str) -> float:
    """The embedder's trust for a language, 0..1; one that was not measured counts as half of English."""
    return trust.get(language, trust.get("en", 0.0) / 2)
