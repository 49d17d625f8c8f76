"""The desk's side of conversations: the inbox, taking one over, a person's words, private notes, handing back, closing.

Functions on the engine, each one short transaction. What changes a conversation says in which state it may be and who has it, so that of
two people who take the same one at the same moment one gets it and the other is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, and_, case, func, or_, select, true, update

from bot.errors import BadMessage, NotYours
from bot.lines import answer_of, append, lock, unknown
from bot.messages import Answer, Role
from bot.records import State, checked_id, storable
from bot.tables import conversations, messages, notes

Box = Literal["waiting", "flagged", "mine", "all"]
Flag = Literal["thumbs_down", "abstained", "figures"]
NoteKind = Literal["note", "taken", "returned", "closed", "reviewed"]
LONGEST = 4000  # characters of a person's message or note

_down = messages.c.rating == -1
_abstained = messages.c.answer["abstained"].as_boolean().is_(True)
_figures = func.json_array_length(messages.c.provenance["unsupported_figures"]) > 0
_unseen = or_(conversations.c.reviewed.is_(None), messages.c.at > conversations.c.reviewed)


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation in the inbox. holder: the user who has it, `holder_shown` as customers read it. last: what was said last.

    score: how the customer rated it at its end, 1 to 5.
    """

    id: str
    customer: str
    state: State
    updated: datetime
    language: str
    holder: str = ""
    holder_shown: str = ""
    reason: str = ""
    waiting_since: datetime | None = None
    last: str = ""
    flags: tuple[Flag, ...] = ()
    score: int | None = None
    score_why: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A line as the desk sees it. provenance: of the bot's lines, what they were made from. why: the customer's reason for the rating."""

    id: str
    role: Role
    text: str
    at: datetime
    author: str = ""
    answer: Answer | None = None
    provenance: dict[str, Any] | None = None
    rating: int | None = None
    why: str = ""
    in_reply_to: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What only the desk sees."""

    kind: NoteKind
    author: str
    text: str
    at: datetime


def inbox(engine: Engine, box: Box, me: str, search: str = "", limit: int = 50, *, language: str = "") -> list[Chat]:
    """The conversations of a box: who waits longest first, else the newest first.

    search: words somebody said, or of the customer's id, or a conversation's id. language: zh, en or other; empty is any.
    """
    query = select(conversations).where(_in_box(box, me), _in_language(language))
    if text := search.strip()[:200]:
        like = f"%{text.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        said = select(messages.c.conversation).where(messages.c.text.ilike(like, escape="!"))
        theirs = conversations.c.customer.ilike(like, escape="!")
        query = query.where(or_(conversations.c.id == text, theirs, conversations.c.id.in_(said)))
    order = conversations.c.handover_at.asc() if box == "waiting" else conversations.c.updated.desc()
    with _read(engine) as connection:
        rows = connection.execute(query.order_by(order).limit(limit)).all()
        return _chats(connection, rows)


def counts(engine: Engine, me: str, language: str = "") -> dict[Box, int]:
    """How many conversations are in each box."""
    boxes: tuple[Box, ...] = ("waiting", "flagged", "mine", "all")
    counted = select(func.count()).select_from(conversations)
    with _read(engine) as connection:
        return {box: connection.scalar(counted.where(_in_box(box, me), _in_language(language))) or 0 for box in boxes}


def chat(engine: Engine, conversation: str) -> tuple[Chat, list[Said], list[Note]]:
    """A conversation with all its lines and notes, oldest first. Raises `UnknownConversation`."""
    lines = select(messages).where(messages.c.conversation == conversation).order_by(messages.c.position)
    told = select(notes).where(notes.c.conversation == conversation).order_by(notes.c.id)
    with _read(engine) as connection:
        row = connection.execute(select(conversations).where(conversations.c.id == conversation)).one_or_none()
        if row is None:
            raise unknown(conversation)
        said = [_said(line) for line in connection.execute(lines)]
        kept = [Note(note.kind, note.author, note.text, note.at) for note in connection.execute(told)]
        return _chats(connection, [row])[0], said, kept


def take_over(engine: Engine, conversation: str, user: str, shown: str) -> None:
    """From now on `user` answers and the bot is silent. Raises `NotYours` when somebody else has it."""
    free = conversations.c.state != "agent"
    values = {"state": "agent", "assignee": user, "assignee_shown": shown}
    with engine.begin() as connection:
        if _holder(connection, conversation)[0] != user:
            _change(connection, conversation, free, values)
            _note(connection, conversation, "taken", user)


def say(engine: Engine, conversation: str, user: str, *, message: str, text: str) -> None:
    """A person's words to the customer. The same message id again is the same message. Raises `NotYours` or `BadMessage`."""
    text = _checked(text)
    checked_id(message, "message")
    with engine.begin() as connection:
        holder, shown = _holder(connection, conversation)
        if holder != user:
            raise _not_yours(conversation, shown)
        if connection.scalar(select(messages.c.id).where(messages.c.conversation == conversation, messages.c.id == message)):
            return
        now = _now()
        append(connection, conversation, id=message, role="agent", text=text, at=now, author=shown)
        connection.execute(update(conversations).where(conversations.c.id == conversation).values(updated=now))


def note(engine: Engine, conversation: str, user: str, text: str) -> None:
    """A note that the customer never sees."""
    text = _checked(text)
    with engine.begin() as connection:
        lock(connection, conversation)
        _note(connection, conversation, "note", user, text)


