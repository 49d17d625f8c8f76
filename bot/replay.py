"""A saved turn asked again, of as many backends as one likes, side by side, from what was saved of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, select

from bot.backends.base import Backend, Options
from bot.context import Budget, size
from bot.dispatch import Dispatch
from bot.errors import BadMessage, ContextOverflow, UnknownBackend
from bot.evidence import Look, gathered
from bot.messages import Message, Prompt
from bot.policy import Limits
from bot.sides import Side, side
from bot.tables import conversations, messages
from knowledge.documents import Language
from knowledge.ingest import Index
from knowledge.query import Context
from knowledge.report import Found


@dataclass(frozen=True, slots=True)
class Saved:
    """A turn as it was. text: the customer's. messages: what its model was sent, empty for a turn that no model was asked in.

    found: its passages, scored anew; missing: how many of them are no longer in the index.
    """

    conversation: str
    message: str
    text: str
    answer: str
    backend: str
    language: Language
    question: str
    messages: tuple[Message, ...]
    found: Found
    missing: int
    reasoned: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A customer's message, and where it stands in its conversation."""

    conversation: str
    customer: str
    position: int
    text: str


def question(engine: Engine, message: str) -> Question:
    """A customer's message, by its id or by that of the reply to it. Raises `BadMessage`."""
    reply = select(messages.c.conversation, messages.c.in_reply_to).where(messages.c.id == message, messages.c.role == "bot").subquery()
    answered = (messages.c.conversation == reply.c.conversation) & (messages.c.id == reply.c.in_reply_to)
    query = (
        select(messages.c.conversation, conversations.c.customer, messages.c.position, messages.c.text)
        .join(conversations, conversations.c.id == messages.c.conversation)
        .where(messages.c.role == "customer", (messages.c.id == message) | select(1).select_from(reply).where(answered).exists())
        .order_by(messages.c.at.desc())
        .limit(1)
    )
    with engine.execution_options(read_only=True).begin() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise BadMessage(f"there is no customer's message {message[:80]!r}; give the `message` that `ask --json` or the desk shows")
    return Question(row.conversation, row.customer, row.position, row.text)


def saved_turn(engine: Engine, index: Index, message: str) -> Saved:
    """The turn of a message, by the id of the customer's message or of the reply to it. Raises `BadMessage`."""
    reply, customers = messages.alias("reply"), messages.alias("customers")
    query = (
        select(reply, customers.c.text.label("asked"), customers.c.id.label("asked_id"))
        .join(customers, (customers.c.conversation == reply.c.conversation) & (customers.c.id == reply.c.in_reply_to))
        .where(reply.c.role == "bot", (reply.c.id == message) | (customers.c.id == message))
        .order_by(reply.c.at.desc())
        .limit(1)
    )
    with engine.execution_options(read_only=True).begin() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise BadMessage(f"there is no answered message {message[:80]!r}; give the `message` that `ask --json` or the desk shows")
    record: dict[str, Any] = row.provenance or {}
    if not record.get("passages"):
        raise BadMessage(f"the turn of {message!r} rests on no passages (small talk, or nothing was found); compare one that was answered")
    answer, found = row.answer or {}, _found(index, record, (row.answer or {}).get("language", "en"))
    lines = tuple(Message(line["role"], line["text"]) for line in record["messages"])
    return Saved(
        row.conversation, row.asked_id, row.asked, row.text, answer.get("backend", ""), answer.get("language", "en"), record["question"],
        lines, found, len(record["passages"]) - len(found.passages), record.get("cot", "off") != "off",
    )  # fmt: skip


def _found(index: Index, record: dict[str, Any], language: Language) -> Found:
    """What was found then, as far as it is still there."""
    ids = {passage["id"] for passage in record["passages"]}
    found = gathered(_looks(record), lambda look: index.find(look.text, 2 * len(ids), record["collection"], language, look.context))
    return found.only(ids)


def _looks(record: dict[str, Any]) -> tuple[Look, ...]:
    """What was looked up. Older records have one question's text and context, or neither."""
    searched = record.get("searched") or {"text": record["question"], "context": []}
    rows = [{"question": record["question"], **searched}] if isinstance(searched, dict) else searched
    return tuple(Look(row["text"], tuple(_line(*line) for line in row["context"]), row["question"]) for row in rows)


def _line(line: str, share: float, told: bool = False) -> Context:
    return Context(str(line), float(share), bool(told))


def compare(dispatch: Dispatch, turn: Saved, names: Sequence[str], options: Options, limits: Limits) -> list[Side]:
    """What each backend says to the very messages of the turn, one after the other. Raises `UnknownBackend`."""
    backends = [dispatch.backends.get(name) for name in names]
    if None in backends:
        missing = names[backends.index(None)]
        raise UnknownBackend(f"There is no backend {missing!r}; there are: {', '.join(dispatch.backends)}.")

    def ask(backend: Backend) -> tuple[Prompt, Options]:
        found = turn.found
        prompt = Prompt(
            turn.messages, turn.question, found.passages, turn.language, gaps=found.gaps, reasoned=turn.reasoned, parts=found.parts
        )
        budget = Budget(backend.window, options.max_tokens)
        tokens = size(prompt, backend.count)
        if backend.kind != "extractive" and tokens > budget.room:
            raise ContextOverflow(f"{backend.name}: the turn's {tokens} tokens do not fit its window of {backend.window}")
        return prompt, replace(options, max_tokens=budget.reply)

    return [side(dispatch, backend, ask, limits) for backend in backends if backend]
