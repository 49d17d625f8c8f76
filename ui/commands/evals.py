"""`eval ...`: the product measured with data of one's own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, Output, Tools, output, perform
from ui.errors import Failure
from ui.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

evals = typer.Typer(help="Measure the product with data of your own; the data folder's content is left alone.", no_args_is_help=True)


@evals.command()
def retrieval(
    *,
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="A folder with corpus.jsonl, queries.jsonl and qrels.jsonl.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """How well documents are found."""
    with output(as_json, debug) as out:
        from ui import evals as measure

        _quiet()
        result = measure.retrieval(context.obj.build, load_settings(data_dir=data_dir), data, out.emit)
        out.show(result, _table)


@evals.command()
def answers(
    *,
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Rows {id, question, history?, context?, answers[], is_impossible}, .jsonl or .jsonl.gz.")],
    corpus: Annotated[Path | None, typer.Option(help="A folder to retrieve from; without it each row's context is the evidence.")] = None,
    backend: Annotated[str | None, typer.Option(help="Which backend answers.", show_default=False)] = None,
    shots: Annotated[str | None, typer.Option(help="Examples shown: 0 to 64 or auto; several, as 0,2,8, are compared.")] = None,
    cot: Annotated[str | None, typer.Option(help="Reasoning: off, zero, few or auto; several are compared.")] = None,
    prompt: Annotated[str | None, typer.Option(help="Prompt version, a number or an id; several are compared.")] = None,
    examples: Annotated[Path | None, typer.Option(help="Show these, rows {question, answer, ...}, instead of the pool's.")] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="Write a row for each question here (.jsonl), a plot beside it.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """How well questions are answered, and whether the answers rest on the evidence; several ways to prompt side by side."""
    with output(as_json, debug) as out:
        from ui import evals as measure
        from ui.evals_settings import check_prompts, settings_of
        from ui.plots import settings_plot

        _quiet()
        if out_file and not out_file.absolute().parent.is_dir():
            raise Failure(f"{out_file} cannot be written: its folder does not exist.", 2)
        grid, settings = settings_of(shots, cot, prompt), load_settings(data_dir=data_dir)
        known = _teaching(context.obj, settings, out, examples)
        check_prompts(grid, known["prompts"])
        result, rows = measure.answers(
            context.obj.build, settings, data, out.emit, corpus=corpus, backend=backend, grid=grid, teaching=known
        )
        if out_file:
            out_file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
            if len(grid) > 1:
                plot = settings_plot(result, out_file.with_suffix(".svg"))
                result["plot"] = str(plot) if plot else None
        out.show(result, _settings_table if len(grid) > 1 else _table)


@evals.command()
def redaction(
    *,
    data: Annotated[Path, typer.Option(help="Rows {text, spans: [{start, end, type}]}, .jsonl or .jsonl.gz; offsets in code points.")],
    data_dir: DataDir = None,  # noqa: ARG001  (every command takes it; this one keeps nothing)
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """How much of what is personal is found, and how much that is found is personal."""
    with output(as_json, debug) as out:
        from ui.evals_text import redaction as measure

        out.show(measure(data, out.emit), _table)


@evals.command("context")
def context_(
    *,
    context: typer.Context,  # noqa: ARG001
    data: Annotated[Path, typer.Option(help="Long dialogues {id, turns: [{role, text}], facts: [text]}, .jsonl or .jsonl.gz.")],
    backend: Annotated[str, typer.Option(help="Whose tokens count; a model also writes the summaries.")] = "extractive",
    window: Annotated[int, typer.Option(min=256, max=1_000_000, help="Tokens that a prompt and its reply may have together.")] = 2048,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """How many tokens summaries save in long conversations, and how many facts they keep."""
    with output(as_json, debug) as out:
        from bot.context import Budget
        from bot.summaries import summarized
        from ui.build import open_desk
        from ui.evals_context import context as measure

        _quiet()
        settings = load_settings(data_dir=data_dir)
        backends = open_desk(settings).backends
        if backend not in backends:
            raise Failure(f"There is no backend {backend!r}; allowed: {', '.join(backends)}.", 2)
        chosen = backends[backend]
        result = measure(
            data,
            out.emit,
            backend=chosen,
            budget=Budget(window, settings.max_tokens),
            summarizer=lambda old, lines, budget: summarized(chosen, old, lines, budget)[0],
        )
        out.show(result, _table)


def _teaching(tools: Tools, settings: Settings, out: Output, examples: Path | None) -> dict[str, Any]:
    """What prompts are made with: the data folder's, where there is one, or the examples of a file."""
    known: dict[str, Any] = {"examples": [], "prompts": [], "choices": []}
    if settings.database_url or (settings.data_dir / "answerdesk.db").is_file():
        known = perform(tools, settings.data_dir, "teaching", out)
    if examples:
        from dataclasses import asdict

        from ui.evals import read_rows
        from ui.operations_examples import example_of

        rows = read_rows(examples, {"question": str, "answer": str})
        known = {**known, "examples": [asdict(example_of(row, number, "approved")) for number, row in enumerate(rows, 1)]}
    return known


