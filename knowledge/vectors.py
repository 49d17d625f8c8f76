"""A collection's vectors: of its chunks and of their sentences, made only for the languages that the embedder can be relied on in."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from knowledge.documents import Chunk
from knowledge.embed import Embedder, Vectors
from knowledge.errors import StoreError
from knowledge.fuse import trusted
from knowledge.nearest import MOST, Nearest
from knowledge.retrieve import name_of
from knowledge.store import VectorStore

PARTS = ("chunks", "sentences")
_STEP = 500  # vectors read at once


def units(chunk: Chunk) -> list[str]:
    """The small units of a chunk as they are embedded: its sentences under the nearest heading, a record's fields under its name."""
    above = name_of(chunk) if chunk.kind == "record" else chunk.heading[-1] if chunk.heading and chunk.kind == "text" else ""
    return [f"{above}: {unit}" if above else unit for unit in chunk.sentences]


class CollectionVectors:
    """The two spaces of one collection made by one model. Spaces of different models lie side by side and never meet."""

    def __init__(self, store: VectorStore, embedder: Embedder, collection: str) -> None:
        self._store = store
        self._embedder = embedder
        model = hashlib.sha256(embedder.name.encode()).hexdigest()[:8]
        self._prefix = f"{collection}."
        self.chunks, self.sentences = (f"{collection}.{model}.{part}" for part in PARTS)

    def add(self, chunks: Sequence[Chunk], trust: Mapping[str, float]) -> None:
        chunks = [chunk for chunk in chunks if trusted(trust, chunk.language) > 0]
        if not chunks:
            return
        ids = [chunk.id for chunk in chunks]
        self._store.add(self.chunks, ids, ids, self._embedder.documents([chunk.titled for chunk in chunks]))
        rows = [(f"{chunk.id}.{number}", chunk.id, unit) for chunk in chunks for number, unit in enumerate(units(chunk))]
        names, owners, texts = (list(column) for column in zip(*rows, strict=True))
        self._store.add(self.sentences, names, owners, self._embedder.documents(texts))

    def delete(self, chunk_ids: set[str]) -> None:
        if chunk_ids:
            self._store.delete(self.chunks, sorted(chunk_ids))
            self._store.delete(self.sentences, sorted(chunk_ids))

    def near(self, vector: Vectors, n: int) -> tuple[dict[str, float], dict[str, float]]:
        """Chunk id -> cosine: of the `n` nearest chunks, and of the chunks with the 2n nearest sentences (each chunk's best)."""
        sentences: dict[str, float] = {}
        for owner, cosine in self._store.query(self.sentences, vector, 2 * n):
            sentences.setdefault(owner, cosine)
        return dict(self._store.query(self.chunks, vector, n)), sentences

    def cosines(self, vector: Vectors, chunks: Sequence[Chunk]) -> dict[str, list[float | None]]:
        """Chunk id -> the cosine of each of its sentences with the query's vector, None where a sentence has none."""
        names = [f"{chunk.id}.{number}" for chunk in chunks for number in range(len(chunk.sentences))]
        found = self._store.fetch(self.sentences, names)
        return {
            chunk.id: [float(found[name] @ vector) if (name := f"{chunk.id}.{n}") in found else None for n in range(len(chunk.sentences))]
            for chunk in chunks
        }

    def held(self, chunks: Sequence[Chunk], before: Nearest | None = None) -> Nearest | None:
        """The vectors of these chunks, to be searched in memory; None where they are too many.

        before: what was held until now, and need not be read again: ids are of the content.
        """
        names = [f"{chunk.id}.{number}" for chunk in chunks for number in range(len(chunk.sentences))]
        if len(chunks) + len(names) > MOST:
            return None
        chunk, sentence = (before.chunk, before.sentence) if before else (_unknown, _unknown)
        ids = [chunk.id for chunk in chunks]
        return Nearest(self._read(self.chunks, ids, chunk), self._read(self.sentences, names, sentence), self._embedder.dimension)

    def _read(self, space: str, names: Sequence[str], before: Callable[[str], Vectors | None]) -> dict[str, Vectors]:
        found = {name: vector for name in names if (vector := before(name)) is not None}
        new = [name for name in names if name not in found]
        for start in range(0, len(new), _STEP):
            found |= self._store.fetch(space, new[start : start + _STEP])
        return found

    def clear(self) -> None:
        """Drop what was made of this collection; of a store that fails, all there is."""
        try:
            self._clear()
        except StoreError:
            self._store.renew()
            self._clear()

    def _clear(self) -> None:
        self._store.drop(self.chunks)
        self._store.drop(self.sentences)

    def drop_others(self) -> None:
        """Drop what other models made of this collection."""
        for space in self._store.spaces():
            if space.startswith(self._prefix) and space not in (self.chunks, self.sentences):
                self._store.drop(space)

    def missing(self, chunks: Sequence[Chunk], trust: Mapping[str, float]) -> int:
        """How many chunks that should have a vector have none (a lower bound: old ones may still be there)."""
        return max(0, sum(trusted(trust, chunk.language) > 0 for chunk in chunks) - self._store.count(self.chunks))


def _unknown(_: str) -> None:
    """Nothing was held before."""
