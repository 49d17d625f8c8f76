"""What `answerdesk backup` does, and what `answerdesk doctor` asks about it. A restore is no operation: no server may have the folder."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from ui import audit
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk

_SETTING = "backup"  # in the database: the newest backup


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


def newest_backup(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """When the newest backup was made, and its file; null where there was none. conversations: how many would be lost."""
    from bot.tables import conversations

    held = app.store.get_setting(_SETTING) or {}
    with app.engine.execution_options(read_only=True).begin() as connection:
        count = connection.scalar(select(func.count()).select_from(conversations)) or 0
    hours = (datetime.now(UTC) - datetime.fromisoformat(held["at"])).total_seconds() / 3600 if held else None
    return {"at": held.get("at"), "file": held.get("file"), "hours": hours, "conversations": count}


DESK_OPERATIONS = {operation.__name__: operation for operation in (back_up, newest_backup)}
