"""Conversations, replies, ratings, hand-overs, API keys and live settings in SQL.

Every call is one short transaction, committed before the call returns. The engine comes from outside, with the tables in place.
"""

import hashlib
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Literal, cast

from sqlalchemy import Connection, Engine, Row, and_, case, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.claims import Claims
from bot.errors import BadMessage, UnknownConversation
from bot.lines import answer_of, append, insert, lock, unknown
from bot.messages import Answer, Message, Request
from bot.records import (
    KeyInfo,
    Line,
    Received,
    State,
    answer_from_json,
    answer_to_json,
    checked_customer,
    checked_id,
    plain_json,
    storable,
)
from bot.tables import api_keys, conversations, messages, settings

_TICK = timedelta(microseconds=1)
_KEY_USE_STEP = timedelta(minutes=1)  # a key's use is written at most this often: a write costs a disk sync

_reopened = case((conversations.c.state == "closed", "bot"), else_=conversations.c.state)  # who writes again is answered again
_reply = messages.alias("reply")
_with_replies = (
    select(messages, conversations.c.customer, _reply.c.id.label("reply_id"))
    .add_columns(*(_reply.c[name].label(f"reply_{name}") for name in ("text", "answer", "interrupted")))
    .join(conversations, conversations.c.id == messages.c.conversation)
    .outerjoin(_reply, and_(_reply.c.conversation == messages.c.conversation, _reply.c.in_reply_to == messages.c.id))
)


