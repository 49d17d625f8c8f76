"""What `answerdesk customers` does: all that is kept of a customer shown, handed out or erased."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from sqlalchemy import Engine

from bot import desk
from bot.erase import Hook, erase_customer
from bot.memory import Memory
from bot.store import Store
from finetune.archive import Archive
from ui.loopback import Emit


class Keeps(Protocol):
    """What keeps customers' data: `ui.build.Desk`, and all that has its database."""

    @property
    def engine(self) -> Engine: ...
    @property
    def store(self) -> Store: ...


def show_customer(app: Keeps, emit: Emit, *, customer: str) -> dict[str, Any]:  # noqa: ARG001
    """A customer's conversations and the facts that are remembered of them."""
    facts = [
        {"id": one.id, "kind": one.fact.kind, "text": one.fact.text, "conversation": one.conversation, "message": one.message}
        | {"said": one.at.isoformat(), "expires": one.expires.isoformat()}
        for one in Memory(app.engine).of(customer)
    ]
    return {"customer": customer, "conversations": app.store.conversations_of(customer), "facts": facts}


def export_customer(app: Keeps, emit: Emit, *, customer: str) -> dict[str, Any]:
    """All that a customer said, was told and rated, and what is remembered of it; not the desk's private notes."""
    shown = show_customer(app, emit, customer=customer)
    return {**shown, "conversations": [_conversation(app.engine, each) for each in shown["conversations"]]}


def _conversation(engine: Engine, conversation: str) -> dict[str, Any]:
    chat, said, _ = desk.chat(engine, conversation)
    lines = [
        {
            "role": line.role,
            "author": line.author,
            "at": line.at.isoformat(),
            "text": line.text,
            "sources": [citation.source for citation in line.answer.citations] if line.answer else [],
            "rating": line.rating,
            "why": line.why,
        }
        for line in said
    ]
    own = {"id": chat.id, "state": chat.state, "language": chat.language, "updated": chat.updated.isoformat()}
    return {**own, "score": chat.score, "score_why": chat.score_why, "lines": lines}


def forget_fact(app: Keeps, emit: Emit, *, customer: str, fact: str) -> dict[str, Any]:  # noqa: ARG001
    """Forget one fact."""
    return {"customer": customer, "facts": Memory(app.engine).erase(customer, fact)}


def erase(app: Keeps, emit: Emit, *, customer: str) -> dict[str, Any]:  # noqa: ARG001
    """Erase a customer from every store."""
    return {"customer": customer, **asdict(erase_customer(app.engine, customer, hooks(app.engine)))}


def hooks(engine: Engine) -> dict[str, Hook]:
    """What the other rooms keep of customers."""

    def transcripts(customer: str, conversations: Sequence[str]) -> int:
        return len(Archive(engine).erase_customer(customer, conversations))

    return {"transcripts": transcripts}


DESK_OPERATIONS = {operation.__name__: operation for operation in (show_customer, export_customer, forget_fact, erase)}
