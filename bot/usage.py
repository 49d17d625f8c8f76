"""How many tokens each backend was used for today, over all processes: what budgets are held against."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.breaker import Clock
from bot.messages import Tokens
from bot.policies import Remembered
from bot.tables import backend_usage

Now = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Usage:
    """Counts by the day in UTC, in the database. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = time.monotonic, now: Now = _now) -> None:
        self._engine = engine
        self._now = now
        self._known = Remembered(self._read, clock)

    def add(self, backend: str, tokens: Tokens) -> None:
        """Count a reply."""
        table = backend_usage
        row = {"day": self._day(), "backend": backend, "prompt_tokens": tokens.prompt, "reply_tokens": tokens.completion}
        with self._engine.begin() as connection:
            insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table).values(row)
            more = {name: table.c[name] + insert.excluded[name] for name in ("prompt_tokens", "reply_tokens")}
            connection.execute(insert.on_conflict_do_update(index_elements=["day", "backend"], set_=more))
        self._known.forget()

    def today(self) -> dict[str, Tokens]:
        """Tokens by backend, at most half a second old."""
        day, used = self._known.get()
        return used if day == self._day() else {}

    def _read(self) -> tuple[str, dict[str, Tokens]]:
        day = self._day()
        query = select(backend_usage).where(backend_usage.c.day == day)
        with self._engine.execution_options(read_only=True).begin() as connection:
            return day, {row.backend: Tokens(row.prompt_tokens, row.reply_tokens) for row in connection.execute(query)}

    def _day(self) -> str:
        return self._now().date().isoformat()
