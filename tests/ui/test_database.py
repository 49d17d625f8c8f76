"""The database opens safely, migrates once, and says plainly what is wrong."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, event, exc, inspect, text

from bot import tables as bot_tables
from bot.messages import Request
from bot.store import Store
from finetune import tables as finetune_tables
from knowledge import tables as knowledge_tables
from ui import tables as ui_tables
from ui.database import DatabaseError, migrate, open_engine

pytest_plugins = ("tests.databases",)

ROOT = Path(__file__).parents[2]
METADATA = [knowledge_tables.metadata, bot_tables.metadata, finetune_tables.metadata, ui_tables.metadata]


@pytest.fixture
def folder_engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path / "data")
    migrate(engine)
    yield engine
    engine.dispose()


def schema(engine: Engine) -> dict[str, Any]:
    """Everything about the tables that a database can tell, check constraints too (alembic compares none of those)."""
    seen = inspect(engine)
    return {
        name: {
            "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(name)],
            "primary": seen.get_pk_constraint(name)["constrained_columns"],
            **{
                kind: sorted((sorted((k, str(v)) for k, v in found.items()) for found in read(name)), key=str)
                for kind, read in [
                    ("foreign", seen.get_foreign_keys),
                    ("unique", seen.get_unique_constraints),
                    ("check", seen.get_check_constraints),
                    ("index", seen.get_indexes),
                ]
            },
        }
        for name in seen.get_table_names()
        if name != "alembic_version"
    }


def test_a_migrated_database_has_the_declared_tables(engine: Engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_a_migrated_database_is_what_create_all_makes(engine: Engine):
    migrated = schema(engine)
    assert set(migrated) == {table for metadata in METADATA for table in metadata.tables}
    with engine.begin() as connection:
        for metadata in METADATA:
            metadata.drop_all(connection)
            metadata.create_all(connection)
    assert schema(engine) == migrated


def test_migrating_twice_changes_nothing(engine: Engine):
    Store(engine).set_setting("kept", [1])
    migrate(engine)
    assert Store(engine).get_setting("kept") == [1]


def test_processes_that_start_at_once_migrate_once(address: str):
    code = """if True:
        import sys
        from ui.database import migrate, open_engine
        from bot.store import Store
        from bot.messages import Request
        engine = open_engine(sys.argv[1])
        print("ready", flush=True)
        sys.stdin.readline()
        migrate(engine)
        Store(engine).receive(Request("hello", "shared", "customer"))
    """
    started = [
        subprocess.Popen([sys.executable, "-c", code, address], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.communicate("go\n", timeout=60)
    assert [process.returncode for process in started] == [0, 0, 0]
    engine = open_engine(address)
    assert len(Store(engine).history("shared")) == 3
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused(engine: Engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match=r"newer version of Answerdesk \(its schema is 9999\)\. Start that version"):
        migrate(engine)


def test_a_migration_that_fails_leaves_nothing_behind(address: str):
    engine = open_engine(address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE settings (somebody_elses INTEGER)"))
    with pytest.raises(exc.DBAPIError, match="already exists"):
        migrate(engine)
    assert inspect(engine).get_table_names() == ["settings"]
    engine.dispose()


def test_foreign_keys_hold_after_migrating(engine: Engine):
    orphan = {"collection": "default", "id": "x", "document": 7, "position": 0, "title": "", "heading": [], "text": "", "sentences": []}
    with pytest.raises(exc.IntegrityError), engine.begin() as connection:
        connection.execute(knowledge_tables.chunks.insert().values(**orphan, kind="text", language="en"))


def test_sqlite_is_opened_so_that_nothing_acknowledged_is_lost(folder_engine: Engine):
    with folder_engine.connect() as first, folder_engine.execution_options(read_only=True).connect() as second:
        for connection in (first, second):
            values = [
                connection.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
            ]
            assert values == ["wal", 2, 5000, 1]


def test_the_data_folder_is_made_and_is_nobody_elses(tmp_path: Path):
    open_engine(tmp_path / "a" / "data % folder").dispose()
    folder = tmp_path / "a" / "data % folder"
    assert (folder.stat().st_mode & 0o777, (folder / "answerdesk.db").stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_folder_with_a_percent_sign_migrates(tmp_path: Path):
    engine = open_engine(tmp_path / "100%")
    migrate(engine)
    assert Store(engine).keys() == []
    engine.dispose()


def test_an_unusable_folder_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DatabaseError, match=r"data folder .*file/data cannot be used: Not a directory") as caught:
        open_engine(tmp_path / "file" / "data")
    assert str(caught.value).endswith(caught.value.remedy)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    (tmp_path / "answerdesk.db").write_bytes(b"garbage " * 1000)
    with pytest.raises(DatabaseError, match=r"not a database, or damaged .*restore a backup"):
        open_engine(tmp_path)


def test_a_file_damaged_later_is_said_so(folder_engine: Engine):
    store = Store(folder_engine)
    for number in range(50):
        store.set_setting(f"s{number}", "x" * 500)
    folder_engine.dispose()
    path = Path(str(folder_engine.url.database))
    path.write_bytes(path.read_bytes()[:8192] + b"\xff" * (path.stat().st_size - 8192))
    with pytest.raises(DatabaseError, match="is damaged"):
        store.get_setting("s1")


@pytest.mark.parametrize(
    "address", ["mysql://u:hunter2@h/db", "nonsense", "postgresql://u:hunter2@h:port/db", "sqlite://", "sqlite:///:memory:"]
)
def test_an_unusable_address_gets_the_allowed_ones_and_no_password(address: str):
    with pytest.raises(DatabaseError, match=r"database URL .* Allowed: sqlite:////folder/file\.db, postgresql://") as caught:
        open_engine(address)
    assert "hunter2" not in str(caught.value)


def test_an_unreachable_server_is_named_without_its_password():
    pytest.importorskip("psycopg")
    with pytest.raises(DatabaseError, match=r"PostgreSQL database shop at 127\.0\.0\.1:1 cannot be used: .*Check that it runs") as caught:
        open_engine("postgresql://user:hunter2@127.0.0.1:1/shop")
    assert "hunter2" not in str(caught.value)


def test_while_another_process_writes_reads_go_on_and_writes_say_why_not(folder_engine: Engine):
    @event.listens_for(folder_engine, "checkout")
    def _wait_shorter(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    store = Store(folder_engine)
    store.receive(Request("hello", "c1", "customer"))
    other = sqlite3.connect(str(folder_engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(store.history("c1")) == 1
    with pytest.raises(DatabaseError, match="another process has kept it locked"):
        store.receive(Request("again", "c1", "customer"))
    other.execute("ROLLBACK")
    other.close()
    assert store.receive(Request("again", "c1", "customer")).position == 2


def test_on_a_full_disk_reads_go_on_and_writes_say_why_not(folder_engine: Engine):
    store = Store(folder_engine)
    store.receive(Request("hello", "c1", "customer"))

    @event.listens_for(folder_engine, "checkout")
    def _no_more_pages(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # SQLite raises it to the pages there are

    with pytest.raises(DatabaseError, match=r"the disk is full .*Free some space"):
        store.receive(Request("x" * 100_000, "c1", "customer"))
    assert [line.text for line in store.history("c1")] == ["hello"]
