"""`finetune loop`, `evaluate`, `promote`, `rollback`, `list` and `advise`; `ui.cli` puts them beside `finetune train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.examples import Author
from ui.commands.shell import AsJson, DataDir, Debug, output, perform
from ui.commands.transcripts import Columns, Transcripts, existing, mapping
from ui.commands.transcripts import table as transcripts_table
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 5  # of the history's entries
_Name = Annotated[str, typer.Argument(help="The run, as `finetune list` shows it.", metavar="RUN")]
_Backend = Annotated[str, typer.Option(help="The local backend.")]


def loop(
    *,
    context: typer.Context,
    file: Transcripts,
    base: Annotated[str, typer.Option(help="The model to tune: a folder, a hub name, or starter.")] = "starter",
    approve_all: Annotated[bool, typer.Option("--approve-all", help="Use the new examples without a lead's approval.")] = False,
    method: Annotated[str, typer.Option(help="qlora, lora, rslora, dora, adalora, ia3, prompt, prefix, bottleneck or full.")] = "qlora",
    rows: Annotated[int | None, typer.Option(min=8, help="Examples to learn from at most.", show_default="1200")] = None,
    run: Annotated[str, typer.Option(help="What the run is called; one that was begun goes on.", show_default=False)] = "",
    columns: Columns = "",
    author: Author,
    backend: _Backend = "local",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """From transcripts to an adapter that answers, if the gate finds it better than the best prompt."""
    with output(as_json, debug) as out:
        args: dict[str, Any] = {"path": existing(file), "base": base, "approve_all": approve_all, "method": method, "rows": rows}
        args |= {"run": run, "columns": mapping(columns), "author": author, "backend": backend}
        out.show(perform(context.obj, data_dir, "finetune_loop", out, **args), _looped)


def evaluate(*, context: typer.Context, run: _Name, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Measure an adapter against the best prompt, on conversations that neither has seen."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "evaluate_adapter", out, run=run), _judged)


def promote(
    *,
    context: typer.Context,
    run: _Name,
    backend: _Backend = "local",
    share: Annotated[float, typer.Option(help="Of the conversations, over 0 to 1; under 1 it is a canary.")] = 1.0,
    override: Annotated[str, typer.Option(help="Why it answers although the gate is against it; kept in the history.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Only look whether it could: its files, the base, the gate.")] = False,
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Let an adapter answer from the next turn on."""
    with output(as_json, debug) as out:
        args = {"name": run, "backend": backend, "share": share, "override": override, "author": author, "check": check}
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
        out.show(result, _taken_back)


def adapters(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """The registry: all adapters, and which of them answers."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_adapters", out), _adapters)


def watch(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Look now at how the adapters that answer customers do, and take one back or widen its share, as the server does by itself."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "watch_adapters", out), _looked)


def show(*, context: typer.Context, run: _Name, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """All that is on record of an adapter."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "show_adapter", out, name=run), _shown)


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


def _looped(console: "Console", result: dict[str, Any]) -> None:
    transcripts_table(console, result["transcripts"])
    rows, trained = result["rows"], result["train"]
    console.print(f"{rows['train']} rows of {rows['conversations']} conversations; {rows['held']} examples held out.")
    console.print(f"Trained in {trained['seconds']:.0f} s; best at step {trained['best_step']}.")
    _judged(console, result["evaluate"])
    _promoted(console, result["promote"])


def _judged(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    shown = Table("", "tuned", f"best prompt ({result['best_prompt']['shots']} examples)")
    for name in ("f1", "exact_match", "chrf", "bleu", "grounded", "unsupported_figures", "characters", "latency_ms"):
        shown.add_row(name.replace("_", " "), *(str(result[side].get(name, "-")) for side in ("tuned", "best_prompt")))
    console.print(shown)
    low, high = result["interval"]
    console.print(f"Tuned minus prompt: {result['difference']:+.3f} token F1, 95 % interval {low:+.3f} to {high:+.3f}.")
    console.print(f"Gate: {result['gate']}. {result['why']}", markup=False)
    console.print(f"Report: {result['report']}", markup=False, soft_wrap=True)


def _shown(console: "Console", result: dict[str, Any]) -> None:
    for name in ("name", "method", "base", "rows", "created", "sha256", "base_sha256", "template", "active_on", "share", "report"):
        console.print(f"{name.replace('_', ' ')}: {result[name]}", markup=False, soft_wrap=True)
    if result["evaluation"]:
        _judged(console, result["evaluation"])
    for change in result["history"]:
        console.print(f"{change['at']} {change['author']}: {change['why']} ({change['backend']}, {change['share']:.0%})", markup=False)


def _promoted(console: "Console", result: dict[str, Any]) -> None:
    if "gate" in result:
        against = f", but the gate is against it: {result['why']}" if result["why"] else ""
        console.print(f"{result['adapter']} is sound and fits {result['backend']}{against}.", markup=False, soft_wrap=True)
    elif result["promoted"]:
        console.print(f"{result['backend']} answers with {result['adapter']}. `answerdesk finetune rollback` takes it back.", markup=False)
    else:
        console.print(f"Not promoted: {result['why']}", markup=False)


def _taken_back(console: "Console", done: dict[str, Any]) -> None:
    if done["adapter"]:
        told = f"{done['backend']} answers with {done['adapter']} again."
    else:
        told = f"{done['undone'] or done['backend']} answers nobody any more."
    alone = " (its base alone)" if done["default"] == done["backend"] and not done["adapter"] else ""
    console.print(f"{told} {done['default']}{alone} is asked first.", markup=False)


def _adapters(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("adapter", "method", "rows", "gate", "tuned minus prompt", "answers on")
    for one in result["adapters"]:
        difference = "-" if one["difference"] is None else f"{one['difference']:+.3f}"
        gate = "learned from an erased customer" if one["erased"] else one["gate"] or "not evaluated"
        table.add_row(one["name"], one["method"], str(one["rows"]), gate, difference, one["active_on"] or "")
    console.print(table if result["adapters"] else "There are no adapters. `answerdesk finetune loop FILE` makes one.")
    _watched(console, result["watch"])
    for change in result["history"][:_SHOWN]:
        what = f"{change['adapter']}, asked first in {change['share']:.0%}" if change["adapter"] else "no adapter"
        console.print(f"{change['at'][:16]} {change['backend']}: {what}. {change['author']}: {change['why']}", markup=False, soft_wrap=True)


def _looked(console: "Console", result: dict[str, Any]) -> None:
    if not result["watched"]:
        console.print("No adapter answers customers.")
    _watched(console, result["watched"])


def _watched(console: "Console", seen: list[dict[str, Any]]) -> None:
    for one in seen:
        done = f" Done: {one['done']}." if one.get("done") else ""
        line = f"{one['adapter']} on {one['backend']}, {one['share']:.0%} of the conversations: {one['action']}; {one['why']}.{done}"
        console.print(line, markup=False, soft_wrap=True)


def _advised(console: "Console", result: dict[str, Any]) -> None:
    console.print(f"Advice: {result['advice']}")
    again = ("Train again:", result["retrain"]["reasons"])
    for title, lines in (("", result["reasons"]), ("What would change it:", result["changes"]), again):
        if title and lines:
            console.print(title)
        for line in lines:
            console.print(f"- {line}", markup=False)