_TRAIN = Annotated[Path, typer.Option("--train", help="Rows {text, label} to learn from, .jsonl or .jsonl.gz.")]
_TEST = Annotated[Path, typer.Option("--test", help="Rows {text, label} to judge.")]


@evals.command()
def intents(
    *,
    context: typer.Context,
    train: _TRAIN,
    test: _TEST,
    oos: Annotated[Path | None, typer.Option(help="Rows {text} that have none of the labels.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """How well intents are told, by a classifier that picks its own method."""
    _labels(context.obj, train, test, oos, data_dir, as_json=as_json, debug=debug)


@evals.command()
def sentiment(
    *, context: typer.Context, train: _TRAIN, test: _TEST, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False
) -> None:
    """How well moods are told, in the same way."""
    _labels(context.obj, train, test, None, data_dir, as_json=as_json, debug=debug)


def _labels(tools: Tools, train: Path, test: Path, oos: Path | None, data_dir: Path | None, *, as_json: bool, debug: bool) -> None:
    with output(as_json, debug) as out:
        from ui.evals_text import labels as measure

        _quiet()
        out.show(measure(tools.embedder(load_settings(data_dir=data_dir)), train, test, out.emit, oos), _table)


@evals.command()
def attacks(
    *,
    context: typer.Context,
    data: Annotated[Path, typer.Option(help="Rows {id, text, kind, context?, canary?}, .jsonl or .jsonl.gz.")],
    backend: Annotated[str | None, typer.Option(help="Which backend is attacked.", show_default=False)] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="Write a row for each attack here (.jsonl).")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """How often an attack, in a message or in a document, makes the bot say what it should not."""
    with output(as_json, debug) as out:
        from ui.evals_attacks import attacks as measure

        _quiet()
        result, rows = measure(context.obj.build, load_settings(data_dir=data_dir), data, out.emit, backend)
        if out_file:
            out_file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        out.show(result, _table)


def _quiet() -> None:
    from ui.logs import set_up

    set_up("error")


def _settings_table(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("setting", "score", "difference", "interval", "f1", "contains", "tokens")
    for row in result["settings"]:
        gain = row["difference"]
        shown = (row["score"], gain["mean"], gain["interval"], row["f1"], row["contains"], row["tokens"]["prompt"])
        table.add_row(row["name"], *map(str, shown))
    console.print(table)
    console.print(f"Use {result['best']}: {result['why']}.", markup=False)


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("measure", "value")
    for name, value in result.items():
        for part, number in value.items() if isinstance(value, dict) else (("", value),):
            table.add_row(f"{name} {part}".strip(), "-" if number is None else str(number))
    console.print(table)
