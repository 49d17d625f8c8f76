"""A backup brought back: looked at as a whole first, unpacked beside what is there, and put in place in one step."""

import hashlib
import json
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ui import audit, swap
from ui.backup import FORMAT, MANIFEST, Progress, storable_name
from ui.database import FILE_NAME, DatabaseError, migrate, open_engine
from ui.errors import Failure
from ui.relocate import relocate

_LARGEST_MANIFEST = 2**26  # bytes
_PIECE = 2**20
_SPARE = 2**26  # bytes of the disk that stay free
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What reading a broken archive raises; encrypted and strangely packed ones too."""
_OTHER = "Take another backup; if this one was copied or sent, do that again."


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup as its manifest describes it. files: SHA-256 and size in bytes by name. data_dir: the folder it was made of."""

    made: str
    version: str
    schema: str
    data_dir: str
    files: Mapping[str, tuple[str, int]]

    @property
    def bytes(self) -> int:
        """Of all files, unpacked."""
        return sum(size for _, size in self.files.values())


def read(path: Path) -> Backup:
    """What a backup says of itself, once its names and sizes agree with that. Raises `Failure` for a file that cannot be restored."""
    with _open(path) as packed:
        return _read(packed, path)


def restore(path: Path, data_dir: Path, *, force: bool = False, progress: Progress = lambda *_: None) -> tuple[Backup, Path | None]:
    """Bring a backup back into the folder, which must be ours. Returns it, and where what was there before has been moved.

    Everything is read, compared with the manifest and brought to the newest schema before anything of the folder is touched. force: the
    folder need not be empty. Raises `Failure`.
    """
    data_dir = data_dir.absolute()
    backup = read(path)
    if (there := swap.content(data_dir)) and not force:
        some = ", ".join(there[:3]) + (" ..." if len(there) > 3 else "")
        raise Failure(
            f"The data folder {data_dir} is not empty ({some}). Give --force to move what is there aside, or another folder by --data-dir.",
            2,
        )
    free = shutil.disk_usage(data_dir).free
    if backup.bytes + _SPARE > free:
        raise Failure(f"The backup takes {backup.bytes:,} bytes and the disk has {free:,} free. Free some space and try again.")
    new = swap.stage(data_dir)
    try:
        with _open(path) as packed:
            for number, (name, (digest, size)) in enumerate(backup.files.items()):
                progress(number, len(backup.files), name)
                _unpack(packed, name, digest, size, new / name)
        _bring_up(new, backup, data_dir)
    except BaseException:
        swap.drop(data_dir)
        raise
    return backup, swap.commit(data_dir)


def _open(path: Path) -> zipfile.ZipFile:
    try:
        with path.open("rb") as file:
            begins = file.read(4)
        if begins[:2] != b"PK":
            raise Failure(f"{path} is no backup: it does not begin like one. `answerdesk backup FILE` makes them.", 2)
        return zipfile.ZipFile(path)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror or error}.", 2) from None
    except _DAMAGE as error:
        raise Failure(f"{path} is damaged or cut off: {error}. {_OTHER}") from None


def _read(packed: zipfile.ZipFile, path: Path) -> Backup:
    infos = packed.infolist()
    names = [info.filename for info in infos]
    if MANIFEST not in names:
        raise Failure(f"{path} is no backup: it has no {MANIFEST}. `answerdesk backup FILE` makes them.", 2)
    found = _manifest(packed, path)
    listed = found.files
    problems = [f"{name!r} is in it twice" for name in sorted({name for name in names if names.count(name) > 1})] if _twice(names) else []
    problems += [f"{name!r} is no name of a file in a data folder" for name in listed if not storable_name(name)]
    problems += [f"{name!r} is both a file and a folder" for name in listed if _parents(name) & listed.keys()]
    problems += [f"{info.filename!r} is a link or no plain file" for info in infos if not _plain(info)]
    problems += [f"{name!r} is in it and not in its manifest" for name in names if name not in listed and name != MANIFEST]
    problems += [f"{name!r} is missing" for name in listed.keys() - set(names)]
    sizes = {info.filename: info.file_size for info in infos}
    problems += [f"{name!r} has another size than its manifest says" for name, (_, size) in listed.items() if sizes.get(name, size) != size]
    if FILE_NAME not in listed:
        problems.append("it has no database")
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise Failure(f"{path} cannot be restored: {'; '.join(problems[:3])}{more}. {_OTHER}")
    return found


