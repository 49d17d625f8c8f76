"""Paths into the data folder, in the database and in the records of runs, when the folder has another place than it had."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, select, update

from bot.tables import backends, policies
from finetune.jobs import read_json, write_json
from finetune.tables import adapters
from ui.tables import sessions

_COLUMNS = (
    (adapters, adapters.c.name, ("folder", "base", "recipe", "evaluation")),
    (policies, policies.c.version, ("policy",)),
    (backends, backends.c.name, ("config",)),
)
_RECORDS = ("job.json", "result.json", "adapter/recipe.json")  # of a run


def relocate(engine: Engine, folder: Path, old: str, new: str) -> None:
    """Have everything that named a file below `old` name the same one below `new`, and everybody sign in again.

    folder: where the files are meanwhile. old, new: absolute.
    """
    with engine.begin() as connection:
        connection.execute(delete(sessions))
        for table, key, names in _COLUMNS:
            for row in connection.execute(select(table)).mappings().all():
                was = {name: row[name] for name in names}
                if (now := moved(was, old, new)) != was:
                    connection.execute(update(table).where(key == row[key.name]).values(now))
    for record in (path for name in _RECORDS for path in sorted((folder / "runs").glob(f"*/{name}"))):
        held = read_json(record)
        if held is not None and (now := moved(held, old, new)) != held:
            write_json(record, now)


def moved(value: Any, old: str, new: str) -> Any:
    """The value, as JSON has it, with every text in it that is `old` or a path below it moved to `new`."""
    if isinstance(value, str):
        return new + value[len(old) :] if old and (value == old or value.startswith(f"{old}/")) else value
    if isinstance(value, dict):
        return {name: moved(each, old, new) for name, each in value.items()}
    return [moved(each, old, new) for each in value] if isinstance(value, list) else value
