"""The one door to what is known: files in, passages out. Rows in the database, vectors in the store, words in memory.

The database is the truth. A document is written whole in one transaction after its vectors are in the store, and vectors that no row knows
are ignored: a process killed at any point leaves the old document or the new one, and the vectors can be rebuilt from the rows.
"""

import os
import re
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from knowledge.chunk import chunk as cut
from knowledge.documents import Document, Language, Passage
from knowledge.embed import Embedder, Vectors
from knowledge.errors import BadCollection, KnowledgeError, LeftOut, LoadError
from knowledge.fuse import trusted
from knowledge.language import detect
from knowledge.load import load, walk
from knowledge.loaded import Loaded
from knowledge.nearest import Nearest
from knowledge.probe import measure
from knowledge.query import Context, Query
from knowledge.report import Failure, Found, IngestReport, Progress, Tally
from knowledge.retrieve import Searcher, with_cosines
from knowledge.rows import Rows
from knowledge.store import MemoryStore, VectorStore
from knowledge.vectors import CollectionVectors

_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}")
_NEAR = 200  # nearest chunks, and twice as many nearest sentences, that the vectors bring in
_BATCH = 16  # documents embedded together
_WARMING = ("Good morning, is anybody there?", "早上好，有人在吗？")  # loads what the first question would have to wait for


