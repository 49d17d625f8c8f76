"""The redacted conversations that examples came from, kept so that a training row can hold what was said before its question."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from sqlalchemy import Engine, or_, select

from bot.messages import Message
from finetune.conversations import Conversation
from finetune.tables import transcripts


class Archive:
    """The conversations in the database. Thread-safe; every change is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin

    def add_all(self, conversations: Iterable[Conversation]) -> int:
        """Keep those that are not there yet; returns how many were new."""
        now = datetime.now(UTC)
        rows = {
            conversation.id: {
                "id": conversation.id,
                "customer": conversation.customer,
                "begun": conversation.at,
                "turns": [[turn.role, turn.text] for turn in conversation.turns],
                "created": now,
            }
            for conversation in conversations
        }
        with self._engine.begin() as connection:
            known = set(connection.scalars(select(transcripts.c.id)))
            new = [row for name, row in rows.items() if name not in known]
            if new:
                connection.execute(transcripts.insert(), new)
        return len(new)

    def get(self, names: Collection[str]) -> dict[str, Conversation]:
        """The conversations with these ids, as far as they are there."""
        found = {}
        with self._read() as connection:
            for some in _some(sorted(set(names))):
                for row in connection.execute(select(transcripts).where(transcripts.c.id.in_(some))):
                    turns = tuple(Message(role, text) for role, text in row.turns)
                    found[row.id] = Conversation(row.id, turns, row.customer, row.begun)
        return found

    def erase_customer(self, customer: str, conversations: Collection[str] = ()) -> list[str]:
        """Delete a customer's conversations; returns their ids."""
        theirs = or_(transcripts.c.id.in_(conversations), (transcripts.c.customer == customer) & (transcripts.c.customer != ""))
        with self._engine.begin() as connection:
            gone = list(connection.scalars(select(transcripts.c.id).where(theirs)))
            connection.execute(transcripts.delete().where(theirs))
        return gone


def _some(names: list[str], size: int = 500) -> Iterable[list[str]]:
    """In pieces: a database takes only so many values in one query."""
    return ([*names[at : at + size]] for at in range(0, len(names), size))
