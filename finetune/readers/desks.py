"""Conversations as JSON: our own form, and the exports of Zendesk, Intercom and Chatwoot, told apart by their fields.

Fields after the vendors' API references: Zendesk "Ticket Comments", Intercom "The conversation model", Chatwoot "Conversation Messages".
What an export marks as internal (a private comment, a note, an assignment) is not part of what was said.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from bot.messages import Message, Role
from finetune.conversations import BadRow, Conversation
from finetune.readers.speakers import messages, role_of
from finetune.readers.text import plain

Record = Mapping[str, Any]

_ZENDESK = {"end-user": "customer", "agent": "agent", "admin": "agent"}
_ZENDESK_AUTOMATIC = ("rule", "trigger", "automation", "answer_bot", "system")
_INTERCOM: dict[str, Role] = {
    "user": "customer",
    "lead": "customer",
    "contact": "customer",
    "admin": "agent",
    "team": "agent",
    "bot": "bot",
}
_CHATWOOT: dict[str, Role] = {"contact": "customer", "user": "agent", "agentbot": "bot", "captainassistant": "bot"}


def kind_of(record: Record) -> str:
    """Which product's record this is: `zendesk`, `intercom`, `chatwoot`, else `turns`."""
    if "conversation_parts" in record or (record.get("type") == "conversation" and "source" in record):
        return "intercom"
    if _rows(record, "comments") and not _rows(record, "turns"):
        return "zendesk"
    inside = _rows(record, "messages") or _rows(record, "payload")
    return "chatwoot" if inside and "message_type" in inside[0] else "turns"


