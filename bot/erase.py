"""Everything of a customer, gone from every store in one call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine, delete, func, select

from bot.examples import Pool
from bot.memory import Memory
from bot.records import checked_customer
from bot.tables import conversations, messages

Hook = Callable[[str, Sequence[str]], int]
"""Erases what another room keeps of a customer, given the customer and the ids of their conversations; says how many things that were."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many of each. elsewhere: what the hooks erased, by their names."""

    conversations: int
    messages: int
    facts: int
    examples: int
    elsewhere: dict[str, int] = field(default_factory=dict)


def erase_customer(engine: Engine, customer: str, hooks: dict[str, Hook] | None = None) -> Erased:
    """Erase a customer: conversations with messages, answers, summaries, notes and shadow answers; facts; examples made from them.

    Whatever refers to a conversation goes with it, in one transaction; a turn that is under way can save nothing afterwards. Done again, it
    finishes what was cut off. The space is overwritten. Backups that were made before still hold the customer, and have to be made anew.
    Raises `BadMessage` for an id that no customer can have.
    """
    theirs = conversations.c.customer == checked_customer(customer)
    with engine.begin() as connection:
        ids = list(connection.scalars(select(conversations.c.id).where(theirs)))
        lines = connection.scalar(select(func.count()).select_from(messages).join(conversations).where(theirs)) or 0
    # The conversations go last: as long as they are there, an interrupted erasure can be found and finished.
    elsewhere = {name: hook(customer, ids) for name, hook in (hooks or {}).items()}
    examples, facts = Pool(engine).erase_customer(customer, ids), Memory(engine).erase(customer)
    with engine.begin() as connection:
        connection.execute(delete(conversations).where(theirs))
    _overwrite(engine)
    return Erased(len(ids), lines, facts, examples, elsewhere)


def _overwrite(engine: Engine) -> None:
    """SQLite leaves what was deleted in free pages and in its log until something is written there; PostgreSQL vacuums by itself."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        connection.driver_connection.execute("VACUUM")  # type: ignore[union-attr]
        connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    finally:
        connection.close()
