"""The one SQL database: opened with settings that lose nothing, brought to the newest schema, its errors said plainly.

SQLite in the data folder on one machine; PostgreSQL by URL when there are many.
"""

import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, exc, make_url, text
from sqlalchemy.engine import URL

FILE_NAME = "answerdesk.db"
_MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x616E7364  # any number that no other user of a shared PostgreSQL database locks
_FORMS = "sqlite:////absolute/path/file.db, postgresql://user:password@host:5432/name, or empty for a file in the data folder"

# What SQLite's error names begin with -> what happened, what to do.
_SQLITE = {
    "SQLITE_BUSY": ("another process kept it locked for over 5 seconds", "Try again; if that goes on, stop whatever else uses it."),
    "SQLITE_FULL": ("the disk is full", "Free some space; nothing that was saved is lost."),
    "SQLITE_READONLY": ("it cannot be written", "Give the user who runs this the right to write the file and its folder."),
    "SQLITE_CANTOPEN": ("it cannot be opened", "Give the user who runs this the right to read and write the file and its folder."),
    "SQLITE_PERM": ("it cannot be opened", "Give the user who runs this the right to read and write the file and its folder."),
    "SQLITE_NOTADB": ("the file is not a database, or is damaged", "Move it away and restore a backup (answerdesk restore FILE)."),
    "SQLITE_CORRUPT": ("the file is damaged", "Move it away and restore a backup (answerdesk restore FILE)."),
    "SQLITE_IOERR": ("the disk gave an error", "Check the disk and its free space, then start again."),
}


class DatabaseError(Exception):
    """The database cannot be used. The message ends with `remedy`: what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.remedy = remedy


def open_engine(where: str | Path) -> Engine:
    """Open the database and talk to it once. where: a SQLAlchemy URL, or (a Path) the data folder, which is made if need be.

    On SQLite a transaction takes the write lock as it begins, so reading and then writing cannot fail half-way; those of an
    engine or connection with the execution option `read_only=True` take none. Raises `DatabaseError`, as does all later use of
    the engine when the database is locked, full, damaged or out of reach.
    """
    url = URL.create("sqlite", database=str(where / FILE_NAME)) if isinstance(where, Path) else _parsed(where)
    engine = _sqlite_engine(url) if url.get_backend_name() == "sqlite" else _postgresql_engine(url)
    event.listen(engine, "handle_error", _translate, retval=True)
    with engine.connect():
        pass
    return engine


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version: in one transaction, by one process at a time; at once when nothing is to be done.

    Raises `DatabaseError`, also for a database that a newer version of the product has written.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with engine.execution_options(read_only=True).connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    if set(heads) == set(script.get_heads()):
        return
    try:
        script.get_revisions(heads)
    except (ResolutionError, Exception):
        raise
    with engine.connect() as connection:
        connection.detach()
        _begin_migration(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
