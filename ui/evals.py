"""Measures the product from its own files: how well it retrieves and how well it answers, in a throwaway folder of its own."""

import gzip
import hashlib
import json
import resource
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import TYPE_CHECKING, Any, get_args

from bot import metrics as answer_metrics
from bot.followup import leans_on
from bot.messages import Answer, Message, Role
from knowledge import metrics as ranking_metrics
from knowledge.chunk import sentences
from knowledge.documents import Chunk, Document, Passage
from knowledge.language import detect
from knowledge.load import load
from ui.errors import Failure
from ui.evals_settings import Setting, compared, teach
from ui.loopback import Emit
from ui.settings import Settings

if TYPE_CHECKING:
    from ui.build import App

Row = dict[str, Any]
_COLLECTION = "eval"
_DEPTH = 50  # how far down a ranking is looked
_CORPUS_BYTES = 2**30


def read_rows(path: Path, needed: dict[str, type]) -> Iterator[Row]:
    """The objects of a .jsonl or .jsonl.gz file, blank lines skipped; ids that are numbers become texts.

    Raises `Failure` naming the line that lacks one of `needed`.
    """
    opened = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _row(path, number, line, needed)
    except UnicodeDecodeError as error:
        raise Failure(f"{path} is not UTF-8: {error.reason} at byte {error.start}. Save it as UTF-8.", 2) from None
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise Failure(f"{path} cannot be read: {why}. Give a .jsonl or .jsonl.gz file.", 2) from None


def _row(path: Path, number: int, line: str, needed: dict[str, type]) -> Row:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise Failure(f"{path} line {number} is not JSON: {error.msg} at column {error.colno}. Each line is one object.", 2) from None
    except ValueError as error:  # a number of thousands of digits
        raise Failure(f"{path} line {number} is not JSON: {error}. Each line is one object.", 2) from None
    if not isinstance(row, dict):
        raise Failure(f"{path} line {number} is not an object but {type(row).__name__}; it needs {', '.join(needed)}.", 2)
    for name, kind in needed.items():
        if name.endswith("id") and isinstance(row.get(name), int):
            row[name] = str(row[name])
        if not isinstance(row.get(name), kind):
            raise Failure(f"{path} line {number}: {name} is {row.get(name)!r}; it must be a {kind.__name__}.", 2)
    history(row, f"{path} line {number}")
    return row


def history(row: Row, where: str) -> tuple[Message, ...]:
    """A row's `history`, oldest first. Raises `Failure` when it is not a list of `{role, text}`."""
    said = row.get("history") or []
    right = isinstance(said, list) and all(
        isinstance(line, dict) and line.get("role") in get_args(Role) and isinstance(line.get("text"), str) for line in said
    )
    if not right:
        raise Failure(f"{where}: history must be a list of {{role, text}}, roles: {', '.join(get_args(Role))}.", 2)
    return tuple(Message(line["role"], line["text"]) for line in said)