class Index:
    """Everything that is known, by collection. Thread-safe. One process at a time may own an embedded vector store."""

    def __init__(
        self, engine: Engine, store: VectorStore, embedder: Embedder, max_bytes: int = 50 * 2**20, chunk_tokens: int = 160
    ) -> None:
        self._rows = Rows(engine)
        self._store = store
        self._embedder = embedder
        self._max_bytes = max_bytes
        self._chunk_tokens = min(chunk_tokens, embedder.window - 2)
        self._writing = threading.RLock()
        self._loading = threading.Lock()
        self._loaded: dict[str, Loaded] = {}
        self._measured: dict[str, float] | None = None

    @property
    def embedder(self) -> Embedder:
        return self._embedder

    def ingest(self, paths: Sequence[Path], collection: str = "default", progress: Progress | None = None) -> IngestReport:
        """Take in files and folders. A bad file is reported and the rest is done; what has not changed is skipped by its content.

        What a folder (or a file of many documents) held when it was last taken in and holds no more is removed; nothing is removed of
        what cannot be looked into.
        Raises `BadCollection` for a bad collection name, `StoreError` when the index cannot be written.
        """
        started = time.monotonic()
        files = list(walk(paths))
        roots = {path: str(path.resolve()) for path in paths if os.path.exists(path)}  # noqa: PTH110  (Path.exists raises for some paths)
        tally = Tally()
        with self._writing:
            self._open(collection)
            kept: dict[str, set[str]] = {root: set() for root in roots.values()}
            for number, (path, source) in enumerate(files):
                if progress:
                    progress(number, len(files), source)
                root = next((root for given, root in roots.items() if path.is_relative_to(given)), "")
                try:
                    documents = load(path, source, self._max_bytes, root)
                except LoadError as error:
                    tally.failed.append(Failure(source, str(error)))
                    if path in roots and not isinstance(error, LeftOut):
                        kept.pop(roots[path], None)
                    if root in kept and not isinstance(error, LeftOut):
                        within = (f"{source}#", f"{source}/")
                        kept[root] |= {name for name in self._rows.sources(collection) if name == source or name.startswith(within)}
                    continue
                self._write(collection, documents, root, tally)
                if root in kept:
                    kept[root] |= {document.source for document in documents}
            for root, sources in kept.items():
                tally.removed += self._forget(collection, root, sources)
            if progress:
                progress(len(files), len(files), "")
        return self._report(collection, tally, started)

    def add_documents(self, documents: Iterable[Document], collection: str = "default", progress: Progress | None = None) -> IngestReport:
        """Take in documents that are already loaded. Skips what has not changed, removes nothing."""
        started, tally, batch = time.monotonic(), Tally(), list(documents)
        with self._writing:
            self._open(collection)
            for start in range(0, len(batch), _BATCH):
                if progress:
                    progress(start, len(batch), batch[start].source)
                self._write_batch(collection, batch[start : start + _BATCH], "", tally)
            if progress:
                progress(len(batch), len(batch), "")
        return self._report(collection, tally, started)

    def remove(self, source: str, collection: str = "default") -> bool:
        """Forget a document; False when it is not in. When it is taken in again it is back."""
        with self._writing:
            known = self._rows.known(collection, [source]).get(source)
            return known is not None and self._forget(collection, known.root, self._rows.sources(collection) - {source}) > 0

    def _forget(self, collection: str, root: str, kept: set[str]) -> int:
        gone, stale = self._rows.forget(collection, root, kept)
        self._vectors(collection).delete(stale)
        return gone

    def _write(self, collection: str, documents: Sequence[Document], root: str, tally: Tally) -> None:
        for start in range(0, len(documents), _BATCH):
            self._write_batch(collection, documents[start : start + _BATCH], root, tally)

    def _write_batch(self, collection: str, documents: Sequence[Document], root: str, tally: Tally) -> None:
        old = self._rows.known(collection, [document.source for document in documents])
        fresh = [document for document in documents if document.source not in old or old[document.source].sha256 != document.sha256]
        self._rows.move(collection, [source for source, known in old.items() if known.root != root], root)
        tally.unchanged += len(documents) - len(fresh)
        pieces = [(document, cut(document, self._embedder.count, self._chunk_tokens)) for document in fresh]
        vectors = self._vectors(collection)
        entry = self._rows.entry(collection)
        vectors.add([chunk for _, chunks in pieces for chunk in chunks], entry.trust if entry else {})
        for document, chunks in pieces:
            stale = self._rows.replace(collection, document, root, self._embedder.name, chunks)
            vectors.delete(stale)
            tally.added += 1
            tally.removed += document.source in old

    def _report(self, collection: str, tally: Tally, started: float) -> IngestReport:
        seconds = round(time.monotonic() - started, 3)
        return IngestReport(*self._rows.counts(collection), tally.added, tally.unchanged, tally.removed, tuple(tally.failed), seconds)

    def find(
        self, text: str, k: int = 5, collection: str = "default", language: Language | None = None, context: Sequence[Context] = ()
    ) -> Found:
        """The best `k` passages for a question, best first; none for an empty question or an unknown collection.

        A question about the range ("do you have laptops under 1000") has a passage before them that lists what it asks for.

        language: of the customer's page, for a text that does not tell its own. context: the earlier lines that the question leans on.
        Raises `StoreError` when the vector store fails.
        """
        loaded = self.loaded(collection)
        if loaded is None or not text.strip() or k < 1:
            return Found()
        query = loaded.searcher.query(text, detect(text) or language, context)
        found = self._found(loaded, query, k)
        shown = loaded.searcher.overview(text, query.text, query.language, [line.line for line in context if not line.told])
        return Found((shown, *found.passages[: k - 1])) if shown else found

    def topical(self, text: str, before: str, collection: str = "default") -> bool:
        """Whether a text speaks of a topic of the collection's pages rather than of the product that an earlier line names."""
        loaded = self.loaded(collection)
        return loaded is not None and loaded.searcher.topical(text, before)

    def read(self, text: str, documents: Sequence[Document], k: int = 5, context: Sequence[Context] = ()) -> Found:
        """The best `k` passages of a few documents that are in no collection: for a question that brings its own evidence."""
        chunks = [chunk for document in documents for chunk in cut(document, self._embedder.count, self._chunk_tokens)]
        vectors = CollectionVectors(MemoryStore(), self._embedder, "read")
        vectors.add(chunks, self._trust())
        loaded = Loaded(datetime.now(UTC), self._trust(), Searcher(chunks, self._known), vectors)
        return self._found(loaded, loaded.searcher.query(text, context=context), k)

    def _found(self, loaded: Loaded, query: Query, k: int) -> Found:
        passages, vector = self._ranked(loaded, query, k)
        if vector is not None:
            cosines = loaded.near.cosines(vector, [passage.chunk for passage in passages])
            passages = [with_cosines(passage, cosines[passage.chunk.id]) for passage in passages]
        return Found(tuple(passages), loaded.searcher.gaps(query, passages))

    def _ranked(self, loaded: Loaded, query: Query, k: int, *, units: bool = True) -> tuple[list[Passage], Vectors | None]:
        """The best passages, and the query's vector where the embedder can be relied on for its language."""
        trust = trusted(loaded.trust, query.language)
        if trust <= 0:
            return loaded.searcher.rank(query, k, units=units), None
        vector = self._embedder.queries(list(dict.fromkeys((query.text, query.leaning)))).mean(axis=0)
        return loaded.searcher.rank(query, k, *loaded.near.near(vector, _NEAR), trust, units=units), vector

    def search(self, text: str, k: int = 5, collection: str = "default") -> list[Passage]:
        """The best `k` passages, all of them pieces of documents."""
        loaded = self.loaded(collection) if text.strip() and k > 0 else None
        return list(self._found(loaded, loaded.searcher.query(text), k).passages) if loaded else []

    def _trust(self) -> dict[str, float]:
        with self._loading:
            if self._measured is None:
                self._measured = measure(self._embedder)
        return self._measured

    def search_documents(
        self, text: str, k: int = 10, collection: str = "default", context: Sequence[Context] = ()
    ) -> list[tuple[str, float]]:
        """The best `k` documents by their best chunk: (source, score), best first."""
        loaded = self.loaded(collection)
        if loaded is None or not text.strip() or k < 1:
            return []
        query = loaded.searcher.query(text, context=context)
        best: dict[str, float] = {}
        for passage in self._ranked(loaded, query, 8 * k, units=False)[0]:
            best.setdefault(passage.chunk.source, passage.score)
        return list(best.items())[:k]

    def loaded(self, collection: str = "default") -> Loaded | None:
        """The collection as it is now: read again when this or another process changed it. None when there is none."""
        entry = self._rows.entry(collection)
        if entry is None:
            return None
        with self._loading:
            held = self._loaded.get(collection)
            if held is None or held.at != entry.at:
                chunks = self._rows.chunks(collection)
                vectors, before = self._vectors(collection), held.near if held else None
                near = vectors.held(chunks, before if isinstance(before, Nearest) else None) or vectors
                held = self._loaded[collection] = Loaded(entry.at, entry.trust, Searcher(chunks, self._known), near)
            return held

    def _known(self, word: str) -> bool:
        """Whether the embedder has a token for the whole word: its vocabulary is a list of common words."""
        return self._embedder.count([word]) == [1]

    def collections(self) -> list[str]:
        return self._rows.collections()

    def count(self, collection: str = "default") -> int:
        """How many chunks a collection holds."""
        return self._rows.counts(collection)[1]

    def prepare(self, progress: Progress | None = None) -> None:
        """Bring every collection into a state to be searched. Called once by the process that owns the store."""
        with self._writing:
            for collection in self.collections():
                self._open(collection, progress)
                entry = self._rows.entry(collection)
                if entry and self._vectors(collection).missing(self._rows.chunks(collection), entry.trust):
                    self.rebuild(collection, entry.trust, progress)
                for text in _WARMING:
                    self.find(text, collection=collection)
        self._embedder.queries(_WARMING)

    def rebuild(self, collection: str, trust: dict[str, float] | None = None, progress: Progress | None = None) -> None:
        """Make the vectors of a collection anew from its rows. trust: in the model, by language; where it is not given as it was before."""
        with self._writing:
            if trust is None:
                trust = entry.trust if (entry := self._rows.entry(collection)) else {}
            vectors = self._vectors(collection)
            vectors.clear()
            chunks = self._rows.chunks(collection)
            for start in range(0, len(chunks), 4 * _BATCH):
                if progress:
                    progress(start, len(chunks), chunks[start].source)
                vectors.add(chunks[start : start + 4 * _BATCH], trust)
            self._loaded.pop(collection, None)

    def ready(self) -> str | None:
        """None when questions can be answered, else what is wrong and what to do."""
        try:
            self._store.spaces()
            for collection in self.collections():
                entry = self._rows.entry(collection)
                if entry and entry.model != self._embedder.name:
                    return f"Collection {collection} was indexed by {entry.model}, not {self._embedder.name}. Restart to rebuild it."
                loaded = self.loaded(collection)
                if loaded and self._vectors(collection).missing(loaded.searcher.chunks, loaded.trust):
                    return f"Collection {collection} has lost vectors. Restart to rebuild them."
        except KnowledgeError as error:
            return str(error)
        return None

    def _open(self, collection: str, progress: Progress | None = None) -> None:
        """Make the collection's row, or build the vectors anew beside the old ones where another model made those, and then swap."""
        if not _COLLECTION.fullmatch(collection):
            raise BadCollection(
                f"The collection is named {collection!r}; allowed: 1 to 48 letters, digits, - and _, beginning with a letter or digit. "
                "Choose such a name."
            )
        entry = self._rows.entry(collection)
        if entry and (entry.model, entry.dimension) == (self._embedder.name, self._embedder.dimension):
            return
        trust = self._trust()
        if entry:
            self.rebuild(collection, trust, progress)
        self._rows.enter(collection, self._embedder.name, self._embedder.dimension, trust)
        self._vectors(collection).drop_others()

    def _vectors(self, collection: str) -> CollectionVectors:
        return CollectionVectors(self._store, self._embedder, collection)
