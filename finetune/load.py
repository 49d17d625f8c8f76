"""A transcript file -> conversations. The format is told by the extension and by what stands inside; a bad row never stops the rest."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from finetune.conversations import BadRow, Conversation, Loaded, Problem
from finetune.errors import BadTranscripts
from finetune.readers.chat import read_chat
from finetune.readers.desks import conversation, kind_of, unpacked
from finetune.readers.table import read_table
from knowledge.errors import LoadError
from knowledge.loaders.encoding import decode

LARGEST = 2**30  # bytes, unpacked
_FORMATS = ".jsonl .ndjson .json .csv .tsv .txt .log .md, each also as .gz"


def load(path: Path, columns: Mapping[str, str] | None = None) -> Loaded:
    """Read the file. columns: for a table, our fields to its columns where the guess is wrong. Raises `BadTranscripts`."""
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    text = _text(path)
    if suffix in {".jsonl", ".ndjson"}:
        return _lines(text)
    if suffix == ".json":
        return _whole(text, path)
    if suffix in {".csv", ".tsv"}:
        return read_table(text, columns or {})
    if suffix in {".txt", ".log", ".md"}:
        return read_chat(text)
    raise BadTranscripts(f"{path.name} ends in {suffix or 'nothing'}; allowed: {_FORMATS}")


def _text(path: Path) -> str:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise BadTranscripts(f"{path} cannot be read: {why}. Give one file with transcripts: {_FORMATS}.") from None
    if len(data) > LARGEST:
        raise BadTranscripts(f"{path.name} has more than {LARGEST >> 20} MB; split it")
    try:
        text = decode(data)
    except LoadError as error:
        raise BadTranscripts(f"{path.name}: {error}") from None
    if not text.strip():
        raise BadTranscripts(f"{path.name} is empty; give a file with conversations")
    return text


def _lines(text: str) -> Loaded:
    def records() -> Iterator[tuple[int, Any]]:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError):
                    yield number, BadRow("not a JSON object; each line is one conversation")

    return _taken(records())


def _whole(text: str, path: Path) -> Loaded:
    try:
        records = unpacked(json.loads(text))
    except RecursionError:
        raise BadTranscripts(f"{path.name} is nested too deeply; flatten it") from None
    except BadRow as error:
        raise BadTranscripts(f"{path.name}: {error}") from None
    except ValueError as error:
        if "\n" in text.strip():  # JSON lines under the wrong name
            return _lines(text)
        raise BadTranscripts(f"{path.name} is not JSON: {error}. Correct it there.") from None
    return _taken(enumerate(records, 1))


def _taken(records: Iterator[tuple[int, Any]] | enumerate[Any]) -> Loaded:
    made: dict[str, Conversation] = {}
    problems: list[Problem] = []
    kinds: dict[str, int] = {}
    for row, record in records:
        try:
            found = conversation(record, row)
        except BadRow as error:
            problems.append(Problem(row, str(record if isinstance(record, BadRow) else error)))
            continue
        if found.id in made:
            problems.append(Problem(row, f"its id {found.id[:80]!r} is that of row {made[found.id].row}; ids are unique"))
            continue
        made[found.id] = found
        kinds[kind_of(record)] = kinds.get(kind_of(record), 0) + 1
    named = max(kinds, key=lambda kind: kinds[kind], default="turns")
    return Loaded(tuple(made.values()), tuple(problems), "jsonl" if named == "turns" else named)
