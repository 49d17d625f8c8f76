"""How many tokens each backend was used for today, over all processes: what budgets are held against."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import Connection, Engine, Insert, bindparam, select

from bot.breaker import Clock
from bot.lines import insert_on
from bot.messages import Tokens
from bot.policies import Remembered
from bot.tables import backend_usage

Now = Callable[[], datetime]
Used = tuple[str, dict[str, Tokens]]
"""A day, and the tokens of each backend on it."""

_OF_DAY = select(backend_usage).where(backend_usage.c.day == bindparam("day"))


def _now() -> datetime:
    return datetime.now(UTC)


class Usage:
    """Counts by the day in UTC, in the database. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = time.monotonic, now: Now = _now) -> None:
        self._engine = engine
        self._reading = engine.execution_options(read_only=True).begin
        self._now = now
        self._known = Remembered(self._read, clock)

    def add(self, backend: str, tokens: Tokens, connection: Connection | None = None) -> None:
        """Count a reply; within the caller's transaction where one is given."""
        day = self._day()
        row = {"day": day, "backend": backend, "prompt_tokens": tokens.prompt, "reply_tokens": tokens.completion}
        if connection:
            connection.execute(_adding(connection.dialect.name), row)
        else:
            with self._engine.begin() as own:
                own.execute(_adding(own.dialect.name), row)
        self._known.change(lambda known: _with(known, day, backend, tokens))  # so that the next turn need not read it

    def today(self) -> dict[str, Tokens]:
        """Tokens by backend, at most half a second old."""
        day, used = self._known.get()
        return used if day == self._day() else {}

    def _read(self) -> Used:
        day = self._day()
        with self._reading() as connection:
            rows = connection.execute(_OF_DAY, {"day": day})
            return day, {row.backend: Tokens(row.prompt_tokens, row.reply_tokens) for row in rows}

    def _day(self) -> str:
        return self._now().date().isoformat()


def _with(known: Used, day: str, backend: str, tokens: Tokens) -> Used:
    before = known[1] if known[0] == day else {}
    old = before.get(backend, Tokens())
    return day, {**before, backend: Tokens(old.prompt + tokens.prompt, old.completion + tokens.completion)}


@lru_cache(maxsize=2)
def _adding(dialect: str) -> Insert:
    new = insert_on(dialect, backend_usage).values({column.name: bindparam(column.name) for column in backend_usage.c})
    more = {name: backend_usage.c[name] + new.excluded[name] for name in ("prompt_tokens", "reply_tokens")}
    return new.on_conflict_do_update(index_elements=["day", "backend"], set_=more)
