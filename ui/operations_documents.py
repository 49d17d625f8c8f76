"""What the admin's page and `answerdesk documents` do with the documents that are in."""

import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.rows import Rows
from ui import audit
from ui.errors import Failure
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk

FOLDER = "documents"  # within the data folder: what was uploaded


def list_documents(app: "App | Desk", emit: Emit, *, collection: str = "default") -> dict[str, Any]:  # noqa: ARG001
    """Every document, by its source."""
    found = Rows(app.engine).documents(collection)
    return {"documents": [{**asdict(document), "at": document.at.isoformat()} for document in found]}


def remove_document(app: "App", emit: Emit, *, source: str, collection: str = "default", by: str = "shell") -> dict[str, Any]:  # noqa: ARG001
    """Forget a document, and the uploaded file where it came from one."""
    if not app.index.remove(source, collection):
        raise Failure(f"There is no document {source[:200]!r} in {collection!r}; `answerdesk documents list` shows what there is.", 2)
    kept = app.settings.data_dir / FOLDER / source
    if kept.parent == app.settings.data_dir / FOLDER:
        kept.unlink(missing_ok=True)
    audit.record(app.engine, by, "documents.remove", source)
    return {"source": source, "removed": True}


def keep_documents(app: "App | Desk", emit: Emit, *, files: list[tuple[str, str]]) -> dict[str, Any]:  # noqa: ARG001
    """Keep uploaded files, each a name and where it lies, in the data folder; they are taken in by `take_documents`."""
    folder = app.settings.data_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return {"names": [keep(folder, name, Path(path)).name for name, path in files]}


def take_documents(app: "App", emit: Emit, *, names: list[str], by: str) -> dict[str, Any]:
    """Take in files that were kept, one after the other, and say of each how it went. A bad one is reported and is not kept."""
    folder, told = app.settings.data_dir / FOLDER, []
    for number, name in enumerate(names):
        emit({"progress": {"done": number, "total": len(names), "name": name}})
        path = folder / Path(name).name
        if not path.exists():  # a bad one, seen before the server was started again
            told.append({"name": name, "state": "failed", "documents": 0, "error": "It was not kept; upload it again."})
            continue
        report = app.index.ingest([path])
        if report.failed:
            path.unlink(missing_ok=True)
        state = "failed" if report.failed else "unchanged" if not report.added else "updated" if report.removed else "added"
        error = "; ".join(failed.error for failed in report.failed)
        told.append({"name": name, "state": state, "documents": report.added + report.unchanged, "error": error})
    audit.record(app.engine, by, "documents.upload", ", ".join(names)[:500])
    return {"files": told}


def reindex_documents(app: "App", emit: Emit, *, by: str = "shell") -> dict[str, Any]:
    """Make all vectors anew from the documents in the database. Until that is done, what is missing is found by its words alone."""

    def progress(done: int, total: int, name: str) -> None:
        emit({"progress": {"done": done, "total": total, "name": name}})

    collections = app.index.collections()
    for collection in collections:
        app.index.rebuild(collection, progress=progress)
    chunks = sum(map(app.index.count, collections))
    audit.record(app.engine, by, "documents.reindex", ", ".join(collections), f"{chunks} passages")
    return {"collections": len(collections), "chunks": chunks}


def keep(folder: Path, name: str, path: Path) -> Path:
    """A copy of a file in `folder` under its own name, whole or not at all. Raises `Failure` for a name that is not allowed."""
    name = Path(name).name
    if name in {"", ".", ".."} or len(name.encode()) > 200 or not name.isprintable():
        raise Failure(f"The file name is {name[:80]!r}; allowed: up to 200 bytes of printable characters. Rename the file.", 2)
    beside = folder / f".{name}.new"
    shutil.copyfile(path, beside)
    os.replace(beside, folder / name)  # noqa: PTH105  (the same call, and it says that it overwrites)
    return folder / name


DESK_OPERATIONS = {operation.__name__: operation for operation in (list_documents, keep_documents)}
OPERATIONS = {operation.__name__: operation for operation in (remove_document, take_documents, reindex_documents)}
