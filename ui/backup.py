"""One file with all that a data folder holds and that cannot be made again: the database, what was uploaded, runs with their adapters.

A zip archive with `manifest.json` in it, which names every other file with its size and SHA-256. The vectors are not in it: they are made
anew from the database. The hashes show damage and mix-ups. Whoever can write the archive can write them too, so keep it well.
"""

import hashlib
import json
import os
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from knowledge.store import BROKEN
from ui.database import FILE_NAME
from ui.errors import Failure
from ui.swap import ASIDE, LOCK, STAGE, sync

MANIFEST = "manifest.json"
FORMAT = 1
_OF_SQLITE = (f"{FILE_NAME}-wal", f"{FILE_NAME}-shm")
LEFT_OUT = {"chroma", f"chroma{BROKEN}", "gradio", LOCK, "server.json", "server.token", STAGE, MANIFEST, *_OF_SQLITE}
"""Names at the top of a data folder that are no part of a backup: caches, locks, what a running server says of itself."""
_PACKED = {".safetensors", ".pt", ".gz", ".zip", ".docx", ".xlsx", ".pdf", ".png", ".jpg"}  # squeezing them takes minutes and saves little
_PIECE = 2**20  # bytes

Progress = Callable[[int, int, str], None]
"""done, total, what."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written. left_out: files of the folder that are not in it, each with the reason. bytes: of the archive."""

    file: str
    bytes: int
    files: int
    version: str
    schema: str
    made: str
    left_out: tuple[tuple[str, str], ...]


def write(engine: Engine, data_dir: Path, to: Path, *, force: bool = False, progress: Progress = lambda *_: None) -> Made:
    """Write a backup of the folder to the file `to`, whole or not at all. It may be in use meanwhile.

    The database is copied first, so that whatever it refers to is in the archive too. force: replace a file that is there. Raises
    `Failure` where the file cannot be written there, and for a damaged database.
    """
    data_dir = data_dir.absolute()
    _check_place(data_dir, to, force=force)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as folder:
        copy, archive = Path(folder, FILE_NAME), Path(folder, "archive")
        schema = _snapshot(engine, copy)
        files, left_out = _files(engine, data_dir)
        about: dict[str, Any] = {"product": "answerdesk", "format": FORMAT, "version": own_version(), "schema": schema}
        about |= {"made": datetime.now(UTC).isoformat(timespec="seconds"), "data_dir": str(data_dir)}
        listed = {}
        with _create(archive) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for number, (name, path) in enumerate(((FILE_NAME, copy), *files)):
                progress(number, len(files) + 1, name)
                if entry := _add(packed, name, path):
                    listed[name] = entry
            packed.writestr(MANIFEST, json.dumps({**about, "files": listed}, ensure_ascii=False, indent=1))
        sync(archive)
        _check_place(data_dir, to, force=force)  # once more: that took a while
        archive.replace(to)
        sync(to.parent)
    return Made(str(to), to.stat().st_size, len(listed), about["version"], schema, about["made"], tuple(left_out))


def check_kind(database_url: str) -> None:
    """Raise `Failure` where the database is not a file."""
    if database_url and not database_url.startswith("sqlite"):
        raise Failure(
            "The database is PostgreSQL, which has its own tools: back it up with `pg_dump --format=custom URL > FILE` and bring it back "
            "with `pg_restore`. Beside it copy documents, transcripts, runs, models and secret of the data folder.",
            2,
        )


def own_version() -> str:
    """The product's version, `source` where it is not installed."""
    try:
        return version("answerdesk")
    except PackageNotFoundError:
        return "source"


def storable_name(name: str) -> bool:
    """Whether a path within a data folder may be in a backup: relative, without a step up, and nothing of `LEFT_OUT`."""
    parts = name.split("/")
    plain = not any(part in {"", ".", ".."} for part in parts) and "\0" not in name and len(name) <= 4096
    return plain and parts[0] not in LEFT_OUT and not parts[0].startswith(ASIDE)


def _check_place(data_dir: Path, to: Path, *, force: bool) -> None:
    if to.is_dir():
        raise Failure(f"{to} is a folder; give the name of a file, for example {to / 'answerdesk.zip'}.", 2)
    if not to.parent.is_dir():
        raise Failure(f"{to.parent} is not there; make that folder first, or choose another one.", 2)
    if to.resolve().is_relative_to(data_dir.resolve()):
        raise Failure(f"{to} lies in the data folder, and what loses that would lose the backup too; choose another place.", 2)
    if to.exists() and not force:
        raise Failure(f"{to} is there already; choose another name, or replace it with --force.", 2)


def _snapshot(engine: Engine, to: Path) -> str:
    """A consistent copy of the database as one file, while others write; returns the revision of its schema."""
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    held = engine.raw_connection()
    try:
        with closing(sqlite3.connect(to)) as copy:
            held.driver_connection.backup(copy)  # type: ignore[union-attr]
            copy.execute("PRAGMA journal_mode=DELETE")
            wrong = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise Failure(f"The database could not be copied: {error}. Check the disk and its free space, then try again.") from error
    finally:
        held.close()
    if wrong != "ok":
        raise Failure(f"The database is damaged ({wrong}), so no backup was made of it. Keep the older ones, and restore the newest.")
    with engine.execution_options(read_only=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def _files(engine: Engine, data_dir: Path) -> tuple[list[tuple[str, Path]], list[tuple[str, str]]]:
    """What goes in beside the database, by its name in the archive; and what does not, with the reason."""
    database = Path(engine.url.database or "").resolve()
    files, left_out = [], []
    for name, path in _walk(data_dir):
        if not storable_name(name) or name == FILE_NAME or name.endswith(".new") or (name.startswith("runs/") and path.name == "lock"):
            continue
        if path.resolve().name.removesuffix("-wal").removesuffix("-shm") == database.name and path.resolve().parent == database.parent:
            continue
        if path.is_symlink() or not path.is_file():
            left_out.append((name, "it is a link" if path.is_symlink() else "it is no plain file"))
        elif not name.isprintable():
            left_out.append((ascii(name), "its name is not text"))
        else:
            files.append((name, path))
    return files, left_out


def _walk(data_dir: Path) -> Iterator[tuple[str, Path]]:
    """Every path below the folder but folders, links to folders included, by name; nothing behind a link."""
    for folder, folders, names in os.walk(data_dir):
        here = Path(folder)
        if here == data_dir:
            folders[:] = [name for name in folders if storable_name(name)]
        folders.sort()
        for name in sorted((*names, *(name for name in folders if (here / name).is_symlink()))):
            yield (here / name).relative_to(data_dir).as_posix(), here / name


def _create(path: Path) -> IO[bytes]:
    """A new file that nobody else reads: it holds conversations and the hashes of passwords."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def _add(packed: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any] | None:
    """Copy a file into the archive; None where it is gone, as an old checkpoint of a run that goes on may be."""
    info = zipfile.ZipInfo(name, time.localtime()[:6])
    info.external_attr = 0o100600 << 16
    info.compress_type = zipfile.ZIP_STORED if path.suffix.lower() in _PACKED else zipfile.ZIP_DEFLATED
    digest, size = hashlib.sha256(), 0
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return None
    with source, packed.open(info, "w", force_zip64=True) as target:
        while piece := source.read(_PIECE):
            digest.update(piece)
            size += len(piece)
            target.write(piece)
    return {"sha256": digest.hexdigest(), "bytes": size}
