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


def upload_documents(app: "App", emit: Emit, *, files: list[tuple[str, str]], by: str) -> dict[str, Any]:
    """Keep files, each a name and where it lies, in the data folder, and take them in. A bad one is reported and is not kept."""
    folder = app.settings.data_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = [keep(folder, name, Path(path)) for name, path in files]

    def progress(done: int, total: int, name: str) -> None:
        emit({"progress": {"done": done, "total": total, "name": name}})

    report = asdict(app.index.ingest(kept, "default", progress))
    for failed in report["failed"]:
        (folder / failed["path"]).unlink(missing_ok=True)
    audit.record(app.engine, by, "documents.upload", ", ".join(path.name for path in kept)[:500])
    return report


def keep(folder: Path, name: str, path: Path) -> Path:
    """A copy of a file in `folder` under its own name, whole or not at all. Raises `Failure` for a name that is not allowed."""
    name = Path(name).name
    if name in {"", ".", ".."} or len(name.encode()) > 200 or not name.isprintable():
        raise Failure(f"The file name is {name[:80]!r}; allowed: up to 200 bytes of printable characters. Rename the file.", 2)
    beside = folder / f".{name}.new"
    shutil.copyfile(path, beside)
    os.replace(beside, folder / name)  # noqa: PTH105  (the same call, and it says that it overwrites)
    return folder / name


DESK_OPERATIONS = {"list_documents": list_documents}
OPERATIONS = {operation.__name__: operation for operation in (remove_document, upload_documents)}
