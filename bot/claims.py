"""Whose turn it is, over all processes that share the database: one answers in a conversation, the others wait."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bot.tables import claims
from bot.waiting import OneAtATime

LEASE = timedelta(minutes=5)  # longer than any turn; a process that died keeps its conversation waiting no longer
POLL_S = 0.02  # how often somebody who waits for another process looks again


class Claims:
    """One holder of a conversation at a time. In this process they come in order; between processes the first to look is next."""

    def __init__(self, write: Callable[[], AbstractContextManager[Connection]]) -> None:
        """write: a transaction that writes."""
        self._write = write
        self._here = OneAtATime()

    @contextmanager
    def turn(self, conversation: str) -> Iterator[None]:
        """Wait for the conversation, which must exist, and hold it for the block."""
        with self._here.turn(conversation):
            owner = uuid.uuid4().hex
            while not self._take(conversation, owner):
                time.sleep(POLL_S)
            try:
                yield
            finally:
                with self._write() as connection:
                    connection.execute(delete(claims).where(claims.c.conversation == conversation, claims.c.owner == owner))

    def forget(self) -> None:
        """Drop all claims: those of processes that died. Only while nothing else answers."""
        with self._write() as connection:
            connection.execute(delete(claims))

    def _take(self, conversation: str, owner: str) -> bool:
        now = datetime.now(UTC)
        mine = {"owner": owner, "until": now + LEASE}
        over = update(claims).where(claims.c.conversation == conversation, claims.c.until < now)
        try:
            with self._write() as connection:
                if connection.execute(over.values(mine)).rowcount:
                    return True
                insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
                new = insert(claims).values(conversation=conversation, **mine)
                return connection.execute(new.on_conflict_do_nothing()).rowcount > 0
        except IntegrityError:  # erased meanwhile: there is nothing left to wait for, and nothing that could be saved
            return True
