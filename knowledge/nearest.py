"""The vectors of a collection that fits into memory: every cosine at once, exactly, by two matrix products."""

from collections.abc import Mapping, Sequence

import numpy as np

from knowledge.documents import Chunk
from knowledge.embed import Vectors

MOST = 20_000  # vectors that are held, 30 MB of MiniLM's; a larger collection is searched in the store


class Nearest:
    """Answers what `CollectionVectors` answers, from vectors that are held. Immutable: a change of the collection makes a new one."""

    def __init__(self, chunks: Mapping[str, Vectors], sentences: Mapping[str, Vectors], dimension: int) -> None:
        """chunks: by the chunk's id. sentences: by `{chunk's id}.{number}`. All of length one."""
        self._ids = list(chunks)
        self._owners = [name.rpartition(".")[0] for name in sentences]
        self._row_of = {name: row for row, name in enumerate(sentences)}
        self._chunk_of = {name: row for row, name in enumerate(chunks)}
        self._chunks, self._sentences = (
            np.stack(list(held.values())) if held else np.zeros((0, dimension), dtype=np.float32) for held in (chunks, sentences)
        )

    def near(self, vector: Vectors, n: int) -> tuple[dict[str, float], dict[str, float]]:
        """Chunk id -> cosine: of the `n` nearest chunks, and of the chunks with the 2n nearest sentences (each chunk's best)."""
        sentences: dict[str, float] = {}
        for row, cosine in _best(self._sentences @ vector, 2 * n):
            sentences.setdefault(self._owners[row], cosine)
        return {self._ids[row]: cosine for row, cosine in _best(self._chunks @ vector, n)}, sentences

    def cosines(self, vector: Vectors, chunks: Sequence[Chunk]) -> dict[str, list[float | None]]:
        """Chunk id -> the cosine of each of its sentences with the query's vector, None where a sentence has none."""
        rows = {chunk.id: [self._row_of.get(f"{chunk.id}.{number}") for number in range(len(chunk.sentences))] for chunk in chunks}
        found = [row for of_chunk in rows.values() for row in of_chunk if row is not None]
        cosine = dict(zip(found, (self._sentences[found] @ vector).tolist(), strict=True))
        return {id_: [None if row is None else cosine[row] for row in of_chunk] for id_, of_chunk in rows.items()}

    def chunk(self, id_: str) -> Vectors | None:
        """The vector of a chunk."""
        row = self._chunk_of.get(id_)
        return None if row is None else self._chunks[row]

    def sentence(self, name: str) -> Vectors | None:
        """The vector of a sentence."""
        row = self._row_of.get(name)
        return None if row is None else self._sentences[row]


def _best(cosines: Vectors, n: int) -> list[tuple[int, float]]:
    """The rows of the `n` highest, best first."""
    rows = np.argpartition(-cosines, n)[:n] if n < len(cosines) else np.arange(len(cosines))
    rows = rows[np.argsort(-cosines[rows], kind="stable")]
    return list(zip(rows.tolist(), cosines[rows].tolist(), strict=True))