@contextmanager
def throwaway(build: Callable[[Settings], "App"], settings: Settings) -> Iterator["App"]:
    """An application with these settings but an empty folder, which is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-eval-", ignore_cleanup_errors=True) as folder:
        app = build(settings.model_copy(update={"data_dir": Path(folder), "database_url": "", "chroma_url": ""}))
        try:
            yield app
        finally:
            app.engine.dispose()


def retrieval(build: Callable[[Settings], "App"], settings: Settings, data: Path, emit: Emit) -> dict[str, Any]:
    """Rank the corpus for every query that has qrels. `cpu_seconds` and `peak_rss_mb` are of the whole process, start to end."""
    relevant: dict[str, set[str]] = {}
    for row in read_rows(_file(data, "qrels"), {"query_id": str, "doc_id": str}):
        relevant.setdefault(row["query_id"], set()).add(row["doc_id"].strip())
    queries = [row for row in read_rows(_file(data, "queries"), {"id": str, "text": str}) if row["id"] in relevant]
    if not queries:
        raise Failure(f"No query of {data} has a line in qrels.jsonl; query_id there must be an id of queries.jsonl.", 2)
    rankings: dict[str, list[str]] = {}
    with throwaway(build, settings) as app:
        source, topical = _take_in(app, data, emit), partial(app.index.topical, collection=_COLLECTION)
        for number, row in enumerate(queries, 1):
            context = leans_on(row["text"], history(row, ""), topical)
            found = app.index.search_documents(row["text"], _DEPTH, _COLLECTION, context)
            rankings[row["id"]] = ranking_metrics.documents((name.removeprefix(f"{source}#"), score) for name, score in found)
            emit({"progress": {"done": number, "total": len(queries), "name": "searching"}})
    scores = ranking_metrics.retrieval(rankings, {query: wanted for query, wanted in relevant.items() if query in rankings})
    rounded = {name: round(score, 4) for name, score in scores.items()}
    return {"queries": len(queries), **rounded, "cpu_seconds": round(_cpu_seconds(), 2), "peak_rss_mb": round(_peak_mb(), 1)}


def answers(
    build: Callable[[Settings], "App"],
    settings: Settings,
    data: Path,
    emit: Emit,
    *,
    corpus: Path | None,
    backend: str | None,
    grid: Sequence[Setting] = (Setting(),),
    teaching: dict[str, Any] | None = None,
) -> tuple[dict[str, Any], list[Row]]:
    """Have every question answered, from the corpus or from its own `context`. Returns the summary and a row for each question.

    grid: the ways to prompt; where there are several the summary compares them, and rows name theirs. teaching: examples and prompts.
    """
    rows = list(read_rows(data, {"id": str, "question": str}))
    for number, row in enumerate(rows, 1):
        _check(row, f"{data} row {number} ({row['id']})", corpus)
    if not rows:
        raise Failure(f"{data} has no rows; each is {{id, question, answers, is_impossible}}.", 2)
    judged = judge(build, settings, rows, emit, corpus=corpus, backend=backend, grid=grid, teaching=teaching)
    summaries = {setting: _summary(answered) for setting, answered in judged.items()}
    if len(grid) == 1:
        return summaries[grid[0]], judged[grid[0]]
    return compared(judged, summaries), [{"setting": setting.name, **row} for setting, answered in judged.items() for row in answered]


def judge(
    build: Callable[[Settings], "App"],
    settings: Settings,
    rows: Sequence[Row],
    emit: Emit,
    *,
    corpus: Path | None = None,
    backend: str | None = None,
    grid: Sequence[Setting] = (Setting(),),
    teaching: dict[str, Any] | None = None,
) -> dict[Setting, list[Row]]:
    """What each way to prompt answers to each row, judged."""
    judged: dict[Setting, list[Row]] = {setting: [] for setting in grid}
    with throwaway(build, settings) as app:
        if teaching:
            teach(app.engine, teaching, rows, grid)
        if corpus:
            _take_in(app, corpus, emit)
        for number, row in enumerate(rows, 1):
            passages = None if corpus else [passage_of(row)]
            for setting in grid:  # row by row, so that a server that slows down slows all ways alike
                ways = {"shots": setting.shots, "cot": setting.cot, "prompt": setting.prompt}
                answer = app.router.answer_from(row["question"], history(row, ""), passages, _COLLECTION, backend, **ways)  # type: ignore[arg-type]
                judged[setting].append(_judged(row, answer))
            emit({"progress": {"done": number, "total": len(rows), "name": "answering"}})
    return judged


def _check(row: Row, where: str, corpus: Path | None) -> None:
    golds = row.get("answers") or []
    if not isinstance(row.setdefault("is_impossible", False), bool):
        raise Failure(f"{where}: is_impossible is {row['is_impossible']!r}; it must be true or false.", 2)
    if not isinstance(golds, list) or not all(isinstance(gold, str) for gold in golds) or not (golds or row["is_impossible"]):
        raise Failure(f"{where}: answers is {golds!r}; it must be a list of texts, empty only where is_impossible is true.", 2)
    if not corpus and not isinstance(row.get("context"), str):
        raise Failure(f"{where} has no context. Give one in every row, or the documents with --corpus DIR.", 2)


def _judged(row: Row, answer: Answer) -> Row:
    """One question's answer, its scores and what they rest on."""
    cited = [citation.text for citation in answer.citations]
    evidence = [*cited, row["context"]] if isinstance(row.get("context"), str) else cited
    spoken = "" if answer.abstained or answer.route != "answer" else answer.text
    golds, told = row.get("answers") or [], [message.text for message in history(row, "")]
    return {
        "id": row["id"],
        "group": str(row.get("conversation") or row["id"]),
        "question": row["question"],
        "answer": answer.text,
        "abstained": answer.abstained,
        "route": answer.route,
        "reason": answer.reason,
        "is_impossible": row["is_impossible"],
        "confidence": answer.confidence if answer.confidence is not None else max((c.score for c in answer.citations), default=0.0),
        "exact_match": answer_metrics.exact_match(spoken, golds),
        "f1": answer_metrics.f1(spoken, golds),
        "contains": answer_metrics.contains(spoken, golds),
        "sentences": len(sentences(spoken)),
        "not_grounded": answer_metrics.unsupported(spoken, evidence),
        "not_cited": answer_metrics.unsupported(spoken, cited),
        "unsupported_figures": sorted(answer_metrics.unsupported_figures(spoken, [*evidence, row["question"], *told])),
        "backend": answer.backend,
        "prompt_version": answer.prompt_version,
        "citations": [citation.source for citation in answer.citations],
        "tokens": {"prompt": answer.tokens.prompt, "completion": answer.tokens.completion, "saved": answer.tokens.saved},
        "latency_ms": dict(answer.latency_ms),
    }


