"""Which sentences hold which terms, over a whole collection: how far each chunk's best sentence says a question."""

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from knowledge.documents import Chunk
from knowledge.query import Query
from knowledge.terms import terms


class SentenceTerms:
    """An inverted index of sentences. Immutable."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._sizes = np.asarray([len(chunk.sentences) for chunk in chunks], dtype=np.intp)
        rows: dict[str, list[int]] = defaultdict(list)
        for row, sentence in enumerate(sentence for chunk in chunks for sentence in chunk.sentences):
            for term in set(terms(sentence)):
                rows[term].append(row)
        self._rows = {term: np.asarray(found, dtype=np.int32) for term, found in rows.items()}

    def best(self, query: Query) -> NDArray[np.float64]:
        """`query.coverage` of each chunk's best sentence, shape (chunks,), 0..1."""
        said = np.zeros(int(self._sizes.sum()))
        strength = np.zeros_like(said)
        for term in query.terms:
            touched = []
            for form, share in sorted(term.forms, key=lambda form: form[1]):  # the strongest form is written last
                if all(piece in self._rows for piece in form):
                    touched.append(reduce(np.intersect1d, (self._rows[piece] for piece in form)))
                    strength[touched[-1]] = share
            said += term.weight * strength
            for rows in touched:
                strength[rows] = 0
        best = np.zeros(len(self._sizes))
        filled = self._sizes > 0
        if filled.any():
            best[filled] = np.maximum.reduceat(said, (np.cumsum(self._sizes) - self._sizes)[filled])
        total = sum(term.weight for term in query.terms)
        return best / total if total else best
