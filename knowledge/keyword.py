"""BM25 over the chunks, in memory, built anew when they change."""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from knowledge.terms import terms


class KeywordIndex:
    """BM25 in Lucene's variant (library bm25s; k1 1.2, b .75) over a fixed list of texts, titles included."""

    def __init__(self, texts: Iterable[str], names: Iterable[tuple[str, str]] = (), k1: float = 1.2, b: float = 0.75) -> None:
        """names: what things are called, each with its language.

        `called` of the index are the terms of all names, `names` those that only one thing bears.
        """
        import bm25s

        corpus = [terms(text) or [""] for text in texts]
        self.size = len(corpus)
        self.frequency: Counter[str] = Counter(term for document in corpus for term in set(document))
        bearers = Counter((language, term) for language, name in set(names) for term in set(terms(name)))
        shared = {term for (_, term), count in bearers.items() if count > 1}
        self.called = frozenset(term for _, term in bearers if len(term) > 1)
        self.names = self.called - shared
        self._bm25 = bm25s.BM25(method="lucene", k1=k1, b=b)
        if corpus:
            self._bm25.index(corpus, show_progress=False)

    def __contains__(self, term: object) -> bool:
        return term in self.frequency

    def idf(self, term: str) -> float:
        """ln(1 + (N - n + .5) / (n + .5)) (Robertson and Zaragoza 2009, in Lucene's non-negative form); the most for unknown terms."""
        n = self.frequency.get(term, 0)
        return math.log1p((self.size - n + 0.5) / (n + 0.5))

    def scores(self, term: str) -> NDArray[np.float32]:
        """BM25 of every text for one term, shape (size,), each at most the term's idf."""
        if term not in self.frequency:
            return np.zeros(self.size, dtype=np.float32)
        return np.asarray(self._bm25.get_scores([term]), dtype=np.float32)
