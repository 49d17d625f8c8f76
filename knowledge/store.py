"""The vector store: one Protocol, Chroma behind it, and a fake in memory. The only file that knows Chroma."""

import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit

import numpy as np

from knowledge.embed import Vectors
from knowledge.errors import StoreError

_BATCH = 2000  # Chroma refuses more than about 5,400 records at once
BROKEN = ".broken"
"""What is put after the name of a store's folder that could not be read."""
_REBUILD = "`answerdesk documents reindex` makes the index anew from the database."


@runtime_checkable
class VectorStore(Protocol):
    """Named spaces of vectors of one dimension each, searched by cosine.

    Every vector belongs to an owner (a chunk's id), by which it is deleted. Writing the same id again replaces it.
    """

    def add(self, space: str, ids: Sequence[str], owners: Sequence[str], vectors: Vectors) -> None: ...

    def delete(self, space: str, owners: Sequence[str]) -> None: ...

    def query(self, space: str, vector: Vectors, n: int) -> list[tuple[str, float]]:
        """The owners of the `n` nearest vectors of shape (dimension,), each with its cosine in -1..1, best first; owners may repeat."""
        ...

    def fetch(self, space: str, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of those of `ids` that are there, each of shape (dimension,)."""
        ...

    def count(self, space: str) -> int: ...

    def drop(self, space: str) -> None: ...

    def spaces(self) -> list[str]: ...

    def renew(self) -> None:
        """Begin anew where the store fails. What a store of our own held may be gone; the vectors are made again from the rows."""
        ...


class MemoryStore:
    """The fake: exact, and gone with the process."""

    def __init__(self) -> None:
        self._spaces: dict[str, dict[str, tuple[str, Vectors]]] = {}

    def add(self, space: str, ids: Sequence[str], owners: Sequence[str], vectors: Vectors) -> None:
        records = self._spaces.setdefault(space, {})
        records.update({id_: (owner, vector) for id_, owner, vector in zip(ids, owners, vectors, strict=True)})

    def delete(self, space: str, owners: Sequence[str]) -> None:
        gone = set(owners)
        if space in self._spaces:
            self._spaces[space] = {id_: record for id_, record in self._spaces[space].items() if record[0] not in gone}

    def query(self, space: str, vector: Vectors, n: int) -> list[tuple[str, float]]:
        records = list(self._spaces.get(space, {}).values())
        if not records or n < 1:
            return []
        cosines = np.stack([record[1] for record in records]) @ vector
        return [(records[i][0], float(cosines[i])) for i in np.argsort(-cosines, kind="stable")[:n]]

    def fetch(self, space: str, ids: Sequence[str]) -> dict[str, Vectors]:
        records = self._spaces.get(space, {})
        return {id_: records[id_][1] for id_ in ids if id_ in records}

    def count(self, space: str) -> int:
        return len(self._spaces.get(space, {}))

    def drop(self, space: str) -> None:
        self._spaces.pop(space, None)

    def spaces(self) -> list[str]:
        return sorted(self._spaces)

    def renew(self) -> None:
        self._spaces.clear()


class ChromaStore:
    """Chroma, embedded in a folder that this process owns, or a Chroma server by URL.

    The embedded store is damaged for good by two writers (chroma 1.5), so whoever opens it holds the data folder's lock, and one lock
    here serialises what the process itself does.
    """

    def __init__(self, folder: Path | None = None, url: str = "") -> None:
        """Open the store. Where that fails each call raises the `StoreError`, so that the rest of the product goes on without it.

        Raises `StoreError` for a URL that is none.
        """
        self._lock = threading.RLock()
        self._folder, self._server = folder, _server(url) if url else None
        self._where = url or str(folder)
        self._opened: dict[str, Any] = {}  # spaces that were there when last looked for
        self._wrong: StoreError | None = None
        self._client: Any = None
        self._open()

    def _open(self) -> None:
        import chromadb
        from chromadb.config import Settings

        quiet = Settings(anonymized_telemetry=False, allow_reset=False)
        try:
            if self._server:
                self._client = chromadb.HttpClient(**self._server, settings=quiet)
                self._client.heartbeat()
            else:
                self._client = chromadb.PersistentClient(path=str(self._folder), settings=quiet)
            self._wrong = None
        except Exception as error:  # noqa: BLE001  (Chroma raises what its Rust core, sqlite and httpx raise)
            remedy = "Start the server or correct ANSWERDESK_CHROMA_URL." if self._server else _REBUILD
            self._wrong = StoreError(f"The vector store {self._where} cannot be opened ({_short(error)}). {remedy}")
            self._wrong.__cause__ = error

    def renew(self) -> None:
        """An embedded store is moved aside, to the same place with `.broken`, and begun anew; a server is connected to again."""
        from chromadb.api.shared_system_client import SharedSystemClient

        with self._lock:
            if self._client:
                with suppress(Exception):  # it fails already; what counts is that nobody has its files open any more
                    self._client.close()
            SharedSystemClient.clear_system_cache()  # which also keeps those that could not be opened
            if self._folder and self._folder.exists() and not self._server:
                aside = self._folder.with_name(f"{self._folder.name}{BROKEN}")
                _remove(aside)
                self._folder.rename(aside)
            self._opened.clear()
            self._open()
            self.spaces()

    def add(self, space: str, ids: Sequence[str], owners: Sequence[str], vectors: Vectors) -> None:
        collection = self._collection(space)
        for start in range(0, len(ids), _BATCH):
            part = slice(start, start + _BATCH)
            self._call(
                collection.upsert, ids=list(ids[part]), embeddings=vectors[part], metadatas=[{"owner": owner} for owner in owners[part]]
            )

    def delete(self, space: str, owners: Sequence[str]) -> None:
        for start in range(0, len(owners), 500):
            self._existing(space, partial(_delete, list(owners[start : start + 500])))

    def query(self, space: str, vector: Vectors, n: int) -> list[tuple[str, float]]:
        wanted: dict[str, Any] = {"query_embeddings": [vector], "n_results": n, "include": ["metadatas", "distances"]}
        found = self._existing(space, lambda collection: collection.query(**wanted)) if n > 0 else None
        if not found:
            return []
        pairs = zip(found["metadatas"][0], found["distances"][0], strict=True)
        return [(str(metadata["owner"]), 1.0 - float(distance)) for metadata, distance in pairs]

    def fetch(self, space: str, ids: Sequence[str]) -> dict[str, Vectors]:
        found = self._existing(space, lambda collection: collection.get(ids=list(ids), include=["embeddings"])) if ids else None
        if not found:
            return {}
        return dict(zip(found["ids"], np.asarray(found["embeddings"], dtype=np.float32), strict=True))

    def count(self, space: str) -> int:
        return int(self._existing(space, lambda collection: collection.count()) or 0)

    def drop(self, space: str) -> None:
        self._opened.pop(space, None)
        if space in self.spaces():
            self._call(lambda: self._client.delete_collection(space))

    def spaces(self) -> list[str]:
        return sorted(collection.name for collection in self._call(lambda: list(self._client.list_collections())))

    def _collection(self, space: str) -> Any:
        # ef_search bounds how many neighbours HNSW can return well; the fusion asks for some hundred.
        configuration = {"hnsw": {"space": "cosine", "ef_search": 400, "ef_construction": 200, "max_neighbors": 32}}
        made = {"embedding_function": None, "configuration": configuration}
        return self._call(lambda: self._client.get_or_create_collection(space, **made))

    def _existing(self, space: str, use: Callable[[Any], Any]) -> Any | None:
        """What `use` makes of the space; None where there is none, since reading makes nothing.

        To open a space costs as much as a small query, so it is kept open; where it is gone, perhaps made anew, it is opened again.
        """
        from chromadb.errors import NotFoundError

        for opened in (self._opened.get(space), None):
            try:
                if (collection := opened) is None:
                    found = self._call(lambda: self._client.get_collection(space, embedding_function=None))
                    collection = self._opened[space] = found
                return self._call(use, collection)
            except StoreError as error:
                if not isinstance(error.__cause__, NotFoundError):
                    raise
                self._opened.pop(space, None)
        return None

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            if self._wrong and self._server:
                self._open()  # it may be up by now
            if self._wrong:
                raise StoreError(str(self._wrong)) from self._wrong.__cause__  # another one each time: its traceback would grow
            try:
                return function(*args, **kwargs)
            except Exception as error:
                remedy = f"Run `answerdesk doctor`. {_REBUILD}"
                raise StoreError(f"The vector store {self._where} failed ({_short(error)}). {remedy}") from error


def _delete(owners: list[str], collection: Any) -> None:
    collection.delete(where={"owner": {"$in": owners}})


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _server(url: str) -> dict[str, Any]:
    """Host, port and scheme as Chroma's client wants them."""
    try:
        parts = urlsplit(url)
        secure, port = parts.scheme == "https", parts.port
    except ValueError:  # brackets without an address, or a port that is no number
        parts, secure, port = urlsplit(""), False, None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise StoreError(f"The Chroma URL is {url!r}; allowed: http://host:port. Correct ANSWERDESK_CHROMA_URL.")
    return {"host": parts.hostname, "port": port or (443 if secure else 8000), "ssl": secure}


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
