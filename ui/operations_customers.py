"""What `answerdesk customers` does: all that is kept of a customer shown, or erased."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from bot.erase import Hook, erase_customer
from bot.memory import Memory
from finetune.archive import Archive
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk


def show_customer(app: "App | Desk", emit: Emit, *, customer: str) -> dict[str, Any]:  # noqa: ARG001
    """A customer's conversations and the facts that are remembered of them."""
    facts = [
        {"id": one.id, "kind": one.fact.kind, "text": one.fact.text, "conversation": one.conversation, "message": one.message}
        | {"said": one.at.isoformat(), "expires": one.expires.isoformat()}
        for one in Memory(app.engine).of(customer)
    ]
    return {"customer": customer, "conversations": app.store.conversations_of(customer), "facts": facts}


def forget_fact(app: "App | Desk", emit: Emit, *, customer: str, fact: str) -> dict[str, Any]:  # noqa: ARG001
    """Forget one fact."""
    return {"customer": customer, "facts": Memory(app.engine).erase(customer, fact)}


def erase(app: "App | Desk", emit: Emit, *, customer: str) -> dict[str, Any]:  # noqa: ARG001
    """Erase a customer from every store."""
    return {"customer": customer, **asdict(erase_customer(app.engine, customer, hooks(app.engine)))}


def hooks(engine: Engine) -> dict[str, Hook]:
    """What the other rooms keep of customers."""

    def transcripts(customer: str, conversations: Sequence[str]) -> int:
        return len(Archive(engine).erase_customer(customer, conversations))

    return {"transcripts": transcripts}


DESK_OPERATIONS = {operation.__name__: operation for operation in (show_customer, forget_fact, erase)}