class Store:
    """What has to outlive the process. Thread-safe; any number of processes may share one database."""

    def __init__(self, engine: Engine) -> None:
        """engine: on SQLite its transactions must begin IMMEDIATE, unless their `read_only` execution option is set."""
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin
        # SQLite lets one write at a time, and has no queue: without one here a busy minute would leave somebody waiting too long.
        self._queue = Lock() if engine.dialect.name == "sqlite" else nullcontext()
        self.claims = Claims(self._write)

    def receive(self, request: Request) -> Received:
        """Save the customer's message; it is durable before this returns. The same message id again is the same message.

        Raises `BadMessage` for an id that is not allowed, `UnknownConversation` for another customer's conversation and
        ValueError for text that a database cannot hold.
        """
        storable(request.text, "the message")
        customer = uuid.uuid4().hex if request.customer is None else checked_customer(request.customer)
        message = uuid.uuid4().hex if request.message is None else checked_id(request.message, "message")
        conversation = _conversation(request, customer, message)
        if None not in (request.customer, request.message, request.conversation):  # it may be here already: to look takes no write
            with self._read() as connection:
                saved = _find(connection, conversation, message)
            if saved is not None and saved.role == "customer" and saved.customer == customer:
                return _received(saved)
        with self._write() as connection:
            now = _now_for(connection, customer)
            new = {"id": conversation, "customer": customer, "state": "bot", "created": now, "updated": now, "language": request.language}
            connection.execute(insert(connection, conversations).values(new).on_conflict_do_nothing())
            if lock(connection, conversation) != customer:
                raise unknown(conversation)
            saved = _find(connection, conversation, message)
            if saved is not None and saved.role != "customer":
                raise BadMessage(f"message id {message!r} belongs to a reply in this conversation; use a new id for each message")
            if saved is not None:
                return _received(saved)
            position = append(connection, conversation, id=message, role="customer", text=request.text, at=now)
            connection.execute(update(conversations).where(conversations.c.id == conversation).values(updated=now, state=_reopened))
            return Received(conversation, customer, message, position, None, request.text)

    def finish(self, answer: Answer, provenance: dict[str, Any]) -> str:
        """Save the reply to a customer's message and return the reply's id; only the first call for a message counts.

        Raises `UnknownConversation` when that message was never received, ValueError for what a database cannot hold.
        """
        storable(answer.text, "the reply")
        reply = checked_id(answer.reply, "reply") if answer.reply else uuid.uuid4().hex
        stored, provenance = plain_json(answer_to_json(answer), "the answer"), plain_json(provenance, "the provenance")
        with self._write() as connection:
            lock(connection, answer.conversation)
            saved = _find(connection, answer.conversation, answer.message)
            if saved is None or saved.role != "customer":
                raise UnknownConversation(f"{answer.conversation!r} has no customer message {answer.message!r}; receive it first")
            if saved.reply_id is not None:
                return cast("str", saved.reply_id)
            line = {"id": reply, "role": "bot", "text": answer.text, "at": _now(), "interrupted": answer.interrupted}
            append(connection, answer.conversation, **line, in_reply_to=answer.message, answer=stored, provenance=provenance)
            connection.execute(update(conversations).where(conversations.c.id == answer.conversation).values(language=answer.language))
            return reply

    def history(self, conversation: str, before: int | None = None, after: int = 0) -> tuple[Message, ...]:
        """What customer, bot and agents said, oldest first, at positions above `after`. Empty when unknown.

        With `before`, only lines at lower positions and the replies to them: a message sent while an answer streams comes before its end.
        """
        query = select(messages.c.role, messages.c.text).where(
            messages.c.conversation == conversation, messages.c.position > after, messages.c.role.in_(("customer", "bot", "agent"))
        )
        if before is not None:
            earlier = select(messages.c.id).where(messages.c.conversation == conversation, messages.c.position < before)
            query = query.where(or_(messages.c.position < before, messages.c.in_reply_to.in_(earlier)))
        with self._read() as connection:
            return tuple(Message(row.role, row.text) for row in connection.execute(query.order_by(messages.c.position)))

    def conversations_of(self, customer: str) -> list[str]:
        """The ids of a customer's conversations, the one that was written in last first."""
        query = select(conversations.c.id).where(conversations.c.customer == customer).order_by(conversations.c.updated.desc())
        with self._read() as connection:
            return list(connection.scalars(query))

    def latest(self, customer: str) -> str | None:
        """The conversation this customer wrote in last, None when there is none."""
        query = select(conversations.c.id).where(conversations.c.customer == customer).order_by(conversations.c.updated.desc()).limit(1)
        with self._read() as connection:
            return connection.scalar(query)

    def transcript(self, conversation: str, customer: str) -> tuple[Line, ...]:
        """Every line that was said, oldest first, with the bot's answers. Raises `UnknownConversation` when it is not theirs."""
        query = (
            select(messages)
            .where(messages.c.conversation == conversation, messages.c.role.in_(("customer", "bot", "agent")))
            .order_by(messages.c.position)
        )
        checked_id(conversation, "conversation", UnknownConversation)
        with self._read() as connection:
            if connection.scalar(select(conversations.c.customer).where(conversations.c.id == conversation)) != customer:
                raise unknown(conversation)
            return tuple(
                Line(row.id, row.role, row.text, row.at, answer_of(row), row.rating, row.author or "") for row in connection.execute(query)
            )

    def rate(self, reply: str, customer: str, value: Literal[-1, 1], why: str = "") -> None:
        """Thumbs up (1) or down (-1) for a reply; a later rating replaces it. `UnknownConversation` when it is not theirs."""
        if value not in {-1, 1}:
            raise ValueError(f"a rating is {value!r}; allowed: 1 for good, -1 for bad")
        checked_id(reply, "reply", UnknownConversation)
        storable(why, "the reason of a rating")
        theirs = select(conversations.c.id).where(conversations.c.customer == customer)
        rated = update(messages).where(messages.c.id == reply, messages.c.role == "bot", messages.c.conversation.in_(theirs))
        with self._write() as connection:
            if not connection.execute(rated.values(rating=value, rating_why=why)).rowcount:
                raise UnknownConversation(f"this customer has no reply {reply!r}; rate a reply of one of their own conversations")

    def hand_over(self, conversation: str, reason: str) -> None:
        """Ask for a person. While one is asked for or at work, the first reason and time stay."""
        storable(reason, "the reason of a hand-over")
        asked = update(conversations).where(conversations.c.id == conversation, conversations.c.state.in_(("bot", "closed")))
        with self._write() as connection:
            lock(connection, conversation)
            connection.execute(asked.values(state="waiting", handover_reason=reason, handover_at=_now()))

    def state(self, conversation: str) -> State:
        """Who answers now: `bot`, `waiting` (for a person), `agent`, or nobody: `closed`."""
        checked_id(conversation, "conversation", UnknownConversation)
        with self._read() as connection:
            state = connection.scalar(select(conversations.c.state).where(conversations.c.id == conversation))
        if state is None:
            raise unknown(conversation)
        return cast("State", state)

    def person(self, conversation: str) -> str:
        """Who has taken the conversation over, as customers read the name; empty when nobody has."""
        held = select(conversations.c.assignee_shown).where(conversations.c.id == conversation, conversations.c.state == "agent")
        with self._read() as connection:
            return connection.scalar(held) or ""

    def left_to_person(self, conversation: str, message: str) -> bool:
        """Whether a person has the conversation now: then the message waits for them, and the bot never answers it by itself."""
        checked_id(message, "message")
        marked = update(messages).where(messages.c.conversation == conversation, messages.c.id == message).values(for_person=True)
        if self.state(conversation) != "agent":
            return False
        with self._write() as connection:
            connection.execute(marked)
        return True

    def unanswered(self) -> tuple[Received, ...]:
        """Customers' messages without a reply, as a crash leaves them; each conversation's in order."""
        query = _with_replies.where(messages.c.role == "customer", _reply.c.id.is_(None), messages.c.for_person.is_not(True)).order_by(
            conversations.c.created, conversations.c.id, messages.c.position
        )
        with self._read() as connection:
            return tuple(_received(row) for row in connection.execute(query))

    def add_key(self, name: str) -> str:
        """Make an API key and return its secret, which is nowhere else: only its hash is kept. ValueError when the name is taken."""
        checked_id(name, "key name", ValueError)
        secret = "ad_" + secrets.token_urlsafe(32)
        try:
            with self._write() as connection:
                connection.execute(api_keys.insert().values(name=name, sha256=_sha256(secret), created=_now()))
        except IntegrityError:
            raise ValueError(f"there already is, or was, a key named {name!r}; choose another name") from None
        return secret

    def keys(self) -> list[KeyInfo]:
        """All keys, revoked ones too, oldest first."""
        with self._read() as connection:
            rows = connection.execute(select(api_keys).order_by(api_keys.c.created, api_keys.c.name))
            return [KeyInfo(row.name, row.created, row.last_used, row.revoked is not None) for row in rows]

    def revoke_key(self, name: str) -> bool:
        """From now on the key opens nothing. False when there is no such key or it was revoked before."""
        revoked = update(api_keys).where(api_keys.c.name == name, api_keys.c.revoked.is_(None)).values(revoked=_now())
        with self._write() as connection:
            return connection.execute(revoked).rowcount > 0

    def check_key(self, secret: str) -> str | None:
        """The name of the key, None when it is unknown or revoked."""
        key = and_(api_keys.c.sha256 == _sha256(secret), api_keys.c.revoked.is_(None))
        with self._read() as connection:
            found = connection.execute(select(api_keys.c.name, api_keys.c.last_used).where(key)).one_or_none()
        if found is None:
            return None
        now = _now()
        if found.last_used is None or now - found.last_used >= _KEY_USE_STEP:
            with self._write() as connection:
                connection.execute(update(api_keys).where(key).values(last_used=now))
        return cast("str", found.name)

    def get_setting(self, name: str) -> Any:
        """The value set last, None when it never was."""
        with self._read() as connection:
            return connection.scalar(select(settings.c.value).where(settings.c.name == name))

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a small JSON value under a name. ValueError when it is not JSON."""
        new = {"value": plain_json(value, f"setting {name!r}"), "updated": _now()}
        with self._write() as connection:
            row = insert(connection, settings).values(name=name, **new)
            connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=new))

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._queue, self._engine.begin() as connection:
            yield connection


def _now() -> datetime:
    return datetime.now(UTC)


def _now_for(connection: Connection, customer: str) -> datetime:
    """Now, but later than anything of this customer, so that `latest` holds when the clock is set back."""
    last = connection.scalar(select(func.max(conversations.c.updated)).where(conversations.c.customer == customer))
    return _now() if last is None else max(_now(), last + _TICK)


def _conversation(request: Request, customer: str, message: str) -> str:
    """The id asked for, or a new one: made of the caller's own ids where there are, as a first message sent twice opens one only."""
    if request.conversation is not None:
        return checked_id(request.conversation, "conversation")
    if request.customer is None or request.message is None:
        return uuid.uuid4().hex
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{customer}\n{message}").hex


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _find(connection: Connection, conversation: str, message: str) -> Row[Any] | None:
    """A message with the reply to it."""
    return connection.execute(_with_replies.where(messages.c.conversation == conversation, messages.c.id == message)).one_or_none()


def _received(row: Row[Any]) -> Received:
    answer = None
    if row.reply_id is not None:
        own = {"text": row.reply_text, "reply": row.reply_id, "interrupted": row.reply_interrupted}
        answer = answer_from_json(row.reply_answer or {}, conversation=row.conversation, message=row.id, **own)
    return Received(row.conversation, row.customer, row.id, row.position, answer, row.text)
