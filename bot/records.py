"""What the store hands out, what it takes in, and how an answer is kept as JSON."""

import json
import re
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from bot.errors import BadMessage
from bot.messages import Answer, Citation, Role, Tokens

State = Literal["bot", "waiting", "agent", "closed"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_CUSTOMER = 256  # characters, as wide as the column

# These have columns of their own, so the JSON does not hold them a second time.
_COLUMNS = ("text", "conversation", "message", "reply", "interrupted")


@dataclass(frozen=True, slots=True)
class Received:
    """A customer's message that is saved. answer: its finished answer, None as long as there is none.

    text: what was saved under this message id first, whatever a repeated submit carries. state: who answered in the conversation then.
    stranger: nothing was known of the customer before.
    """

    conversation: str
    customer: str
    message: str
    position: int
    answer: Answer | None = None
    text: str = ""
    state: State = field(default="bot", compare=False)
    stranger: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a conversation as the page shows it. answer: for the bot's lines. rating: 1, -1 or None. author: of a person's lines.

    for_person: of a customer's, it came while a person had the conversation, and the bot owes it nothing.
    """

    id: str
    role: Role
    text: str
    at: datetime
    answer: Answer | None = None
    rating: int | None = None
    author: str = ""
    for_person: bool = False


@dataclass(frozen=True, slots=True)
class Stands:
    """How a conversation stands. person: who has taken it over, as customers read the name. ended: last, None when never. score: 1 to 5.

    left: who gave it back to the bot then.
    """

    state: State = "bot"
    person: str = ""
    ended: datetime | None = None
    score: int | None = None
    left: str = ""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key as it may be shown; the secret itself is nowhere. last_used: to the minute, None when never."""

    name: str
    created: datetime
    last_used: datetime | None
    revoked: bool


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """What of an answer goes into the JSON column."""
    own = {field.name: getattr(answer, field.name) for field in fields(answer) if field.name not in _COLUMNS}
    return {**own, "citations": [_plain(citation) for citation in answer.citations], "tokens": _plain(answer.tokens)}


def _plain(value: Citation | Tokens) -> dict[str, Any]:
    """As `asdict` makes it of what holds nothing but text and numbers, at a tenth of the cost."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def answer_from_json(stored: dict[str, Any], *, text: str, conversation: str, message: str, reply: str, interrupted: bool) -> Answer:
    """The answer again. Keys that an older version did not write get their defaults, keys that are unknown here are dropped."""
    known = _known(Answer, stored)
    known["citations"] = tuple(
        Citation(**{"id": "", "source": "", "title": "", "text": "", "score": 0.0, **_known(Citation, citation)})
        for citation in stored.get("citations", ())
    )
    known["tokens"] = Tokens(**_known(Tokens, stored.get("tokens", {})))
    known["rungs"] = tuple((name, error) for name, error in stored.get("rungs", ()))
    known["suggestions"] = tuple(stored.get("suggestions", ()))
    own = {"text": text, "conversation": conversation, "message": message, "reply": reply, "interrupted": interrupted}
    return Answer(**{**known, **own})


def _known(kind: type, stored: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in stored.items() if name in names}


def checked_id(value: str, what: str, error: type[Exception] = BadMessage) -> str:
    """The id as it is, or the error when it is not 1 to 64 of A-Z a-z 0-9 - _."""
    if not _ID.fullmatch(value):
        raise error(f"{what} is {value[:80]!r}; allowed: 1 to 64 of A-Z, a-z, 0-9, - and _; correct it")
    return value


def checked_customer(value: str) -> str:
    """A customer's id as it is, or `BadMessage`. It may be anything printable that a shop calls its customers."""
    if not 1 <= len(value) <= _LONGEST_CUSTOMER or not value.isprintable():
        raise BadMessage(f"customer is {value[:80]!r}; allowed: 1 to {_LONGEST_CUSTOMER} printable characters; correct it")
    return value


def storable(text: str, what: str) -> str:
    """The text as it is, or ValueError for what not every database can hold: NUL and halves of surrogate pairs."""
    found = re.search("[\x00\ud800-\udfff]", text)
    if found:
        raise ValueError(f"{what} holds {found[0]!r} at character {found.start()}; no database can keep it: strip it before")
    return text


def json_of(value: Any, what: str) -> Any:
    """The value as it is, or ValueError where it is not JSON or holds NaN."""
    _dumped(value, what)
    return value


def plain_json(value: Any, what: str) -> Any:
    """The value as JSON gives it back (tuples are lists), or ValueError where it is not JSON or holds NaN."""
    return json.loads(_dumped(value, what))


def _dumped(value: Any, what: str) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} is not JSON: {error}; allowed: objects, lists, text, finite numbers, true, false and null") from None
