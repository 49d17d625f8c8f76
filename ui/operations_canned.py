"""What `answerdesk desk canned` and `desk suggest` do: sentences that people say again, and the bot's draft of what a person might say."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot import desk
from bot.canned import Canned, CannedReply
from bot.messages import Message
from ui import audit
from ui.errors import Failure
from ui.loopback import Emit
from ui.shapes import answer_json

if TYPE_CHECKING:
    from ui.build import App, Desk


def list_canned(app: "App | Desk", emit: Emit, *, language: str | None = None) -> dict[str, Any]:  # noqa: ARG001
    """The canned replies, by language and shortcut."""
    return {"replies": [_json(reply) for reply in Canned(app.engine).list(language)]}


def add_canned(app: "App | Desk", emit: Emit, *, language: str, shortcut: str, text: str, by: str) -> dict[str, Any]:  # noqa: ARG001
    """Keep a new one."""
    made = Canned(app.engine).add(language, shortcut, text, by)
    audit.record(app.engine, by, "canned.add", f"{made.language}/{made.shortcut}")
    return _json(made)


def edit_canned(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    language: str,
    shortcut: str,
    text: str,
    by: str,
    id: str = "",  # noqa: A002
) -> dict[str, Any]:
    """Change the one with this id, or without an id the one that the shortcut calls."""
    canned = Canned(app.engine)
    made = canned.edit(id or canned.find(shortcut, language).id, language, shortcut, text, by)
    audit.record(app.engine, by, "canned.edit", f"{made.language}/{made.shortcut}")
    return _json(made)


def remove_canned(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    by: str,
    id: str = "",  # noqa: A002
    shortcut: str = "",
    language: str = "en",
) -> dict[str, Any]:
    """Forget the one with this id, or the one that the shortcut calls."""
    canned = Canned(app.engine)
    id = id or canned.find(shortcut, language).id  # noqa: A001
    canned.remove(id)
    audit.record(app.engine, by, "canned.remove", f"{language}/{shortcut}" if shortcut else id)
    return {"id": id, "removed": True}


def suggest_reply(app: "App", emit: Emit, *, conversation: str, backend: str | None = None) -> dict[str, Any]:  # noqa: ARG001
    """What the bot would answer to the customer's last message. A draft: it is neither saved nor sent."""
    _, said, _ = desk.chat(app.engine, conversation)
    places = [place for place, line in enumerate(said) if line.role == "customer"]
    if not places:
        raise Failure("The customer has said nothing yet, so there is nothing to answer.", 2)
    line, before = said[places[-1]], said[: places[-1]]
    history = [Message(earlier.role, earlier.text) for earlier in before if earlier.role in ("customer", "bot", "agent")]
    answer = app.router.answer_from(line.text, history, backend=backend)
    return {**answer_json(answer), "conversation": conversation, "message": line.id, "question": line.text}


def _json(reply: CannedReply) -> dict[str, Any]:
    return {**asdict(reply), "updated": reply.updated.isoformat()}


DESK_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    operation.__name__: operation for operation in (list_canned, add_canned, edit_canned, remove_canned)
}
OPERATIONS = {"suggest_reply": suggest_reply}
