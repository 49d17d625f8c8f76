"""Conversations, replies, ratings, hand-overs, API keys and live settings in SQL.

Every call is one short transaction, committed before the call returns. The engine comes from outside, with the tables in place.
"""

import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Literal, cast

from sqlalchemy import BindParameter, Connection, Engine, bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot import saving
from bot.claims import Claims, Place
from bot.errors import BadMessage, UnknownConversation
from bot.lines import answer_of, insert, lock, unknown
from bot.messages import Answer, Message, Request
from bot.personal.cards import masked
from bot.records import KeyInfo, Line, Received, Stands, State, answer_to_json, checked_customer, checked_id, json_of, plain_json, storable
from bot.tables import api_keys, conversations, messages, settings

_KEY_USE_STEP = timedelta(minutes=1)  # a key's use is written at most this often: a write costs a disk sync

Also = Callable[[Connection], None]

_of: BindParameter[str] = bindparam("conversation")
_ANSWERING = select(conversations.c.state).where(conversations.c.id == _of)
_SAID = (
    select(messages.c.role, messages.c.text)
    .where(messages.c.conversation == _of, messages.c.position > bindparam("after"), messages.c.role.in_(("customer", "bot", "agent")))
    .order_by(messages.c.position)
)
_SHOWN = ("customer", "state", "assignee_shown", "ended", "score")
_STANDS = select(*(conversations.c[name] for name in _SHOWN)).where(conversations.c.id == _of)
_LINE = ("conversation", "id", "role", "text", "at", "in_reply_to", "answer", "interrupted", "rating", "author", "for_person")
_TRANSCRIPT = (
    select(*(messages.c[name] for name in _LINE))
    .where(messages.c.conversation == _of, messages.c.role.in_(("customer", "bot", "agent")))
    .order_by(messages.c.position)
)
_EARLIER = select(messages.c.id).where(messages.c.conversation == _of, messages.c.position < bindparam("before"))
_SAID_BEFORE = _SAID.where(or_(messages.c.position < bindparam("before"), messages.c.in_reply_to.in_(_EARLIER)))
_KEY = select(api_keys.c.name, api_keys.c.last_used).where(api_keys.c.sha256 == bindparam("sha256"), api_keys.c.revoked.is_(None))


