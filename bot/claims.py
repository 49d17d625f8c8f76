"""Whose turn it is, over all processes that share the database: one answers in a conversation, the others wait."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection, bindparam, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert

from bot.lines import insert_on
from bot.tables import claims
from bot.waiting import OneAtATime

LEASE = timedelta(minutes=5)  # longer than any turn; a process that died keeps its conversation waiting no longer
POLL_S = 0.02  # how often somebody who waits for another process looks again

_leave = delete(claims).where(claims.c.conversation == bindparam("mine"), claims.c.owner == bindparam("me"))


class Place:
    """A place in the line for a conversation. held: whether the conversation is this one's."""

    def __init__(self, conversation: str, mine: threading.Event, write: Callable[[], AbstractContextManager[Connection]]) -> None:
        self.conversation = conversation
        self.held = False
        self._owner = uuid.uuid4().hex
        self._mine = mine
        self._write = write

    def take(self, connection: Connection) -> bool:
        """Within a transaction that writes: take the conversation, which must exist, if nobody is before this place.

        The caller sets `held` once that is committed.
        """
        return self._mine.is_set() and taken(connection, self.conversation, self._owner)

    def leave(self, connection: Connection) -> None:
        """Within a transaction that writes: give it back. The caller clears `held` once that is committed."""
        connection.execute(_leave, {"mine": self.conversation, "me": self._owner})

    def wait(self) -> None:
        """Until the conversation is this one's."""
        self._mine.wait()
        while not self.held:
            try:
                with self._write() as connection:
                    held = taken(connection, self.conversation, self._owner)
                self.held = held
            except IntegrityError:  # erased meanwhile: there is nothing left to wait for, and nothing that could be saved
                self.held = True
            if not self.held:
                time.sleep(POLL_S)

    def release(self) -> None:
        """Give it back, if that has not been done."""
        if self.held:
            with self._write() as connection:
                self.leave(connection)
            self.held = False


class Claims:
    """One holder of a conversation at a time. In this process they come in order; between processes the first to look is next."""

    def __init__(self, write: Callable[[], AbstractContextManager[Connection]]) -> None:
        """write: a transaction that writes."""
        self._write = write
        self._here = OneAtATime()

    @contextmanager
    def line(self, conversation: str) -> Iterator[Place]:
        """A place in the line for the conversation, for the block; what it holds at the end is given back."""
        with self._here.line(conversation) as mine:
            place = Place(conversation, mine, self._write)
            try:
                yield place
            finally:
                place.release()

    @contextmanager
    def turn(self, conversation: str) -> Iterator[None]:
        """Wait for the conversation and hold it for the block."""
        with self.line(conversation) as place:
            place.wait()
            yield

    def forget(self) -> None:
        """Drop all claims: those of processes that died. Only while nothing else answers."""
        with self._write() as connection:
            connection.execute(delete(claims))


def taken(connection: Connection, conversation: str, owner: str) -> bool:
    """Claim a conversation where nobody holds it, or whoever did held it for too long."""
    now = datetime.now(UTC)
    values = {"conversation": conversation, "owner": owner, "until": now + LEASE, "now": now}
    return connection.execute(_take(connection.dialect.name), values).first() is not None


@lru_cache(maxsize=2)
def _take(dialect: str) -> ReturningInsert[tuple[str]]:
    new = insert_on(dialect, claims).values({name: bindparam(name) for name in ("conversation", "owner", "until")})
    mine = {"owner": new.excluded.owner, "until": new.excluded.until}
    taking = new.on_conflict_do_update(
        index_elements=["conversation"], set_=mine, where=claims.c.until < bindparam("now", type_=claims.c.until.type)
    )
    return taking.returning(claims.c.owner)