def unpacked(value: object) -> list[Any]:
    """The records of a whole JSON file: a list, one record, or a list under the name that an export gives it."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        raise BadRow("the file holds no conversations; it has to hold an object or a list of them")
    for name in ("conversations", "tickets", "dialogues", "data"):
        inner = value.get(name)
        if isinstance(inner, dict):
            inner = inner.get("payload")
        if isinstance(inner, list):
            return _with_users(inner, value.get("users"))
    return [value]


def conversation(record: object, row: int) -> Conversation:
    """One record. Raises `BadRow` with what is wrong and what is allowed."""
    if not isinstance(record, Mapping):
        raise BadRow(f"got {type(record).__name__}; each row is an object {{id, customer?, turns: [{{role, text}}]}}")
    return {"zendesk": _zendesk, "intercom": _intercom, "chatwoot": _chatwoot, "turns": _turns}[kind_of(record)](record, row)


def _turns(record: Record, row: int) -> Conversation:
    lines = record.get("turns", record.get("messages", record.get("dialogue")))
    if lines is not None and not isinstance(lines, list):
        raise BadRow(f"its turns are {type(lines).__name__}; they are a list of objects {{role, text}}")
    if lines is None:
        raise BadRow(f"it has no turns; each row is an object {{id, customer?, turns: [{{role, text}}]}}, this one has: {_names(record)}")
    said = []
    for number, line in enumerate(lines, 1):
        if not isinstance(line, Mapping):
            raise BadRow(f"turn {number} is {type(line).__name__}; a turn is an object {{role, text}}")
        who, text = _first(line, "role", "from", "speaker", "sender", "author"), _first(line, "text", "content", "message", "value", "body")
        if not isinstance(who, str) or not who.strip() or not isinstance(text, str):
            raise BadRow(f"turn {number} has no role or no text; a turn is an object {{role, text}}, this one has: {_names(line)}")
        if line.get("role") is not None and role_of(who) is None:  # names stand in the other fields
            raise BadRow(f"turn {number} has the role {who[:80]!r}; allowed: {', '.join(get_args(Role))}, and words for them such as user")
        said.append((who.strip(), plain(text)))
    if not any(text for _, text in said):
        raise BadRow("its turns are empty; give at least what the customer wrote and what was answered")
    customer = _first(record, "customer", "customer_id", "user_id")
    at = _first(record, "at", "created_at", "date", "timestamp", "time")
    status = record.get("status", record.get("state", ""))
    return _made(record, row, messages(said), customer, at=at, status=status)


def _zendesk(record: Record, row: int) -> Conversation:
    users = {user.get("id"): user for user in _rows(record, "users")}
    asks = record.get("requester_id")
    turns: list[Message] = []
    comments = _rows(record, "comments")
    for comment in comments:
        author, via = comment.get("author_id"), comment.get("via")
        asks = author if asks is None and author is not None and not users else asks  # without either, whoever begins asks
        channel = f"{via.get('channel', '')}" if isinstance(via, Mapping) else ""
        role: Role = "customer" if author == asks else "agent"
        if author in users:
            role = role_of(_ZENDESK.get(str(users[author].get("role")), "agent")) or "agent"
        if channel.startswith(_ZENDESK_AUTOMATIC) or author == -1:
            role = "bot"
        text = plain(str(_first(comment, "plain_body", "body", "html_body") or ""))
        if comment.get("public", True) and text:
            turns.append(Message(role, text))
    at = record.get("created_at") or (comments[0].get("created_at") if comments else "")
    return _made(record, row, tuple(turns), asks, at=at, status=record.get("status", ""))


def _intercom(record: Record, row: int) -> Conversation:
    held = record.get("conversation_parts")
    parts = _rows(held, "conversation_parts") if isinstance(held, Mapping) else [part for part in held or [] if isinstance(part, Mapping)]
    source = record.get("source")
    turns: list[Message] = []
    for part in [*([source] if isinstance(source, Mapping) else []), *parts]:
        author = part.get("author")
        role = _INTERCOM.get(str(author.get("type"))) if isinstance(author, Mapping) else None
        text = plain(str(part.get("body") or ""))
        if role and text and part.get("part_type") not in ("note", "note_and_reopen"):
            turns.append(Message(role, text))
    contacts = record.get("contacts")
    people = _rows(contacts, "contacts") if isinstance(contacts, Mapping) else []
    status = record.get("state") or ("open" if record.get("open") else "")
    return _made(record, row, tuple(turns), people[0].get("id") if people else None, at=record.get("created_at"), status=status)


def _chatwoot(record: Record, row: int) -> Conversation:
    meta = record.get("meta")
    sender = meta.get("sender", meta.get("contact")) if isinstance(meta, Mapping) else None
    turns: list[Message] = []
    lines = sorted(_rows(record, "messages") or _rows(record, "payload"), key=lambda line: _seconds(line.get("created_at")))
    for line in lines:
        who = line.get("sender")
        kind = str(line.get("sender_type") or (who.get("type") if isinstance(who, Mapping) else "")).lower()
        way = {"incoming": 0, "outgoing": 1, "activity": 2, "template": 3}.get(str(line.get("message_type")), line.get("message_type"))
        role = _CHATWOOT.get("".join(filter(str.isalpha, kind))) or (
            "customer" if way == 0 else "bot"
        )  # outgoing without a sender: automatic
        text = plain(str(line.get("content") or ""))
        if way in (0, 1) and text and not line.get("private"):
            turns.append(Message(role, text))
    customer = sender.get("id") if isinstance(sender, Mapping) else None
    at = record.get("created_at") or (lines[0].get("created_at") if lines else "")
    return _made(record, row, tuple(turns), customer, at=at, status=record.get("status", ""))


def _made(record: Record, row: int, turns: tuple[Message, ...], customer: object, *, at: object, status: object) -> Conversation:
    name = _first(record, "id", "conversation_id", "ticket_id", "display_id")
    who = "" if customer is None else str(customer)
    return Conversation(str(name if name is not None else row), turns, who, moment(at), str(status or "").lower(), row)


def _with_users(records: list[Any], users: object) -> list[Any]:
    """An export may list the people once, beside its tickets."""
    if not isinstance(users, list):
        return records
    return [{"users": users, **record} if isinstance(record, dict) else record for record in records]


def _rows(record: Record, name: str) -> list[Record]:
    value = record.get(name)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _first(record: Record, *names: str) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), None)


def _names(record: Record) -> str:
    return ", ".join(map(str, record)) or "nothing"


def moment(value: object) -> str:
    """A time as ISO 8601 in UTC: from seconds or milliseconds since 1970, or from a date as text; empty when it is neither."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _iso(value / 1000 if value > 1e11 else value)
    text = str(value or "").strip()
    if text.isdigit() and len(text) in (10, 13):
        return moment(int(text))
    try:
        found = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return ""
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _iso(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return ""


def _seconds(value: object) -> float:
    return datetime.fromisoformat(found).timestamp() if (found := moment(value)) else 0.0
