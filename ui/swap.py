"""The content of a data folder replaced as a whole: what is staged beside it gets in, what was there is moved aside.

A kill at any moment leaves the old content or, from the marker on, a swap that whoever owns the folder next brings to its end. Imports
nothing heavy: every command that opens a data folder looks here first.
"""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

STAGE = ".restore"
ASIDE = "before-restore-"
LOCK = "owner.lock"  # stays where it is: whoever swaps holds it
_MARKER = "ready.json"


def content(data_dir: Path) -> list[str]:
    """The names of what is in the folder, sorted; neither its lock nor what was moved aside before."""
    return sorted(path.name for path in data_dir.iterdir() if path.name not in {STAGE, LOCK} and not path.name.startswith(ASIDE))


def stage(data_dir: Path) -> Path:
    """An empty folder within the data folder, to be filled with its new content. Only for the folder's owner."""
    shutil.rmtree(data_dir / STAGE, ignore_errors=True)
    new = data_dir / STAGE / "new"
    new.mkdir(mode=0o700, parents=True)
    return new


def drop(data_dir: Path) -> None:
    """Forget what was staged."""
    shutil.rmtree(data_dir / STAGE, ignore_errors=True)


def commit(data_dir: Path) -> Path | None:
    """Put what was staged in place. Returns the folder with what was there before, None where there was nothing."""
    staged = data_dir / STAGE
    for folder in _folders(staged / "new"):
        sync(folder)
    old = content(data_dir)
    aside = _unused(data_dir)
    marker = {"aside": aside.name, "old": old, "new": sorted(path.name for path in (staged / "new").iterdir())}
    beside = staged / f"{_MARKER}.new"
    beside.write_text(json.dumps(marker), encoding="utf-8")
    sync(beside)
    beside.rename(staged / _MARKER)  # from here on there is no way back, only forward
    sync(staged)
    finish(data_dir)
    return aside if old else None


def finish(data_dir: Path) -> None:
    """Bring a swap that a kill cut off to its end, or clear away one that was never ready. Only for the folder's owner."""
    staged = data_dir / STAGE
    if not staged.is_dir():
        return
    if (staged / _MARKER).is_file():
        marker = json.loads((staged / _MARKER).read_text(encoding="utf-8"))
        aside = data_dir / marker["aside"]
        if marker["old"]:
            aside.mkdir(mode=0o700, exist_ok=True)
        for name in marker["old"]:
            if not os.path.lexists(aside / name):  # else it was moved before, and what is there now is new
                (data_dir / name).rename(aside / name)
        for name in marker["new"]:
            if os.path.lexists(staged / "new" / name):
                (staged / "new" / name).rename(data_dir / name)
        sync(data_dir)
        (staged / _MARKER).unlink()  # first: without it the rest is rubbish, whatever cuts its removal off
        sync(staged)
    drop(data_dir)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk before this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _folders(top: Path) -> Iterator[Path]:
    return (Path(folder) for folder, _, _ in os.walk(top))


def _unused(data_dir: Path) -> Path:
    first = data_dir / f"{ASIDE}{datetime.now(UTC):%Y%m%d-%H%M%S}"
    taken = 1
    while (found := first if taken == 1 else first.with_name(f"{first.name}-{taken}")).exists():
        taken += 1
    return found
