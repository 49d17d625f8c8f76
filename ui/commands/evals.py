"""`eval ...`: the product measured with data of one's own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output
from ui.errors import Failure
from ui.settings import load_settings

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
    out_file: Annotated[Path | None, typer.Option("--out", help="Write a row for each question here (.jsonl).")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """How well questions are answered, and whether the answers rest on the evidence."""
    with output(as_json, debug) as out:
        from ui import evals as measure

        _quiet()
        if out_file and not out_file.absolute().parent.is_dir():
            raise Failure(f"{out_file} cannot be written: its folder does not exist.", 2)
        result, rows = measure.answers(context.obj.build, load_settings(data_dir=data_dir), data, out.emit, corpus=corpus, backend=backend)
        if out_file:
            out_file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        out.show(result, _table)


@evals.command()
def redaction(
    *,
    data: Annotated[Path, typer.Option(help="Rows {text, spans: [{start, end, type}]}, .jsonl or .jsonl.gz; offsets in code points.")],
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


def _quiet() -> None:
    from ui.logs import set_up

    set_up("error")


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("measure", "value")
    for name, value in result.items():
        for part, number in value.items() if isinstance(value, dict) else (("", value),):
            table.add_row(f"{name} {part}".strip(), "-" if number is None else str(number))
    console.print(table)
