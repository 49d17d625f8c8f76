"""A turn's two writes: the customer's message, before anything else, and the reply with all that belongs to it.

Each is one transaction of as few statements as it takes; the statements are built once. Whoever calls them opens the transaction.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, func, literal, select, true, update
from sqlalchemy.sql.dml import ReturningInsert

from bot.lines import insert_on
from bot.records import Received, State, answer_from_json
from bot.tables import conversations, messages

_TICK = timedelta(microseconds=1)
_MESSAGE = ("id", "role", "text", "at", "interrupted")
_REPLY = (*_MESSAGE, "in_reply_to", "answer", "provenance")

_reply, _asked = messages.alias("reply"), messages.alias("asked")
with_replies = (
    select(messages, conversations.c.customer, conversations.c.state, _reply.c.id.label("reply_id"))
    .add_columns(*(_reply.c[name].label(f"reply_{name}") for name in ("text", "answer", "interrupted")))
    .join(conversations, conversations.c.id == messages.c.conversation)
    .outerjoin(_reply, and_(_reply.c.conversation == messages.c.conversation, _reply.c.in_reply_to == messages.c.id))
)
"""Messages with their conversations' customers and states, and with the replies to them."""
unanswered = with_replies.where(messages.c.role == "customer", _reply.c.id.is_(None), messages.c.for_person.is_not(True))
_one = with_replies.where(messages.c.conversation == bindparam("of"), messages.c.id == bindparam("message"))
_latest = select(func.max(conversations.c.updated)).where(conversations.c.customer == bindparam("customer"))
_spoken = update(conversations).where(conversations.c.id == bindparam("of")).values(language=bindparam("spoken"))


def find(connection: Connection, conversation: str, message: str) -> Row[Any] | None:
    """A message with the reply to it."""
    return connection.execute(_one, {"of": conversation, "message": message}).one_or_none()


def now_for(connection: Connection, customer: str) -> datetime:
    """Now, but later than anything of this customer, so that what is newest stays so when the clock is set back."""
    last, now = connection.scalar(_latest, {"customer": customer}), datetime.now(UTC)
    return now if last is None else max(now, last + _TICK)


def open_conversation(connection: Connection, conversation: str, customer: str, now: datetime, language: str | None) -> State | None:
    """Lock the customer's conversation, which is made or opened again, and say who answers in it. None when it is another customer's."""
    values = {"id": conversation, "customer": customer, "state": "bot", "created": now, "updated": now, "language": language}
    return cast("State | None", connection.scalar(_statements(connection.dialect.name).open, values))


def save_message(connection: Connection, conversation: str, message: str, text: str, now: datetime) -> int | None:
    """A customer's message at the end of a locked conversation: its position. None when there is a line of that id."""
    line = {"of": conversation, "id": message, "role": "customer", "text": text, "at": now, "interrupted": False}
    return cast("int | None", connection.scalar(_statements(connection.dialect.name).message, line))


def save_reply(connection: Connection, conversation: str, message: str, language: str, line: dict[str, Any]) -> bool:
    """A reply at the end of its conversation. line: the other columns. False when there is no such message, or a reply to it."""
    connection.execute(_spoken, {"of": conversation, "spoken": language})  # which locks it
    values = {"of": conversation, "in_reply_to": message, "role": "bot", **line}
    return connection.scalar(_statements(connection.dialect.name).reply, values) is not None


def received(row: Row[Any]) -> Received:
    """A row of `with_replies`."""
    answer = None
    if row.reply_id is not None:
        own = {"text": row.reply_text, "reply": row.reply_id, "interrupted": row.reply_interrupted}
        answer = answer_from_json(row.reply_answer or {}, conversation=row.conversation, message=row.id, **own)
    return Received(row.conversation, row.customer, row.id, row.position, answer, row.text, row.state)


@dataclass(frozen=True, slots=True)
class _Statements:
    open: ReturningInsert[Any]
    message: ReturningInsert[Any]
    reply: ReturningInsert[Any]


@lru_cache(maxsize=2)
def _statements(dialect: str) -> _Statements:
    new = insert_on(dialect, conversations).values(
        {name: bindparam(name) for name in ("id", "customer", "state", "created", "updated", "language")}
    )
    reopened = case((conversations.c.state == "closed", "bot"), else_=conversations.c.state)  # who writes again is answered again
    opening = new.on_conflict_do_update(
        index_elements=["id"],
        set_={"updated": new.excluded.updated, "state": reopened},
        where=conversations.c.customer == new.excluded.customer,
    ).returning(conversations.c.state)
    position = select(func.coalesce(func.max(messages.c.position), 0) + 1).where(messages.c.conversation == bindparam("of"))
    here = bindparam("of", type_=messages.c.conversation.type)

    def line(names: tuple[str, ...], wanted: ColumnElement[bool]) -> ReturningInsert[Any]:
        columns = [here, position.scalar_subquery(), *(bindparam(name, type_=messages.c[name].type) for name in names)]
        rows = select(*columns).where(wanted)  # SQLite reads "ON CONFLICT" after a WHERE only
        made = insert_on(dialect, messages).from_select(["conversation", "position", *names], rows, include_defaults=False)
        return made.on_conflict_do_nothing().returning(messages.c.position)

    asked = select(literal(1)).where(
        _asked.c.conversation == bindparam("of"), _asked.c.id == bindparam("in_reply_to"), _asked.c.role == "customer"
    )
    return _Statements(opening, line(_MESSAGE, true()), line(_REPLY, asked.exists()))
