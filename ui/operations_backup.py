"""What `answerdesk backup` does, and what `answerdesk doctor` asks about it. A restore is no operation: no server may have the folder."""

import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from ui import audit
from ui.errors import Failure
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk

_SETTING = "backup"  # in the database: the newest backup
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\.zip")


def back_up(app: "App | Desk", emit: Emit, *, path: str, force: bool = False, by: str = "shell") -> dict[str, Any]:
    """Write a backup to a file. path: absolute."""
    from ui.backup import check_kind, write

    check_kind(app.settings.database_url)

    def progress(done: int, total: int, name: str) -> None:
        emit({"progress": {"done": done, "total": total, "name": name}})

    made = write(app.engine, app.settings.data_dir, Path(path), force=force, progress=progress)
    app.store.set_setting(_SETTING, {"at": made.made, "file": made.file})
    audit.record(app.engine, by, "backup", made.file, f"{made.files} files")
    left_out = [{"file": name, "why": why} for name, why in made.left_out]
    return {**asdict(made), "left_out": left_out}


def make_backup(app: "App | Desk", emit: Emit, *, by: str = "shell") -> dict[str, Any]:
    """Write a backup into the folder of backups, under the time's name."""
    folder = app.settings.backups
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return back_up(app, emit, path=str(folder / f"answerdesk-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"), by=by)


def list_backups(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """The backups in their folder, the newest first. refused: why none can be made here; empty where one can."""
    from ui.backup import check_kind

    folder, refused = app.settings.backups, ""
    try:
        check_kind(app.settings.database_url)
    except Failure as error:
        refused = str(error)
    found = [
        (path, path.stat()) for path in folder.glob("*.zip") if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
    ]
    listed = [
        {"name": path.name, "bytes": about.st_size, "at": datetime.fromtimestamp(about.st_mtime, UTC).isoformat()}
        for path, about in sorted(found, key=lambda one: one[1].st_mtime, reverse=True)
    ]
    return {"folder": str(folder), "backups": listed, "refused": refused}


def take_backup(app: "App | Desk", emit: Emit, *, name: str, by: str) -> dict[str, Any]:
    """The file of one of them, to be taken along; that somebody did is in the audit log."""
    listed = list_backups(app, emit)
    if name not in {one["name"] for one in listed["backups"]}:
        raise Failure(f"There is no backup {name[:80]!r} in {listed['folder']}.", 2)
    audit.record(app.engine, by, "backup.download", name)
    return {"file": str(Path(listed["folder"]) / name)}


def newest_backup(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """When the newest backup was made, and its file; null where there was none. conversations: how many would be lost."""
    from bot.tables import conversations

    held = app.store.get_setting(_SETTING) or {}
    with app.engine.execution_options(read_only=True).begin() as connection:
        count = connection.scalar(select(func.count()).select_from(conversations)) or 0
    hours = (datetime.now(UTC) - datetime.fromisoformat(held["at"])).total_seconds() / 3600 if held else None
    return {"at": held.get("at"), "file": held.get("file"), "hours": hours, "conversations": count}


DESK_OPERATIONS = {operation.__name__: operation for operation in (back_up, make_backup, list_backups, newest_backup)}
