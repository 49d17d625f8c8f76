"""What `answerdesk customers` does: all that is kept of a customer shown, or erased."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from bot.erase import Hook, erase_customer
from bot.memory import Memory
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk

TRANSCRIPTS = "transcripts"  # within the data folder: what was uploaded


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
    return {"customer": customer, **asdict(erase_customer(app.engine, customer, hooks(app.engine, app.settings.data_dir)))}


def hooks(engine: Engine, data_dir: Path | None = None) -> dict[str, Hook]:
    """What the other rooms keep of customers, in the order in which it goes: transcripts last, since they tell whose the rest is."""
    from finetune import erase as trained

    def adapters(customer: str, conversations: Sequence[str]) -> int:
        return trained.mark_adapters(engine, customer, conversations)

    def rows(customer: str, conversations: Sequence[str]) -> int:
        return trained.erase_rows(engine, data_dir / "runs", customer, conversations) if data_dir else 0

    def uploads(customer: str, conversations: Sequence[str]) -> int:  # noqa: ARG001
        """Files of transcripts as they were uploaded, whoever is in them: what was imported of them is in the database."""
        files = [path for path in (data_dir / TRANSCRIPTS).glob("*") if path.is_file()] if data_dir else []
        for path in files:
            path.unlink()
        return len(files)

    def transcripts(customer: str, conversations: Sequence[str]) -> int:
        return trained.erase_transcripts(engine, customer, conversations)

    return {"adapters_marked": adapters, "training_rows": rows, "uploaded_transcripts": uploads, "transcripts": transcripts}


DESK_OPERATIONS = {operation.__name__: operation for operation in (show_customer, forget_fact, erase)}
