"""The lines of a conversation in the database, as the customers' side and the desk both write and read them."""

from typing import Any, cast

from sqlalchemy import Connection, Row, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import UnknownConversation
from bot.messages import Answer
from bot.records import answer_from_json, checked_id
from bot.tables import conversations, messages

_customer = select(conversations.c.customer).where(conversations.c.id == bindparam("conversation")).with_for_update()
_last = select(func.max(messages.c.position)).where(messages.c.conversation == bindparam("conversation"))


def unknown(conversation: str) -> UnknownConversation:
    return UnknownConversation(f"this customer has no conversation {conversation!r}; use one of their own or start a new one")


def insert_on(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that may say what to do where the row is there already; both databases read it alike."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return insert_on(connection.dialect.name, table)


def lock(connection: Connection, conversation: str) -> str:
    """Let one transaction at a time at this conversation, and say whose it is. SQLite's transactions stand in line anyway."""
    checked_id(conversation, "conversation", UnknownConversation)
    customer = connection.scalar(_customer, {"conversation": conversation})
    if customer is None:
        raise unknown(conversation)
    return cast("str", customer)


def append(connection: Connection, conversation: str, **line: Any) -> int:
    """Add a line at the end; the conversation must be locked."""
    position = (connection.scalar(_last, {"conversation": conversation}) or 0) + 1
    connection.execute(messages.insert(), {"conversation": conversation, "position": position, **line})
    return position


def answer_of(row: Row[Any]) -> Answer | None:
    if row.in_reply_to is None:
        return None
    own = {"text": row.text, "reply": row.id, "interrupted": row.interrupted}
    return answer_from_json(row.answer or {}, conversation=row.conversation, message=row.in_reply_to, **own)
