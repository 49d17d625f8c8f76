"""`finetune promote`, `rollback`, `list` and `advise`; `ui.cli` puts them beside `finetune train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.examples import Author
from ui.commands.shell import AsJson, DataDir, Debug, output, perform
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console

_Name = Annotated[str, typer.Argument(help="The run, as `finetune list` shows it.", metavar="RUN")]
_Backend = Annotated[str, typer.Option(help="The local backend.")]


def promote(
    *,
    context: typer.Context,
    run: _Name,
    backend: _Backend = "local",
    share: Annotated[float, typer.Option(help="Of the conversations, over 0 to 1; under 1 it is a canary.")] = 1.0,
    override: Annotated[str, typer.Option(help="Why it answers although the gate is against it; kept in the history.")] = "",
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Let an adapter answer from the next turn on."""
    with output(as_json, debug) as out:
        args = {"name": run, "backend": backend, "share": share, "override": override, "author": author}
        out.show(perform(context.obj, data_dir, "promote_adapter", out, **args), _promoted)


def rollback(
    *,
    context: typer.Context,
    backend: _Backend = "local",
    why: Annotated[str, typer.Option(help="The reason, kept in the history.")] = "",
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Undo the last promotion, in one step."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "rollback_adapter", out, backend=backend, why=why, author=author)
        out.show(result, lambda console, done: console.print(f"{done['backend']} answers with {done['adapter'] or 'its base alone'}."))


def adapters(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """The registry: all adapters, and which of them answers."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_adapters", out), _adapters)


def advise(
    *,
    context: typer.Context,
    narrow: Annotated[bool, typer.Option("--narrow", help="The examples are about one kind of thing.")] = False,
    strong: Annotated[bool, typer.Option("--strong-model", help="A strong hosted model is at hand.")] = False,
    may_leave: Annotated[bool, typer.Option("--data-may-leave", help="The shop's data may go to it.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Draw the decision tree into this file (.svg).", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Whether to prompt, to tune or to collect, with the reasons."""
    with output(as_json, debug) as out:
        if picture and not picture.absolute().parent.is_dir():
            raise Failure(f"{picture} cannot be written: its folder does not exist.", 2)
        args = {"narrow": narrow, "strong": strong, "may_leave": may_leave, "picture": str(picture.absolute()) if picture else ""}
        out.show(perform(context.obj, data_dir, "advise_tuning", out, **args), _advised)


def _promoted(console: "Console", result: dict[str, Any]) -> None:
    if result["promoted"]:
        console.print(f"{result['backend']} answers with {result['adapter']}. `answerdesk finetune rollback` takes it back.", markup=False)
    else:
        console.print(f"Not promoted: {result['why']}", markup=False)


def _adapters(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("adapter", "method", "rows", "gate", "tuned minus prompt", "answers on")
    for one in result["adapters"]:
        difference = "-" if one["difference"] is None else f"{one['difference']:+.3f}"
        table.add_row(one["name"], one["method"], str(one["rows"]), one["gate"] or "not evaluated", difference, one["active_on"] or "")
    console.print(table if result["adapters"] else "There are no adapters. `answerdesk finetune loop FILE` makes one.")


def _advised(console: "Console", result: dict[str, Any]) -> None:
    console.print(f"Advice: {result['advice']}")
    for title, lines in (("", result["reasons"]), ("What would change it:", result["changes"])):
        if title and lines:
            console.print(title)
        for line in lines:
            console.print(f"- {line}", markup=False)
