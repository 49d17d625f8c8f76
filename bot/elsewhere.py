"""What people at the desk do in a customer's other conversations while the customer looks at one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, and_, or_, select

from bot.own import PERSON
from bot.tables import conversations, messages


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another conversation of a customer's. person: who wrote there last, and when; empty where the last word is not a person's."""

    conversation: str
    person: str = ""
    at: datetime | None = None


def elsewhere(engine: Engine, customer: str, conversation: str) -> Elsewhere | None:
    """The newest other conversation that waits for a person or is with one, or in which one wrote since this one began; else None."""
    began = (
        select(conversations.c.created).where(conversations.c.id == conversation, conversations.c.customer == customer).scalar_subquery()
    )
    wrote = select(1).where(messages.c.conversation == conversations.c.id, messages.c.role == "agent", messages.c.at > began).exists()
    others = select(conversations.c.id).where(conversations.c.customer == customer, conversations.c.id != conversation)
    news = or_(conversations.c.state.in_(PERSON), and_(conversations.c.updated > began, wrote))  # few are newer than what one looks at
    with engine.execution_options(read_only=True).begin() as connection:
        other = connection.scalar(others.where(news).order_by(conversations.c.updated.desc()).limit(1))
        if other is None:
            return None
        lines = select(messages.c.role, messages.c.author, messages.c.at).where(messages.c.conversation == other)
        last = connection.execute(lines.order_by(messages.c.position.desc()).limit(1)).one_or_none()
    return Elsewhere(other, last.author or "", last.at) if last and last.role == "agent" else Elsewhere(other)
