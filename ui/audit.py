"""Who changed what: an append-only list that the admin reads."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, select

from ui.tables import audit


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. who: a user's name, or `shell`. what: `users.add`, `desk.take` ... about: what was changed."""

    at: datetime
    who: str
    what: str
    about: str
    detail: str


def record(engine: Engine, who: str, what: str, about: str = "", detail: str = "") -> None:
    """Add an entry. Neither passwords nor customers' words belong in it."""
    with engine.begin() as connection:
        connection.execute(audit.insert().values(at=datetime.now(UTC), who=who, what=what, about=about, detail=detail[:2000]))


def entries(engine: Engine, limit: int = 100) -> list[Entry]:
    """The newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    with engine.execution_options(read_only=True).begin() as connection:
        return [Entry(row.at, row.who, row.what, row.about, row.detail) for row in connection.execute(query)]
