"""JSON and JSON lines: documents, questions with answers, records, or else `path: value` lines."""

import json
from collections.abc import Iterator
from typing import Any

from knowledge.documents import Section
from knowledge.errors import LoadError
from knowledge.loaders.markdown import parse_markdown
from knowledge.loaders.parsed import Parsed
from knowledge.loaders.rows import field, record_sections


def parse_json(text: str) -> list[Parsed]:
    """A list of documents `{id, title?, text}` is many; everything else is one, with a title where it is a titled table.

    Raises `LoadError` for broken JSON.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise LoadError(f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}. Correct it there.") from None
    except ValueError as error:  # a number of thousands of digits
        raise LoadError(f"This JSON cannot be read: {error}") from None
    if isinstance(value, list) and value and all(map(_is_document, value)):
        return _documents(value, "entry")
    title, value = _titled(value)
    return [Parsed(title, tuple(_sections(value)))]


def parse_jsonl(text: str) -> list[Parsed]:
    """As `parse_json` for a list of the lines' values; blank lines are skipped. Raises `LoadError` with the line's number."""
    values = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except RecursionError:
            raise LoadError(f"Line {number} is nested too deeply. Flatten it.") from None
        except json.JSONDecodeError as error:
            where = f"{error.msg} at column {error.colno}"
            raise LoadError(f"Line {number} is not JSON: {where}. Every line must be one JSON object.") from None
        except ValueError as error:  # a number of thousands of digits
            raise LoadError(f"Line {number} is not JSON: {error}. Every line must be one JSON object.") from None
    if values and all(map(_is_document, values)):
        return _documents(values, "document")
    return [Parsed("", tuple(_sections(values)))]


def _titled(value: Any) -> tuple[str, Any]:
    """The title and the rows of an object that is a titled table: `{"title": "Exchanges", "questions": [{...}, ...]}`."""
    if isinstance(value, dict) and len(value) == 2 and isinstance(title := value.get("title"), str) and title.strip():
        rows = next(item for key, item in value.items() if key != "title")
        if _is_table(rows):
            return title.strip(), rows
    return "", value


def _is_document(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and isinstance(value.get("id"), str | int)


def _documents(values: list[dict[str, Any]], unit: str) -> list[Parsed]:
    seen: dict[str, int] = {}
    parsed = []
    for number, value in enumerate(values, start=1):
        name = str(value["id"]).strip()
        if not name or name in seen:
            problem = f"has the id {name!r} of number {seen[name]}" if name else "has an empty id"
            raise LoadError(f"The {unit} number {number} {problem}. Give every one an id of its own.")
        seen[name] = number
        content = parse_markdown(value["text"])
        title = value.get("title")
        parsed.append(Parsed(title.strip() if isinstance(title, str) and title.strip() else content.title, content.sections, name))
    return parsed


def _sections(value: Any) -> Iterator[Section]:
    """Lists of objects become records; what is left of an object becomes lines under no heading."""
    if _is_table(value):
        yield from record_sections([_record(row) for row in value])
        return
    tables = {key: rows for key, rows in value.items() if _is_table(rows)} if isinstance(value, dict) else {}
    rest = {key: item for key, item in value.items() if key not in tables} if tables else value
    lines = [field(path, text) for path, text in _flat(rest)]
    if lines:
        yield Section((), "\n".join(lines))
    for key, rows in tables.items():
        yield from record_sections([_record(row) for row in rows], (key,) if key.strip() else ())


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _record(row: dict[str, Any]) -> dict[str, str]:
    return dict(_flat(row))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(`a.b[1].c`, text) of every value that is not empty; a list of plain values is one text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value, start=1):
            yield from _flat(item, f"{path}[{number}]")
    else:
        text = ", ".join(filter(None, map(_text, value))) if isinstance(value, list) else _text(value)
        if text:
            yield path, text


def _text(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool) else str(value).strip()