class Store:
    """What has to outlive the process. Thread-safe; any number of processes may share one database."""

    def __init__(self, engine: Engine) -> None:
        """engine: on SQLite its transactions must begin IMMEDIATE, unless their `read_only` execution option is set."""
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin
        # SQLite lets one write at a time, and has no queue: without one here a busy minute would leave somebody waiting too long.
        self._queue = Lock() if engine.dialect.name == "sqlite" else nullcontext()
        self.claims = Claims(self._write)

    def named(self, request: Request) -> Request:
        """The request with all of its ids, new ones where it has none. Raises `BadMessage` for one that is not allowed."""
        customer = uuid.uuid4().hex if request.customer is None else checked_customer(request.customer)
        message = uuid.uuid4().hex if request.message is None else checked_id(request.message, "message")
        return replace(request, conversation=_conversation(request, customer, message), customer=customer, message=message)

    def receive(self, request: Request, place: Place | None = None, *, stranger: bool = False) -> Received:
        """Save the customer's message; it is durable before this returns. The same message id again is the same message.

        place: takes the conversation in the same transaction, where it is new and nobody has it; to wait for it comes after.
        stranger: the customer's id was made for this very message, so that there is nothing of theirs to look for.
        Raises `BadMessage` for an id that is not allowed, `UnknownConversation` for another customer's conversation and
        ValueError for text that a database cannot hold.
        """
        storable(request.text, "the message")
        stranger, request = stranger or request.customer is None, self.named(request)
        conversation, customer, message = str(request.conversation), str(request.customer), str(request.message)
        with self._write() as connection:
            now = _now() if stranger else saving.now_for(connection, customer)
            state = saving.open_conversation(connection, conversation, customer, now, request.language)
            if state is None:
                raise unknown(conversation)
            position = saving.save_message(connection, conversation, message, request.text, now)
            if position is None:
                connection.rollback()  # nothing is new, so nothing changes
            taken = place is not None and position is not None and place.take(connection)
        if position is None:
            return self._again(conversation, message)
        if place:
            place.held = taken
        return Received(conversation, customer, message, position, None, request.text, state, stranger)

    def again(self, received: Received) -> Received:
        """A message as it stands now. Raises `UnknownConversation` where it has been erased."""
        return self._again(received.conversation, received.message)

    def _again(self, conversation: str, message: str) -> Received:
        with self._read() as connection:
            saved = saving.find(connection, conversation, message)
        if saved is None:
            raise unknown(conversation)
        if saved.role != "customer":
            raise BadMessage(f"message id {message!r} belongs to a reply in this conversation; use a new id for each message")
        return saving.received(saved)

    def finish(self, answer: Answer, provenance: dict[str, Any], place: Place | None = None, also: Also | None = None) -> str:
        """Save the reply to a customer's message and return the reply's id; only the first call for a message counts.

        In the same transaction the conversation is given back that `place` holds, and `also` writes what else belongs to the reply.
        Raises `UnknownConversation` when that message was never received, ValueError for what a database cannot hold.
        """
        storable(answer.text, "the reply")
        conversation, message = checked_id(answer.conversation, "conversation", UnknownConversation), answer.message
        line = {
            "id": checked_id(answer.reply, "reply") if answer.reply else uuid.uuid4().hex,
            "text": answer.text,
            "at": _now(),
            "interrupted": answer.interrupted,
            "answer": json_of(answer_to_json(answer), "the answer"),
            "provenance": json_of(provenance, "the provenance"),
        }
        with self._write() as connection:
            if first := saving.save_reply(connection, conversation, message, answer.language, line):
                if also:
                    also(connection)
                if place:
                    place.leave(connection)
            else:
                connection.rollback()
        if first:
            if place:
                place.held = False
            return cast("str", line["id"])
        with self._read() as connection:
            saved = saving.find(connection, conversation, message)
        if saved is None or saved.role != "customer" or saved.reply_id is None:
            raise UnknownConversation(f"{conversation!r} has no customer message {message!r}; receive it first")
        return cast("str", saved.reply_id)

    def history(self, conversation: str, before: int | None = None, after: int = 0) -> tuple[Message, ...]:
        """What customer, bot and agents said, oldest first, at positions above `after`. Empty when unknown.

        With `before`, only lines at lower positions and the replies to them: a message sent while an answer streams comes before its end.
        """
        known = {"conversation": conversation, "after": after}
        with self._read() as connection:
            rows = connection.execute(_SAID, known) if before is None else connection.execute(_SAID_BEFORE, {**known, "before": before})
            return tuple(Message(row.role, row.text) for row in rows)

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
        return self.transcript_and_standing(conversation, customer)[0]

    def transcript_and_standing(self, conversation: str, customer: str) -> tuple[tuple[Line, ...], Stands]:
        """The transcript, and how the conversation stood at the same moment. Raises as `transcript`."""
        checked_id(conversation, "conversation", UnknownConversation)
        with self._read() as connection:
            now = connection.execute(_STANDS, {"conversation": conversation}).one_or_none()
            if now is None or now.customer != customer:
                raise unknown(conversation)
            rows = connection.execute(_TRANSCRIPT, {"conversation": conversation})
            lines = [Line(r.id, r.role, r.text, r.at, answer_of(r), r.rating, r.author or "", bool(r.for_person)) for r in rows]
        held, left = (now.assignee_shown or "", "") if now.state == "agent" else ("", now.assignee_shown or "")
        return tuple(lines), Stands(now.state, held, now.ended, now.score, left)

    def rate(self, reply: str, customer: str, value: Literal[-1, 1], why: str = "") -> None:
        """Thumbs up (1) or down (-1) for a reply; a later rating replaces it. `UnknownConversation` when it is not theirs."""
        if value not in {-1, 1}:
            raise ValueError(f"a rating is {value!r}; allowed: 1 for good, -1 for bad")
        checked_id(reply, "reply", UnknownConversation)
        why = storable(masked(why), "the reason of a rating")
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
            state = connection.scalar(_ANSWERING, {"conversation": conversation})
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
        query = saving.unanswered.order_by(conversations.c.created, conversations.c.id, messages.c.position)
        with self._read() as connection:
            return tuple(map(saving.received, connection.execute(query)))

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
        sha256 = _sha256(secret)
        with self._read() as connection:
            found = connection.execute(_KEY, {"sha256": sha256}).one_or_none()
        if found is None:
            return None
        now = _now()
        if found.last_used is None or now - found.last_used >= _KEY_USE_STEP:
            with self._write() as connection:
                used = update(api_keys).where(api_keys.c.sha256 == sha256, api_keys.c.revoked.is_(None))
                connection.execute(used.values(last_used=now))
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


def _conversation(request: Request, customer: str, message: str) -> str:
    """The id asked for, or a new one: made of the caller's own ids where there are, as a first message sent twice opens one only."""
    if request.conversation is not None:
        return checked_id(request.conversation, "conversation")
    if request.customer is None or request.message is None:
        return uuid.uuid4().hex
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{customer}\n{message}").hex


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
