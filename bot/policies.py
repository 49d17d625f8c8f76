"""The policy in the database: every version of it with who made it and why, the newest in force, in every process within half a second."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.exc import IntegrityError

from bot.breaker import Clock
from bot.errors import BadPolicy, PolicyChanged
from bot.policy import Policy
from bot.records import storable
from bot.tables import policies

FRESH_S = 0.5  # how old what is remembered of the database may be, in seconds

T = TypeVar("T")


class Remembered(Generic[T]):
    """A value read from the database, remembered for at most `FRESH_S`. Thread-safe; a read that fails leaves what was known before."""

    def __init__(self, read: Callable[[], T], clock: Clock = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._lock = Lock()
        self._known: tuple[float, T] | None = None

    def get(self) -> T:
        """The value. Raises what reading raises, the first time."""
        with self._lock:
            now = self._clock()
            if self._known is None or now - self._known[0] >= FRESH_S:
                try:
                    self._known = now, self._read()
                except Exception:  # a locked database is no reason to stop answering
                    if self._known is None:
                        raise
                    self._known = now, self._known[1]
            return self._known[1]

    def change(self, change: Callable[[T], T]) -> None:
        """Follow a change of one's own that is in the database, or about to be; how old the rest is stays as it was."""
        with self._lock:
            if self._known is not None:
                self._known = self._known[0], change(self._known[1])

    def forget(self) -> None:
        """Read again when next asked."""
        with self._lock:
            self._known = None


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of the history. `policy.version` is its number."""

    policy: Policy
    author: str
    why: str
    at: datetime


class PolicyStore:
    """The policy and its history, which only grows. Thread-safe; any number of processes may share one database."""

    def __init__(self, engine: Engine, initial: Policy | None = None, clock: Clock = time.monotonic) -> None:
        """initial: in force until the first change, for instance what the settings say."""
        self._engine = engine
        self._initial = replace(initial or Policy(), version=0)
        self._read = engine.execution_options(read_only=True).begin
        self._loaded = Remembered(self.newest, clock)

    def load(self) -> Policy:
        """The policy in force, at most half a second old."""
        return self._loaded.get()

    def newest(self) -> Policy:
        """The policy in force at this very moment."""
        with self._read() as connection:
            return self._newest(connection)

    def update(self, change: Callable[[Policy], Policy] | Mapping[str, Any], author: str, why: str, expected: int | None = None) -> Policy:
        """Make the next version: `change` of the newest, or the newest with these fields (as JSON has them) replaced.

        expected: the version that the change was decided upon; with it `PolicyChanged` is raised when another one is in force by now.
        Without it the change is made on whatever is in force. Raises `BadPolicy` for a policy that cannot be.
        """
        _said(author, "who changes it")
        _said(why, "why it is changed")
        try:
            with self._write() as connection:
                old = self._newest(connection)
                if expected is not None and old.version != expected:
                    raise PolicyChanged(f"the policy is at version {old.version}, not {expected}: it was changed meanwhile; look again")
                new = change(old) if callable(change) else policy_from({**policy_json(old), **change})
                new = replace(new, version=old.version + 1)
                row = {"version": new.version, "policy": policy_json(new), "author": author, "why": why, "at": datetime.now(UTC)}
                connection.execute(policies.insert().values(row))
        except IntegrityError:
            raise PolicyChanged("the policy was changed by somebody else at the same moment; look at it and try again") from None
        self._loaded.forget()
        return new

    def rollback(self, author: str, why: str, to: int | None = None, expected: int | None = None) -> Policy:
        """Bring an earlier version back, as a new one; the one before the newest unless `to` is given. 0 is what there was at first."""
        newest = self.newest()
        wanted = newest.version - 1 if to is None else to
        if not 0 <= wanted < newest.version:
            allowed = f"0 to {newest.version - 1}" if newest.version else "none, as it was never changed"
            raise BadPolicy(f"version {wanted} of the policy cannot be brought back; allowed: {allowed}")
        old = self._initial if wanted == 0 else next(entry.policy for entry in self.history() if entry.policy.version == wanted)
        return self.update(lambda _: old, author, why, newest.version if expected is None else expected)

    def history(self, most: int | None = None) -> list[Version]:
        """The versions, newest first."""
        with self._read() as connection:
            rows = connection.execute(select(policies).order_by(policies.c.version.desc()).limit(most))
            return [Version(_policy(row), row.author, row.why, row.at) for row in rows]

    def _newest(self, connection: Connection) -> Policy:
        row = connection.execute(select(policies).order_by(policies.c.version.desc()).limit(1)).one_or_none()
        return _policy(row) if row else self._initial

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection


def _policy(row: Row[Any]) -> Policy:
    return policy_from(row.policy, row.version)


def _said(text: str, what: str) -> None:
    if not text.strip() or len(text) > 1000:
        raise BadPolicy(f"{what} is {text[:80]!r}; allowed: 1 to 1000 characters")
    storable(text, what)


def policy_json(policy: Policy) -> dict[str, Any]:
    """The policy as JSON, without its version."""
    return {name: value for name, value in asdict(policy).items() if name != "version"}


def policy_from(value: object, version: int = 0) -> Policy:
    """The policy that `policy_json` gave; fields that are missing are at their defaults. Raises `BadPolicy`."""
    from pydantic import TypeAdapter, ValidationError

    known = ", ".join(field.name for field in fields(Policy) if field.name != "version")
    if not isinstance(value, Mapping) or "version" in value:
        raise BadPolicy(f"a policy is {str(value)[:80]!r}; allowed: a JSON object of {known}")
    try:
        return TypeAdapter(Policy).validate_json(json.dumps({**value, "version": version}), strict=True)
    except ValidationError as error:
        said = error.errors(include_url=False, include_context=False)
        raise BadPolicy("; ".join(_problem(one["loc"], one["msg"], one["input"], known) for one in said[:5])) from None
    except (TypeError, ValueError) as error:
        raise BadPolicy(f"the policy is not JSON: {error}") from None


def _problem(where: Sequence[str | int], message: str, got: object, known: str) -> str:
    if message.startswith("Value error, "):  # one of ours, which says all
        return message.removeprefix("Value error, ")
    allowed = f"; allowed: {known}" if len(where) == 1 and message.startswith("Unexpected") else ""
    return f"{'.'.join(str(part) for part in where) or 'the policy'} is {str(got)[:80]!r}: {message}{allowed}"
