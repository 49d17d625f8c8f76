"""Measures what the product tells from a text alone: what of it is personal, what it wants, and in what mood."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bot.personal.spans import Span
from bot.redact import find
from ui.errors import Failure
from ui.evals import Row, read_rows
from ui.loopback import Emit

if TYPE_CHECKING:
    from bot.classify import Judged
    from knowledge.embed import Embedder


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


def labels(embedder: "Embedder", train_file: Path, test_file: Path, emit: Emit, oos_file: Path | None = None) -> dict[str, Any]:
    """Train a classifier on one file and judge another; with `oos_file` also how well texts that have none of the labels are told.

    `oos`: the area under the ROC curve of how likely a text has a label; recall and precision of what lies under the threshold, which
    comes from the training rows alone. `cpu_seconds` are of the whole process.
    """
    from bot.classify import Labelled, train

    rows, asked = (list(read_rows(path, {"text": str, "label": str})) for path in (train_file, test_file))
    foreign = list(read_rows(oos_file, {"text": str})) if oos_file else []
    for path, read in ((test_file, asked), *(((oos_file, foreign),) if oos_file else ())):
        if not read:
            raise Failure(f"{path} has no rows; each is {{text, label}}.", 2)
    emit({"progress": {"done": 0, "total": 2, "name": "training"}})
    try:
        classifier = train([Labelled(row["text"], row["label"]) for row in rows], embedder.queries)
    except ValueError as error:
        raise Failure(f"{train_file}: {error}", 2) from None
    emit({"progress": {"done": 1, "total": 2, "name": "judging"}})
    judged = classifier.judge([row["text"] for row in asked])
    guesses, golds = [one.label for one in judged], [row["label"] for row in asked]
    result = {**_scores(guesses, golds), "method": classifier.method, "tried": dict(classifier.accuracy)}
    if foreign:
        result["oos"] = _told_apart(judged, classifier.judge([row["text"] for row in foreign]))
    emit({"progress": {"done": 2, "total": 2, "name": "done"}})
    return {**result, "cpu_seconds": round(time.process_time(), 2)}


def _scores(guesses: Sequence[str], golds: Sequence[str]) -> dict[str, Any]:
    by_label: dict[str, dict[str, Any]] = {}
    for label in sorted(set(golds)):
        right = sum(guess == gold == label for guess, gold in zip(guesses, golds, strict=True))
        said, held = guesses.count(label), golds.count(label)
        by_label[label] = {"precision": _share(right, said), "recall": _share(right, held), "f1": _share(2 * right, said + held), "n": held}
    accuracy = _share(sum(guess == gold for guess, gold in zip(guesses, golds, strict=True)), len(golds))
    return {"accuracy": accuracy, "macro_f1": round(fmean(of["f1"] for of in by_label.values()), 4), "by_label": by_label}


def _told_apart(own: "Sequence[Judged]", foreign: "Sequence[Judged]") -> dict[str, float | None]:
    from sklearn.metrics import roc_auc_score

    area = roc_auc_score([1] * len(own) + [0] * len(foreign), [one.known for one in (*own, *foreign)])
    caught = sum(one.outside for one in foreign)
    return {
        "auroc": round(float(area), 4),
        "recall": _share(caught, len(foreign)),
        "precision": _share(caught, caught + sum(one.outside for one in own)),
    }
