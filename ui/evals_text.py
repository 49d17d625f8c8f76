"""Measures what the product tells from a text alone: what of it is personal."""

from pathlib import Path
from typing import Any

from bot.personal.spans import Span
from bot.redact import find
from ui.errors import Failure
from ui.evals import Row, read_rows
from ui.loopback import Emit


def redaction(data: Path, emit: Emit) -> dict[str, Any]:
    """How much of the marked characters is found, by marked type, and how much of what is found lies in any mark; order numbers count."""
    rows = list(read_rows(data, {"text": str, "spans": list}))
    if not rows:
        raise Failure(f"{data} has no rows; each is {{text, spans: [{{start, end, type}}]}}.", 2)
    covered: dict[str, int] = {}
    marked: dict[str, int] = {}
    count: dict[str, int] = {}
    ours = right = 0
    for number, row in enumerate(rows, 1):
        text = row["text"]
        marks = [_mark(mark, len(text), f"{data} row {number}") for mark in row["spans"]]
        found = find(text, orders="mask")
        hit, held = _places(found), set[int]()
        for start, end, kind in marks:
            held.update(range(start, end))
            marked[kind] = marked.get(kind, 0) + end - start
            covered[kind] = covered.get(kind, 0) + len(hit.intersection(range(start, end)))
            count[kind] = count.get(kind, 0) + 1
        ours += len(hit)
        right += len(hit & held)
        if number % 50 == 0 or number == len(rows):
            emit({"progress": {"done": number, "total": len(rows), "name": "reading"}})
    return {
        "precision": _share(right, ours),
        "recall": _share(sum(covered.values()), sum(marked.values())),
        "by_type": {kind: {"recall": _share(covered[kind], marked[kind]), "n": count[kind]} for kind in sorted(marked)},
    }


def _places(spans: tuple[Span, ...]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end)}


def _mark(mark: Row, length: int, where: str) -> tuple[int, int, str]:
    start, end, kind = (mark.get(name) for name in ("start", "end", "type")) if isinstance(mark, dict) else (None, None, None)
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(kind, str) and 0 <= start <= end <= length):
        raise Failure(f"{where}: a span is {mark!r}; it must be {{start, end, type}} with 0 <= start <= end <= {length} code points.", 2)
    return start, end, kind


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
