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
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, exc, make_url

FILE_NAME = "answerdesk.db"
_MIGRATIONS = Path(__file__).with_name("migrations")
_OPEN = 32  # connections that stay open, as many as turns are made at a time: to open one takes a millisecond
_MIGRATION_LOCK = 0x616E7364  # an advisory lock of PostgreSQL; any number will do, as long as it never changes
_FORMS = "sqlite:////folder/file.db, postgresql://user:password@host:5432/name, or nothing for a file in the data folder"

# How SQLite's error names begin -> what happened, what to do about it.
_RIGHTS = "Give the user who runs this the right to read and write the file and its folder."
_RESTORE = "Move the file away and restore a backup (answerdesk restore FILE)."
_SQLITE_ERRORS = {
    "SQLITE_BUSY": ("another process has kept it locked for 5 seconds", "Try again; if that goes on, stop what else uses the file."),
    "SQLITE_FULL": ("the disk is full", "Free some space; nothing that was saved before is lost."),
    "SQLITE_READONLY": ("it cannot be written", _RIGHTS),
    "SQLITE_CANTOPEN": ("it cannot be opened", _RIGHTS),
    "SQLITE_PERM": ("it cannot be opened", _RIGHTS),
    "SQLITE_NOTADB": ("it is not a database, or damaged", _RESTORE),
    "SQLITE_CORRUPT": ("it is damaged", _RESTORE),
    "SQLITE_IOERR": ("the disk gave an error", "Check the disk and its free space, then start again."),
}


class DatabaseError(Exception):
    """The database cannot be used. The message ends with `remedy`, what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.remedy = remedy


def open_engine(where: str | Path) -> Engine:
    """Open the database and speak to it once. where: a URL, or (a Path) the data folder, which is made when it is not there.

    On SQLite a transaction takes the write lock when it begins, so that one that reads and then writes cannot fail half-way;
    with the execution option `read_only=True` it takes none. Raises `DatabaseError`, as all later use of the engine does when
    the database is locked, full, damaged or out of reach.
    """
    url = _in_folder(where) if isinstance(where, Path) else _parse(where)
    engine = _open_sqlite(url) if url.get_backend_name() == "sqlite" else _open_postgresql(url)
    event.listen(engine, "handle_error", _explain, retval=True)
    with engine.connect():
        return engine


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest version, in one transaction and in one process at a time.

    Raises `DatabaseError`, also for a database that a newer version of the product has written.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with engine.execution_options(read_only=True).connect() as connection:
        current = set(MigrationContext.configure(connection).get_current_heads())
    if current == set(script.get_heads()):
        return
    if unknown := current - {revision.revision for revision in script.walk_revisions()}:
        raise DatabaseError(
            f"{_name(engine.url)} was written by a newer version of Answerdesk (its schema is {', '.join(unknown)})",
            "Start that version, or restore a backup made by this one.",
        )
    with engine.connect() as connection:
        connection.detach()  # not to go back into the pool with its foreign keys off
        _lock_for_migration(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _lock_for_migration(connection: Connection) -> None:
    """Begin a transaction that only one process can be in."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        return
    # To change a table SQLite must often build it anew, and dropping the old one would delete the rows that refer to it.
    # Inside a transaction this pragma does nothing, hence the plain connection.
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    connection.begin()


def _in_folder(folder: Path) -> URL:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / FILE_NAME).touch(mode=0o600)  # customers' conversations are nobody else's to read
    except OSError as error:
        raise DatabaseError(f"the data folder {folder} cannot be used: {error.strerror}", f"Choose another one. {_RIGHTS}") from None
    return URL.create("sqlite", database=str(folder / FILE_NAME))


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
    except (exc.ArgumentError, ValueError):  # not shown: it may hold a password
        raise DatabaseError("the database URL cannot be read", f"Allowed: {_FORMS}.") from None
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise DatabaseError(f"the database URL begins with {url.drivername!r}", f"Allowed: {_FORMS}.")
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise DatabaseError("the database URL names no file, so everything would be lost at the end", f"Allowed: {_FORMS}.")
    return url


def _open_sqlite(url: URL) -> Engine:
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), pool_size=_OPEN, max_overflow=_OPEN)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001
    connection.isolation_level = None  # the driver begins no transactions of its own; `_begin_sqlite` does
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    begin = "BEGIN" if connection.get_execution_options().get("read_only") else "BEGIN IMMEDIATE"
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute(begin)  # every turn begins several, and each would cost a tenth of a millisecond by way of SQLAlchemy
    except sqlite3.Error as error:
        raise _said(error, connection.engine.url) or error from error


def _open_postgresql(url: URL) -> Engine:
    try:
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args={"connect_timeout": 5})
    except ImportError:
        raise DatabaseError("the driver for PostgreSQL is not installed", "Install it: pip install 'answerdesk[postgres]'.") from None


def _name(url: URL) -> str:
    """How messages call the database; never with a password."""
    if url.get_backend_name() == "sqlite":
        return f"the database {url.database}"
    return f"the PostgreSQL database {url.database or ''} at {url.host or url.query.get('host', 'localhost')}:{url.port or 5432}"


def _explain(context: ExceptionContext) -> DatabaseError | None:
    """Say what the driver's error means; None leaves the error as it is."""
    error, engine = context.original_exception, context.engine
    if engine is None or context.is_pre_ping:
        return None
    if isinstance(error, sqlite3.Error):
        return _said(error, engine.url)
    if isinstance(context.sqlalchemy_exception, exc.OperationalError):
        said = str(error).strip().partition("\n")[0]
        return DatabaseError(f"{_name(engine.url)} cannot be used: {said}", "Check that it runs, its disk, and the address and password.")
    return None


def _said(error: sqlite3.Error, url: URL) -> DatabaseError | None:
    code = getattr(error, "sqlite_errorname", "")
    found = next((known for begin, known in _SQLITE_ERRORS.items() if code.startswith(begin)), None)
    return DatabaseError(f"{_name(url)}: {found[0]} ({error})", found[1]) if found else None
