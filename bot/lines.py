"""The lines of a conversation in the database, as the customers' side and the desk both write and read them."""

from typing import Any, cast

from sqlalchemy import Connection, Row, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import UnknownConversation
from bot.messages import Answer
from bot.records import answer_from_json, checked_id
from bot.tables import conversations, messages


def unknown(conversation: str) -> UnknownConversation:
    return UnknownConversation(f"this customer has no conversation {conversation!r}; use one of their own or start a new one")


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def lock(connection: Connection, conversation: str) -> str:
    """Let one transaction at a time at this conversation, and say whose it is. SQLite's transactions stand in line anyway."""
    checked_id(conversation, "conversation", UnknownConversation)
    customer = connection.scalar(select(conversations.c.customer).where(conversations.c.id == conversation).with_for_update())
    if customer is None:
        raise unknown(conversation)
    return cast("str", customer)


def append(connection: Connection, conversation: str, **line: Any) -> int:
    """Add a line at the end; the conversation must be locked."""
    last = connection.scalar(select(func.max(messages.c.position)).where(messages.c.conversation == conversation))
    position = (last or 0) + 1
    connection.execute(messages.insert().values(conversation=conversation, position=position, **line))
    return position


def answer_of(row: Row[Any]) -> Answer | None:
    if row.in_reply_to is None:
        return None
    own = {"text": row.text, "reply": row.id, "interrupted": row.interrupted}
    return answer_from_json(row.answer or {}, conversation=row.conversation, message=row.in_reply_to, **own)
