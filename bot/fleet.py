"""The backends that there are: those of the settings and those in the database, opened when they are first seen and closed when they go."""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import IntegrityError

from bot.backends.base import Backend
from bot.breaker import Clock
from bot.errors import BackendError, BadPolicy, UnknownBackend
from bot.kinds import Kind, setup_of
from bot.messages import Tokens
from bot.policies import PolicyStore, Remembered
from bot.policy import LAST, Adapter, checked_name
from bot.records import plain_json
from bot.tables import backends
from bot.usage import Usage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A backend as it is set up. config: the fields of its kind's `setup`. fixed: by the settings, not in the database."""

    name: str
    kind: str
    config: Mapping[str, Any]
    fixed: bool = False


class Fleet(Mapping[str, Backend]):
    """Backends by name, at most half a second behind the database. Thread-safe.

    A backend that is replaced or removed answers its running turns to their end: they hold it themselves.
    """

    def __init__(
        self,
        engine: Engine,
        policies: PolicyStore,
        kinds: Mapping[str, Kind],
        fixed: Mapping[str, Entry],
        clock: Clock = time.monotonic,
    ) -> None:
        """fixed: what the settings name; `extractive` must be among them."""
        self.kinds = kinds
        self.usage = Usage(engine, clock)
        self._engine = engine
        self._policies = policies
        self._fixed = fixed
        self._rows = Remembered(self._read, clock)
        self._lock = Lock()
        self._open: dict[str, tuple[Entry, Adapter | None, Backend | None]] = {}
        self._wrong: dict[str, str] = {}

    def __getitem__(self, name: str) -> Backend:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def entries(self) -> dict[str, Entry]:
        """Every backend that is set up, those too that cannot be opened."""
        return {**self._fixed, **{name: entry for name, entry in self._rows.get().items() if name not in self._fixed}}

    def wrong(self, name: str) -> str:
        """Why a backend cannot be opened; empty when it can."""
        self._current()
        return self._wrong.get(name, "")

    def add(self, name: str, kind: str, config: Mapping[str, Any]) -> Entry:
        """Set up a backend, in every process that shares the database. Raises `BadPolicy`, `BackendRejected`."""
        checked_name(name, "the backend's name")
        if kind not in self.kinds or kind == LAST:
            raise BadPolicy(f"kind is {kind!r}; allowed: {', '.join(sorted(set(self.kinds) - {LAST}))}")
        entry = Entry(name, kind, plain_json(dict(config), "the set-up of a backend"))
        self._opened(entry, None)  # to see that it can be
        row = {"name": name, "kind": kind, "config": entry.config, "added": datetime.now(UTC)}
        try:
            if name in self._fixed:
                raise BadPolicy(f"there is a backend {name!r} already, from the settings; choose another name")
            with self._engine.begin() as connection:
                connection.execute(backends.insert().values(row))
        except IntegrityError:
            raise BadPolicy(f"there is a backend {name!r} already; remove it first, or choose another name") from None
        self._rows.forget()
        return entry

    def remove(self, name: str) -> None:
        """Take a backend out. Raises `UnknownBackend`, and `BadPolicy` for one that the policy needs or that the settings name."""
        if name in self._fixed:
            raise BadPolicy(f"the backend {name!r} is set up by the settings, not in the database; change them and start again")
        if part := self._policies.newest().names().get(name):
            raise BadPolicy(f"the backend {name!r} is {part}; give that part to another one first")
        with self._engine.begin() as connection:
            if not connection.execute(delete(backends).where(backends.c.name == name)).rowcount:
                raise UnknownBackend(f"There is no backend {name!r} in the database; there are: {', '.join(self._read()) or 'none'}.")
        self._rows.forget()

    def shown(self, entry: Entry) -> dict[str, Any]:
        """What it is set up with, as it may be shown."""
        kind = self.kinds.get(entry.kind)
        hidden = kind.secrets if kind else frozenset(entry.config)
        return {field: "***" if field in hidden and value else value for field, value in entry.config.items()}

    def cost(self, name: str, tokens: Tokens) -> float:
        """What so many tokens of this backend cost; 0 where no price is set."""
        entry = self.entries().get(name)
        config = entry.config if entry else {}
        return float(tokens.prompt * config.get("prompt_per_1k", 0) + tokens.completion * config.get("reply_per_1k", 0)) / 1000

    def spent(self) -> dict[str, tuple[int, float]]:
        """Tokens and cost of today, by backend."""
        return {name: (used.prompt + used.completion, self.cost(name, used)) for name, used in self.usage.today().items()}

    def _read(self) -> dict[str, Entry]:
        with self._engine.execution_options(read_only=True).begin() as connection:
            rows = connection.execute(select(backends).order_by(backends.c.added, backends.c.name))
            return {row.name: Entry(row.name, row.kind, row.config) for row in rows}

    def _current(self) -> dict[str, Backend]:
        entries, adapters = self.entries(), self._policies.load().adapters
        with self._lock:
            for name in self._open.keys() - entries.keys():
                del self._open[name]
                self._wrong.pop(name, None)
            for name, entry in entries.items():
                wanted, had = (entry, adapters.get(name)), self._open.get(name)
                if had is None or had[:2] != wanted:
                    self._open[name] = (*wanted, self._opened_or_kept(*wanted, had[2] if had and had[0] == entry else None))
            return {name: backend for name in entries if (backend := self._open[name][2])}

    def _opened_or_kept(self, entry: Entry, adapter: Adapter | None, old: Backend | None) -> Backend | None:
        """The backend anew; where it cannot be opened, as it was before."""
        try:
            backend = self._opened(entry, adapter)
        except (BackendError, BadPolicy) as error:
            self._wrong[entry.name] = str(error)
            logger.error("backend %s cannot be opened: %s", entry.name, error)  # noqa: TRY400  (the message says it all)
            return old
        self._wrong.pop(entry.name, None)
        return backend

    def _opened(self, entry: Entry, adapter: Adapter | None) -> Backend:
        if entry.kind not in self.kinds:
            raise BadPolicy(
                f"the backend {entry.name} is of kind {entry.kind!r}, which nothing installed knows; known: {', '.join(self.kinds)}"
            )
        kind = self.kinds[entry.kind]
        return kind.open(entry.name, setup_of(kind, entry.config), adapter)
