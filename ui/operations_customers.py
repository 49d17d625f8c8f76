"""What `answerdesk customers` does: all that is kept of a customer shown, handed out or erased."""

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine

from bot import desk
from bot.erase import Hook, erase_customer
from bot.memory import Memory
from bot.store import Store
from ui.loopback import Emit
from ui.settings import Settings


class Keeps(Protocol):
    """What keeps customers' data: `ui.build.Desk`, and all that has its database."""

    @property
    def settings(self) -> Settings: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def store(self) -> Store: ...


TRANSCRIPTS = "transcripts"  # within the data folder: what was uploaded


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
    return {"customer": customer, **asdict(erase_customer(app.engine, customer, hooks(app.engine, app.settings.data_dir)))}


def hooks(engine: Engine, data_dir: Path | None = None) -> dict[str, Hook]:
    """What the other rooms keep of customers, in the order in which it goes: transcripts last, since they tell whose the rest is."""
    from finetune import erase as trained

    def adapters(customer: str, conversations: Sequence[str]) -> int:
        return trained.mark_adapters(engine, customer, conversations)

    def rows(customer: str, conversations: Sequence[str]) -> int:
        return trained.erase_rows(engine, data_dir / "runs", customer, conversations) if data_dir else 0

    def uploads(customer: str, conversations: Sequence[str]) -> int:  # noqa: ARG001
        """Files of transcripts as they were uploaded that name the customer: what was imported of the others is in the database."""
        files = [path for path in (data_dir / TRANSCRIPTS).glob("*") if path.is_file() and _names(path, customer)] if data_dir else []
        for path in files:
            path.unlink()
        return len(files)

    def transcripts(customer: str, conversations: Sequence[str]) -> int:
        return trained.erase_transcripts(engine, customer, conversations)

    return {"adapters_marked": adapters, "training_rows": rows, "uploaded_transcripts": uploads, "transcripts": transcripts}


def _names(path: Path, customer: str) -> bool:
    """Whether a file, packed or not, holds the customer's id as text."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error):  # what cannot be read cannot be shown to be free of the customer
            return True
    said = (customer, json.dumps(customer)[1:-1])
    return any(text.encode(coding) in raw for text in said for coding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030"))


DESK_OPERATIONS = {operation.__name__: operation for operation in (show_customer, export_customer, forget_fact, erase)}
