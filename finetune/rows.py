"""What is learned from: a conversation up to where the shop's side speaks, and the reply that is wanted there. One JSON line a row."""

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from bot.messages import Message, Role
from finetune.errors import BadRows

_ROLES = get_args(Role)


@dataclass(frozen=True, slots=True)
class Row:
    """messages: what the model reads, oldest first, as the serving prompt would have it. reply: what it learns to say.

    conversation: rows of one conversation are never split between training and validation.
    """

    id: str
    messages: tuple[Message, ...]
    reply: str
    language: str = "en"
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with its label, what a classifier learns from."""

    text: str
    label: str


def read_rows(path: Path) -> list[Row]:
    """The rows of a .jsonl or .jsonl.gz file. Raises `BadRows` with the line that is wrong."""
    return [_row(line, number, path) for number, line in _lines(path)]


def read_labelled(path: Path) -> list[Labelled]:
    """The rows `{text, label}` of a .jsonl or .jsonl.gz file. Raises `BadRows` with the line that is wrong."""
    rows = []
    for number, line in _lines(path):
        text, label = line.get("text"), line.get("label")
        if not (isinstance(text, str) and text.strip() and isinstance(label, str) and label.strip()):
            raise BadRows(f'{path}, line {number}: a row for a classifier needs a text and a label, {{"text": "...", "label": "..."}}')
        rows.append(Labelled(text, label))
    return rows


def _lines(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise BadRows(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}. Give a .jsonl or .jsonl.gz file.") from None
    except UnicodeDecodeError:
        raise BadRows(f"{path} is not UTF-8. Save it as UTF-8 and try again.") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found = json.loads(line)
            except ValueError:
                found = None
            if not isinstance(found, dict):
                raise BadRows(f"{path}, line {number}: not a JSON object. Each line is one row.")
            yield number, found


def _row(found: dict[str, Any], number: int, path: Path) -> Row:
    lines, reply = found.get("messages"), found.get("reply")
    if not (isinstance(lines, list) and lines and all(_is_line(line) for line in lines) and isinstance(reply, str) and reply.strip()):
        raise BadRows(
            f"{path}, line {number}: a row needs messages with a role ({', '.join(_ROLES)}) and a text each, and a reply: "
            '{"id": "1", "messages": [{"role": "customer", "text": "..."}], "reply": "..."}'
        )
    name = str(found.get("id") or number)
    messages = tuple(Message(line["role"], line["text"]) for line in lines)
    return Row(name, messages, reply, str(found.get("language") or "en"), str(found.get("conversation") or name))


def _is_line(line: object) -> bool:
    return isinstance(line, dict) and line.get("role") in _ROLES and isinstance(line.get("text"), str)


def write_rows(rows: Iterable[Row | Labelled], path: Path) -> None:
    """One JSON line a row; `read_rows` and `read_labelled` take them back."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(to_json(row), ensure_ascii=False) + "\n")


def to_json(row: Row | Labelled) -> dict[str, Any]:
    """As plain JSON."""
    if isinstance(row, Labelled):
        return {"text": row.text, "label": row.label}
    lines = [{"role": message.role, "text": message.text} for message in row.messages]
    return {"id": row.id, "messages": lines, "reply": row.reply, "language": row.language, "conversation": row.conversation}


def data_hash(rows: Iterable[Row | Labelled]) -> str:
    """SHA-256 over the rows, whatever their order."""
    lines = sorted(json.dumps(to_json(row), ensure_ascii=False, sort_keys=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def split(rows: Sequence[Row], share: float = 0.1, seed: int = 0) -> tuple[list[Row], list[Row]]:
    """Training and validation rows, whole conversations on one side. At least one conversation each; a single one is on both."""
    conversations = sorted({row.conversation for row in rows})
    if len(conversations) < 2:
        return list(rows), list(rows)
    random.Random(seed).shuffle(conversations)
    held = set(conversations[: min(max(1, round(len(conversations) * share)), len(conversations) - 1)])
    return [row for row in rows if row.conversation not in held], [row for row in rows if row.conversation in held]


def split_labelled(rows: Sequence[Labelled], share: float = 0.1, seed: int = 0) -> tuple[list[Labelled], list[Labelled]]:
    """Training and validation rows, the same share of every label but those with a single text. Equal texts stay on one side."""
    by_label: dict[str, list[str]] = {}
    for text, label in sorted({(_plain(row.text), row.label) for row in rows}):
        by_label.setdefault(label, []).append(text)
    held: set[str] = set()
    for label, texts in by_label.items():
        random.Random(f"{seed}/{label}").shuffle(texts)
        held.update(texts[: min(max(1, round(len(texts) * share)), len(texts) - 1)])
    return [row for row in rows if _plain(row.text) not in held], [row for row in rows if _plain(row.text) in held]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
