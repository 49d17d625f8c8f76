"""The index's rows in the database: documents, their chunks, and by which model a collection's vectors were made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update

from knowledge.documents import Chunk, Document
from knowledge.language import detect
from knowledge.tables import chunks as chunk_rows
from knowledge.tables import documents as document_rows
from knowledge.tables import indexes as index_rows

_ENTRY = select(index_rows).where(index_rows.c.collection == bindparam("collection"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A collection's own row. at: when it last changed, by which other processes see that it did. trust: by language, 0..1."""

    model: str
    dimension: int
    at: datetime
    trust: dict[str, float]


@dataclass(frozen=True, slots=True)
class Known:
    """A document that is in. root: the folder or file that it was last taken in with, empty for none."""

    sha256: str
    root: str


@dataclass(frozen=True, slots=True)
class Shelved:
    """A document as a list of them shows it. chunks: how many it became."""

    source: str
    title: str
    language: str
    chunks: int
    at: datetime


class Rows:
    """Reads and writes, each in one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(read_only=True)  # SQLite: a read takes no write lock

    def collections(self) -> list[str]:
        with self._reading.connect() as connection:
            return list(connection.scalars(select(index_rows.c.collection).order_by(index_rows.c.collection)))

    def entry(self, collection: str) -> Entry | None:
        with self._reading.connect() as connection:
            row = connection.execute(_ENTRY, {"collection": collection}).one_or_none()
        return None if row is None else Entry(row.model, row.dimension, row.at, dict(row.trust or {}))

    def enter(self, collection: str, model: str, dimension: int, trust: dict[str, float]) -> None:
        """Make the collection's row, or say which model its vectors are of from now on."""
        values = {"model": model, "dimension": dimension, "trust": trust, "at": datetime.now(UTC)}
        mine = index_rows.c.collection == collection
        with self._engine.begin() as connection:
            changed = connection.execute(update(index_rows).where(mine).values(generation=index_rows.c.generation + 1, **values))
            if not changed.rowcount:
                connection.execute(insert(index_rows).values(collection=collection, generation=1, **values))

    def chunks(self, collection: str) -> list[Chunk]:
        """Every chunk of a collection, by document and position."""
        joined = select(chunk_rows, document_rows.c.source).join(document_rows, document_rows.c.id == chunk_rows.c.document)
        ordered = joined.where(chunk_rows.c.collection == collection).order_by(document_rows.c.source, chunk_rows.c.position)
        with self._reading.connect() as connection:
            return [
                Chunk(
                    row.id, row.source, row.title, tuple(row.heading), row.text, tuple(row.sentences), row.kind, row.language, row.position
                )
                for row in connection.execute(ordered)
            ]  # fmt: skip

    def counts(self, collection: str) -> tuple[int, int]:
        """How many documents and chunks a collection holds."""
        with self._reading.connect() as connection:
            documents = connection.scalar(select(func.count()).select_from(document_rows).where(document_rows.c.collection == collection))
            chunks = connection.scalar(select(func.count()).select_from(chunk_rows).where(chunk_rows.c.collection == collection))
        return documents or 0, chunks or 0

    def known(self, collection: str, sources: Sequence[str]) -> dict[str, Known]:
        """Those of `sources` that are already in."""
        wanted = (document_rows.c.collection == collection) & document_rows.c.source.in_(sources)
        with self._reading.connect() as connection:
            return {row.source: Known(row.sha256, row.root) for row in connection.execute(select(document_rows).where(wanted))}

    def move(self, collection: str, sources: Sequence[str], root: str) -> None:
        """Say that documents have been taken in with another folder than before."""
        if sources:
            mine = (document_rows.c.collection == collection) & document_rows.c.source.in_(sources)
            with self._engine.begin() as connection:
                connection.execute(update(document_rows).where(mine).values(root=root))

    def sources(self, collection: str) -> set[str]:
        with self._reading.connect() as connection:
            return set(connection.scalars(select(document_rows.c.source).where(document_rows.c.collection == collection)))

    def documents(self, collection: str) -> list[Shelved]:
        """Every document of a collection, by its source."""
        query = select(document_rows).where(document_rows.c.collection == collection).order_by(document_rows.c.source)
        with self._reading.connect() as connection:
            return [Shelved(row.source, row.title, row.language, row.chunks, row.at) for row in connection.execute(query)]

    def replace(self, collection: str, document: Document, root: str, embedder: str, chunks: Sequence[Chunk]) -> set[str]:
        """Put a document in the place of its older self, whole or not at all. Returns the ids of chunks that are gone."""
        text = " ".join(chunk.text for chunk in chunks[:5])
        mine = (document_rows.c.collection == collection) & (document_rows.c.source == document.source)
        with self._engine.begin() as connection:
            stale = self._delete(connection, collection, list(connection.scalars(select(document_rows.c.id).where(mine))))
            values = {
                "collection": collection, "source": document.source, "root": root, "title": document.title, "sha256": document.sha256,
                "language": detect(text) or "other", "embedder": embedder, "chunks": len(chunks), "at": datetime.now(UTC),
            }  # fmt: skip
            key = connection.execute(insert(document_rows).values(**values)).inserted_primary_key
            if chunks and key:
                connection.execute(insert(chunk_rows), [_values(collection, int(key[0]), chunk) for chunk in chunks])
            self._touch(connection, collection)
        return stale - {chunk.id for chunk in chunks}

    def forget(self, collection: str, root: str, kept: set[str]) -> tuple[int, set[str]]:
        """Remove what came from `root` and is not among `kept`. Returns how many documents went, and the ids of their chunks."""
        mine = (document_rows.c.collection == collection) & (document_rows.c.root == root)
        with self._engine.begin() as connection:
            rows = connection.execute(select(document_rows.c.id, document_rows.c.source).where(mine))
            gone = [row.id for row in rows if row.source not in kept]
            stale = self._delete(connection, collection, gone)
            if gone:
                self._touch(connection, collection)
        return len(gone), stale

    def _delete(self, connection: Connection, collection: str, documents: Sequence[int]) -> set[str]:
        stale: set[str] = set()
        for start in range(0, len(documents), 500):  # SQLite bounds the number of parameters
            part = documents[start : start + 500]
            mine = (chunk_rows.c.collection == collection) & chunk_rows.c.document.in_(part)
            stale |= set(connection.scalars(select(chunk_rows.c.id).where(mine)))
            connection.execute(delete(chunk_rows).where(mine))
            connection.execute(delete(document_rows).where(document_rows.c.id.in_(part)))
        return stale

    def _touch(self, connection: Connection, collection: str) -> None:
        connection.execute(update(index_rows).where(index_rows.c.collection == collection).values(at=datetime.now(UTC)))


def _values(collection: str, document: int, chunk: Chunk) -> dict[str, object]:
    return {
        "collection": collection, "id": chunk.id, "document": document, "position": chunk.position, "title": chunk.title,
        "heading": list(chunk.heading), "text": chunk.text, "sentences": list(chunk.sentences), "kind": chunk.kind,
        "language": chunk.language,
    }  # fmt: skip