def _manifest(packed: zipfile.ZipFile, path: Path) -> Backup:
    if packed.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
        raise Failure(f"{path} cannot be restored: its {MANIFEST} is larger than any. {_OTHER}")
    try:
        with packed.open(MANIFEST) as file:
            told = json.loads(file.read(_LARGEST_MANIFEST + 1))
    except (*_DAMAGE, OSError, RecursionError) as error:  # a wrong offset leads before the file's beginning
        raise Failure(f"{path} is damaged: its {MANIFEST} cannot be read ({error}). {_OTHER}") from None
    if not isinstance(told, dict) or told.get("product") != "answerdesk":
        raise Failure(f"{path} is no backup of Answerdesk. `answerdesk backup FILE` makes them.", 2)
    if told.get("format") != FORMAT:
        raise Failure(
            f"{path} is of format {told.get('format')!r}, and this version reads {FORMAT}. Restore it with the version that made it."
        )
    files = told.get("files")
    if not isinstance(files, dict) or not all(_entry(entry) for entry in files.values()):
        raise Failure(f"{path} cannot be restored: its {MANIFEST} does not list files with their sizes and hashes. {_OTHER}")
    made, version, schema, folder = (str(told.get(name, "")) for name in ("made", "version", "schema", "data_dir"))
    return Backup(made, version, schema, folder, {name: (entry["sha256"], entry["bytes"]) for name, entry in files.items()})


def _entry(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    digest, size = value.get("sha256"), value.get("bytes")
    return isinstance(digest, str) and bool(_SHA256.fullmatch(digest)) and type(size) is int and 0 <= size < 2**60


def _twice(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _parents(name: str) -> set[str]:
    parts = name.split("/")
    return {"/".join(parts[:at]) for at in range(1, len(parts))}


def _plain(info: zipfile.ZipInfo) -> bool:
    """Whether it is a file with content, by all that the archive says of it."""
    mode = info.external_attr >> 16
    return not info.is_dir() and (stat.S_IFMT(mode) in {0, stat.S_IFREG}) and not info.flag_bits & 1


def _opened(packed: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A file of the archive. Raises `BadZipFile` also for an offset before the archive's beginning, which is no trouble of the disk."""
    try:
        return packed.open(name)
    except OSError as error:
        raise zipfile.BadZipFile(str(error)) from error


def _unpack(packed: zipfile.ZipFile, name: str, digest: str, size: int, to: Path) -> None:
    """One file, whole and as the manifest has it, or `Failure`."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found, left = hashlib.sha256(), size
    try:
        with _opened(packed, name) as source, os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            while piece := source.read(min(_PIECE, left + 1)):
                left -= len(piece)
                if left < 0:
                    break
                found.update(piece)
                target.write(piece)
            target.flush()
            os.fsync(target.fileno())
    except _DAMAGE as error:
        raise Failure(f"The backup is damaged: {name!r} cannot be unpacked ({error}). {_OTHER}") from None
    if left or found.hexdigest() != digest:
        raise Failure(f"The backup is damaged: {name!r} is not what its manifest says. {_OTHER}")


def _bring_up(new: Path, backup: Backup, data_dir: Path) -> None:
    """See that the database opens, bring it to the newest schema, and have it name files where they will be."""
    try:
        engine = open_engine(new)
        try:
            migrate(engine)
            relocate(engine, new, backup.data_dir, str(data_dir))
            audit.record(engine, "shell", "restore", str(data_dir), f"the backup of {backup.made}, version {backup.version}")
        finally:
            engine.dispose()
    except DatabaseError as error:
        raise Failure(f"The backup's database cannot be used: {str(error).removesuffix(error.remedy).strip()} {error.remedy}") from None


def result(backup: Backup, data_dir: Path, aside: Path | None) -> dict[str, Any]:
    """What `restore` prints."""
    about = {"data_dir": str(data_dir.absolute()), "files": len(backup.files), "bytes": backup.bytes}
    about |= {"made": backup.made, "version": backup.version, "schema": backup.schema}
    return {**about, "moved_aside": str(aside) if aside else None}
