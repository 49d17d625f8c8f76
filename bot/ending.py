"""The end of a conversation, and how the customer rates it then: once, from 1 to 5.

A conversation ends when the customer or the desk closes it, or a person hands it back. Who writes again goes on with the bot.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from bot.lines import lock, unknown
from bot.personal.cards import masked
from bot.records import storable
from bot.tables import conversations, notes

WORST, BEST = 1, 5
LONGEST_WHY = 700  # characters


@dataclass(frozen=True, slots=True)
class Ending:
    """at: when it ended last, None where it never did. score: the customer's rating, None where there is none."""

    at: datetime | None = None
    score: int | None = None


def ending(engine: Engine, conversation: str) -> Ending:
    """How a conversation stands; never ended where there is none."""
    query = select(conversations.c.ended, conversations.c.score).where(conversations.c.id == conversation)
    with engine.execution_options(read_only=True).begin() as connection:
        row = connection.execute(query).one_or_none()
        return Ending(row.ended, row.score) if row else Ending()


def end(engine: Engine, conversation: str, customer: str) -> None:
    """The customer is done: nobody is waited for any more. Raises `UnknownConversation` when it is not theirs."""
    now = datetime.now(UTC)
    closed = {"state": "closed", "assignee": None, "assignee_shown": None, "ended": now}
    with engine.begin() as connection:
        _theirs(connection, conversation, customer)
        changed = update(conversations).where(conversations.c.id == conversation, conversations.c.state != "closed").values(**closed)
        if connection.execute(changed).rowcount:
            connection.execute(notes.insert().values(conversation=conversation, at=now, kind="closed", author="", text=""))


def rate(engine: Engine, conversation: str, customer: str, score: int, why: str = "") -> bool:
    """Keep the customer's rating of a conversation that has ended. False where there is one already, or it never ended.

    Raises ValueError for a rating outside 1 to 5 and `UnknownConversation` when it is not theirs.
    """
    if not WORST <= score <= BEST:
        raise ValueError(f"a rating is {score}; allowed: {WORST} (bad) to {BEST} (good)")
    why = storable(masked(why.strip()[:LONGEST_WHY]), "the reason of a rating")
    free = (conversations.c.id == conversation, conversations.c.score.is_(None), conversations.c.ended.is_not(None))
    values: dict[str, Any] = {"score": score, "score_why": why}
    with engine.begin() as connection:
        _theirs(connection, conversation, customer)
        return connection.execute(update(conversations).where(*free).values(**values)).rowcount > 0


def _theirs(connection: Connection, conversation: str, customer: str) -> None:
    if lock(connection, conversation) != customer:
        raise unknown(conversation)
