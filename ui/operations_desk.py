"""What the desk's page and `answerdesk desk` do with conversations. Each change is in the audit log, without anybody's words."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args
from uuid import uuid4

from bot import desk
from ui import audit
from ui.accounts import Accounts
from ui.errors import Failure
from ui.loopback import Emit
from ui.shapes import answer_json

if TYPE_CHECKING:
    from ui.build import App, Desk

BOXES: tuple[str, ...] = get_args(desk.Box)
LANGUAGES = ("", "en", "zh", "other")


def list_chats(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    box: str = "waiting",
    by: str = "shell",
    search: str = "",
    language: str = "",
) -> dict[str, Any]:
    """The conversations of a box, and how many there are in each. language: only of this one."""
    if box not in BOXES:
        raise Failure(f"box is {box!r}; allowed: {', '.join(BOXES)}.", 2)
    if language not in LANGUAGES:
        raise Failure(f"language is {language!r}; allowed: {', '.join(filter(None, LANGUAGES))}.", 2)
    found = desk.inbox(app.engine, box, by, search, language=language)  # type: ignore[arg-type]
    return {"chats": [_json(chat) for chat in found], "counts": desk.counts(app.engine, by, language)}


def show_chat(app: "App | Desk", emit: Emit, *, conversation: str) -> dict[str, Any]:  # noqa: ARG001
    """One conversation, with what the bot saw and the desk's notes."""
    chat, said, notes = desk.chat(app.engine, conversation)
    people = {user.name: user.shown for user in Accounts(app.engine).list()}
    told = [{**_json(note), "author_shown": people.get(note.author, note.author)} for note in notes]
    return {"chat": _json(chat), "said": [_json(line) for line in said], "notes": told}


def take_chat(app: "App | Desk", emit: Emit, *, conversation: str, by: str) -> dict[str, Any]:  # noqa: ARG001
    """Take a conversation over: the bot falls silent."""
    user = Accounts(app.engine).get(by)
    desk.take_over(app.engine, conversation, user.name, user.shown)
    audit.record(app.engine, by, "desk.take", conversation)
    return {"conversation": conversation, "state": "agent"}


def say_in_chat(app: "App | Desk", emit: Emit, *, conversation: str, by: str, text: str, message: str = "") -> dict[str, Any]:  # noqa: ARG001
    """Words to the customer of a conversation that one has taken over."""
    message = message or uuid4().hex
    desk.say(app.engine, conversation, by, message=message, text=text)
    return {"conversation": conversation, "message": message}


def note_chat(app: "App | Desk", emit: Emit, *, conversation: str, by: str, text: str) -> dict[str, Any]:  # noqa: ARG001
    """A private note."""
    desk.note(app.engine, conversation, by, text)
    return {"conversation": conversation}


def hand_back_chat(app: "App | Desk", emit: Emit, *, conversation: str, by: str, why: str = "") -> dict[str, Any]:  # noqa: ARG001
    """The bot answers again."""
    desk.hand_back(app.engine, conversation, by, why)
    audit.record(app.engine, by, "desk.hand_back", conversation)
    return {"conversation": conversation, "state": "bot"}


def close_chat(app: "App | Desk", emit: Emit, *, conversation: str, by: str, why: str = "") -> dict[str, Any]:  # noqa: ARG001
    """It is done with."""
    desk.close(app.engine, conversation, by, why)
    audit.record(app.engine, by, "desk.close", conversation)
    return {"conversation": conversation, "state": "closed"}


def review_chat(app: "App | Desk", emit: Emit, *, conversation: str, by: str) -> dict[str, Any]:  # noqa: ARG001
    """What was flagged until now has been looked at."""
    desk.review(app.engine, conversation, by)
    audit.record(app.engine, by, "desk.review", conversation)
    return {"conversation": conversation}


def try_backends(app: "App", emit: Emit, *, text: str, names: list[str]) -> dict[str, Any]:  # noqa: ARG001
    """One question to several backends, over the shop's documents; nothing of it is saved."""
    if not text.strip():
        raise Failure("The question is empty. Give some words.", 2)
    return {"answers": [{**answer_json(app.router.answer_from(text.strip(), backend=name)), "asked": name} for name in names]}


def _json(record: Any) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(record).items()}


DESK_OPERATIONS = {
    operation.__name__: operation
    for operation in (list_chats, show_chat, take_chat, say_in_chat, note_chat, hand_back_chat, close_chat, review_chat)
}
OPERATIONS = {"try_backends": try_backends}