def hand_back(engine: Engine, conversation: str, user: str, why: str = "") -> None:
    """The bot answers again. Raises `NotYours`."""
    _end(engine, conversation, user, why, kind="returned", state="bot")


def close(engine: Engine, conversation: str, user: str, why: str = "") -> None:
    """It is done with; when the customer writes again, the bot answers. Raises `NotYours` when somebody else has it."""
    _end(engine, conversation, user, why, kind="closed", state="closed")


def review(engine: Engine, conversation: str, user: str) -> None:
    """What was flagged until now has been looked at."""
    with engine.begin() as connection:
        lock(connection, conversation)
        connection.execute(update(conversations).where(conversations.c.id == conversation).values(reviewed=_now()))
        _note(connection, conversation, "reviewed", user)


def _end(engine: Engine, conversation: str, user: str, why: str, *, kind: NoteKind, state: State) -> None:
    why = _checked(why) if why.strip() else ""
    mine = conversations.c.assignee == user
    may = and_(conversations.c.state == "agent", mine) if kind == "returned" else or_(conversations.c.state != "agent", mine)
    with engine.begin() as connection:
        lock(connection, conversation)
        left: dict[str, Any] = {} if kind == "returned" else {"assignee_shown": None}  # the customer reads who has left
        _change(connection, conversation, may, {"state": state, "assignee": None, "ended": _now(), **left})
        _note(connection, conversation, kind, user, why)


def _change(connection: Connection, conversation: str, may: ColumnElement[bool], values: dict[str, Any]) -> None:
    changed = update(conversations).where(conversations.c.id == conversation, may).values(**values)
    if not connection.execute(changed).rowcount:
        raise _not_yours(conversation, _holder(connection, conversation)[1])


def _holder(connection: Connection, conversation: str) -> tuple[str, str]:
    """Who has it, and how customers read the name; locks the conversation."""
    lock(connection, conversation)
    held = select(conversations.c.assignee, conversations.c.assignee_shown).where(
        conversations.c.id == conversation, conversations.c.state == "agent"
    )
    row = connection.execute(held).one_or_none()
    return (row.assignee, row.assignee_shown) if row else ("", "")


def _not_yours(conversation: str, holder: str) -> NotYours:
    who = f"is with {holder}" if holder else "is with nobody"
    return NotYours(f"the conversation {conversation!r} {who}; look at it again before you act", holder)


def _note(connection: Connection, conversation: str, kind: NoteKind, author: str, text: str = "") -> None:
    connection.execute(notes.insert().values(conversation=conversation, at=_now(), kind=kind, author=author, text=text))


def _in_box(box: Box, me: str) -> ColumnElement[bool]:
    if box == "waiting":
        return conversations.c.state == "waiting"
    if box == "mine":
        return and_(conversations.c.state == "agent", conversations.c.assignee == me)
    if box == "flagged":
        return select(1).where(messages.c.conversation == conversations.c.id, or_(_down, _abstained, _figures), _unseen).exists()
    return conversations.c.id.is_not(None)


def _in_language(language: str) -> ColumnElement[bool]:
    return conversations.c.language == language if language else true()


def _chats(connection: Connection, rows: Sequence[Row[Any]]) -> list[Chat]:
    ids = [row.id for row in rows]
    lasts: Select[Any] = select(messages.c.conversation, func.max(messages.c.position).label("position"))
    newest = lasts.where(messages.c.conversation.in_(ids)).group_by(messages.c.conversation).subquery()
    same = and_(messages.c.conversation == newest.c.conversation, messages.c.position == newest.c.position)
    last = {row.conversation: row.text for row in connection.execute(select(messages.c.conversation, messages.c.text).join(newest, same))}
    flagged = (
        select(messages.c.conversation, func.max(_one(_down)), func.max(_one(_abstained)), func.max(_one(_figures)))
        .join(conversations, conversations.c.id == messages.c.conversation)
        .where(messages.c.conversation.in_(ids), _unseen)
        .group_by(messages.c.conversation)
    )
    names: tuple[Flag, ...] = ("thumbs_down", "abstained", "figures")
    flags = {row[0]: tuple(name for name, found in zip(names, row[1:], strict=True) if found) for row in connection.execute(flagged)}
    return [
        Chat(
            row.id,
            row.customer,
            row.state,
            row.updated,
            row.language or "",
            (row.assignee or "") if row.state == "agent" else "",
            (row.assignee_shown or "") if row.state == "agent" else "",
            row.handover_reason or "",
            row.handover_at if row.state == "waiting" else None,
            last.get(row.id, ""),
            flags.get(row.id, ()),
            row.score,
            row.score_why or "",
        )
        for row in rows
    ]


def _one(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _said(row: Row[Any]) -> Said:
    answer = answer_of(row) if row.role == "bot" else None
    own = {"rating": row.rating, "why": row.rating_why or "", "in_reply_to": row.in_reply_to or ""}
    return Said(row.id, row.role, row.text, row.at, row.author or "", answer, row.provenance, **own)


def _checked(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST:
        raise BadMessage(f"the text has {len(text)} characters; allowed: 1 to {LONGEST}")
    return storable(text, "the text")


def _read(engine: Engine) -> Any:
    return engine.execution_options(read_only=True).begin()


def _now() -> datetime:
    return datetime.now(UTC)