def _summary(judged: Sequence[Row]) -> dict[str, Any]:
    """exact_match, f1, contains: means over the questions that have an answer, 0 where the bot left one unanswered.

    grounded, uncited: shares of the spoken sentences. unsupported_figures: how many. tokens: means. latency_ms: medians, and the
    95th percentile of the total.
    """
    answerable = [row for row in judged if not row["is_impossible"]]
    spoken = sum(row["sentences"] for row in judged)
    total = [row["latency_ms"].get("total", 0.0) for row in judged]
    first = [row["latency_ms"]["first_token"] for row in judged if "first_token" in row["latency_ms"]]
    abstain = answer_metrics.abstention(
        [row["abstained"] for row in judged], [row["is_impossible"] for row in judged], [1 - row["confidence"] for row in judged]
    )
    return {
        "n": len(judged),
        **{name: _mean([row[name] for row in answerable]) for name in ("exact_match", "f1", "contains")},
        "abstain": {name: None if value is None else round(value, 4) for name, value in abstain.items()},
        "grounded": round(1 - sum(len(row["not_grounded"]) for row in judged) / spoken, 4) if spoken else None,
        "uncited": round(sum(len(row["not_cited"]) for row in judged) / spoken, 4) if spoken else None,
        "unsupported_figures": sum(len(row["unsupported_figures"]) for row in judged),
        "tokens": {name: round(fmean(row["tokens"][name] for row in judged), 1) for name in ("prompt", "completion", "saved")},
        "latency_ms": {
            "first_token": round(median(first), 1) if first else None,
            "total": round(median(total), 1),
            "total_p95": round(quantiles(total, n=20)[-1], 1) if len(total) > 1 else round(total[0], 1),
        },
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 4) if values else None


def _file(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.jsonl", folder / f"{name}.jsonl.gz"):
        if path.is_file():
            return path
    raise Failure(f"There is no {name}.jsonl or {name}.jsonl.gz in {folder}.", 2)


def _take_in(app: "App", folder: Path, emit: Emit) -> str:
    """Index `corpus.jsonl` where the folder has one, else every document of it. Returns the source that comes before each id."""

    def progress(done: int, total: int, name: str) -> None:
        emit({"progress": {"done": done, "total": total, "name": name}})

    if not folder.is_dir():
        raise Failure(f"There is no folder {folder}.", 2)
    if not (folder / "corpus.jsonl").is_file() and not (folder / "corpus.jsonl.gz").is_file():
        if not app.index.ingest([folder], _COLLECTION, progress).documents:
            raise Failure(f"{folder} holds neither corpus.jsonl nor any document that can be read.", 2)
        return ""
    corpus = _file(folder, "corpus")
    app.index.add_documents(_documents(corpus), _COLLECTION, progress)
    return corpus.name


def _documents(corpus: Path) -> list[Document]:
    for _ in read_rows(corpus, {"id": str, "text": str}):  # for its messages, which name the line
        pass
    return load(corpus, corpus.name, _CORPUS_BYTES)


def passage_of(row: Row) -> Passage:
    """The row's context as the one passage that was found."""
    text, source = row["context"], str(row.get("context_id") or "context")
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    language = detect(text) or "other"
    return Passage(Chunk(key, source, str(row.get("title") or ""), (), text, tuple(sentences(text)), "text", language, 0), 1.0)


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
