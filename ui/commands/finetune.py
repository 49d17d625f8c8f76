"""`finetune train` and `finetune jobs`: adapters trained in processes of their own."""

import inspect
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from finetune.config import TrainConfig
from ui.commands.shell import AsJson, DataDir, Debug, Output, output, perform
from ui.errors import Failure
from ui.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

finetune = typer.Typer(help="Teach a local model from approved examples: train, evaluate, promote.", no_args_is_help=True)
jobs = typer.Typer(help="The training runs.", no_args_is_help=True)
finetune.add_typer(jobs, name="jobs")

_LOOK_S = 0.3  # between two looks at a run that is followed
_Run = Annotated[str, typer.Argument(help="The run's name.")]


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of `TrainConfig`, in place of its `**options`."""
    own = [one for one in inspect.signature(command).parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    made = []
    for name, field in TrainConfig.model_fields.items():
        kind: Any = (
            field.annotation if field.annotation in (int, float, bool) else float if name == "lr" else int if name == "steps" else str
        )
        shown = "" if field.default in (None, (), False) else f" [default: {field.default}]"
        option = typer.Option(help=f"{field.description}{shown}".replace("[", r"\["), show_default=False)
        made.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]))
    signature = inspect.Signature([*made, *own])
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return command


@finetune.command()
@_with_options
def train(
    *,
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option(help="Rows {messages, reply, ...}, .jsonl or .jsonl.gz; else the approved examples.", show_default=False)
    ] = None,
    validation: Annotated[Path | None, typer.Option(help="Rows to be judged by; else a tenth of the conversations.")] = None,
    rows: Annotated[int | None, typer.Option(min=8, help="Approved examples to learn from at most.", show_default="1200")] = None,
    run: Annotated[str, typer.Option(help="What the run is called.", show_default=False)] = "",
    config: Annotated[Path | None, typer.Option(help="A JSON file with these options; those on the command line win.")] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and begin nothing.")] = False,
    background: Annotated[bool, typer.Option("--background", help="Begin it and come back at once.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Train an adapter. The run goes on in a process of its own when this command ends; `finetune jobs` finds it again."""
    with output(as_json, debug) as out:
        given = _read(config) | {name: value for name, value in options.items() if value is not None}
        files = {name: path for name, path in (("data", data), ("validation", validation)) if path}
        if validation and not data:
            raise Failure("--validation goes with --data: of the approved examples the newest conversations validate.", 2)
        if missing := [str(path) for path in files.values() if not path.is_file()]:
            raise Failure(f"There is no file {', '.join(missing)}. Give .jsonl files that exist.", 2)
        paths = {name: str(path.absolute()) for name, path in files.items()}
        if data:
            begun = perform(context.obj, data_dir, "train_on_file", out, options=given, run=run, dry=dry, **paths)
        else:
            begun = perform(context.obj, data_dir, "train_on_pool", out, options=given, rows=rows, run=run, dry=dry)
        out.close()
        if not as_json:
            out.note(f"It takes {begun['in_words']}.\nThe same again: {begun['command']}")
        if dry or background:
            out.show(begun, _begun)
        else:
            out.show(_follow(out, data_dir, begun["run"]), _done)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(f"{path} cannot be read as JSON: {error}. Give a file with training options.", 2) from None
    if not isinstance(found, dict):
        raise Failure(f"{path} is not a JSON object. Give a file with training options.", 2)
    return found


def _follow(out: Output, data_dir: Path | None, run: str) -> dict[str, Any]:
    """Show a run until it ends, and start it again should it be killed; its result."""
    from ui.operations_training import jobs_of

    found = jobs_of(load_settings(data_dir=data_dir).data_dir)
    try:
        while (job := found.get(run)).state not in ("done", "failed", "stopped"):
            if job.steps:
                out.emit({"progress": {"done": job.step, "total": job.steps, "name": f"loss {job.loss:.3f}"}})
            if job.state == "interrupted":
                found.tend()
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        raise Failure(f"The run {run} goes on. See `answerdesk finetune jobs list`; stop it with `finetune jobs stop {run}`.") from None
    if job.state == "failed":
        raise Failure(f"The run {run} has failed: {job.error}")
    if job.state == "stopped":
        raise Failure(f"The run {run} was stopped at step {job.step} of {job.steps}. Go on with `answerdesk finetune jobs resume {run}`.")
    return found.result(run) or {}


@jobs.command("list")
def list_(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the runs. Those that were killed go on."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_runs", out), _table)


@jobs.command()
def show(*, context: typer.Context, run: _Run, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Show a run: how far it is, its losses, and the end of its log."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "show_run", out, run=run), _shown)


@jobs.command()
def stop(*, context: typer.Context, run: _Run, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """End a run after its present step, with a checkpoint to go on from."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "stop_run", out, run=run), _state)


@jobs.command()
def resume(*, context: typer.Context, run: _Run, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Go on with a run that was stopped or has failed."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "resume_run", out, run=run), _state)


def _begun(console: "Console", result: dict[str, Any]) -> None:
    console.print(result["run"] or "Nothing was begun.", markup=False)


def _done(console: "Console", result: dict[str, Any]) -> None:
    console.print(
        f"{result['run']}: validation loss {result['untrained_loss']:.3f} -> {result['best_loss']:.3f} at step {result['best_step']}, "
        f"{result['seconds']:.0f} s\n{result['adapter']}",
        markup=False,
        soft_wrap=True,
    )


def _state(console: "Console", result: dict[str, Any]) -> None:
    console.print(f"{result['run']} is {result['state']}, at step {result['step']} of {result['steps']}.", markup=False)


def _shown(console: "Console", result: dict[str, Any]) -> None:
    _state(console, result)
    if result["error"]:
        console.print(result["error"], markup=False)
    for line in result["log"]:
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"The same again: {result['command']}", markup=False, soft_wrap=True)


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Column, Table

    table = Table(Column("run", no_wrap=True), "method", "state", "step", "loss", "validation", "left")
    for job in result["runs"]:
        numbers = [f"{job[name]:.3f}" if job[name] is not None else "" for name in ("loss", "validation")]
        left = f"{job['remaining_s']:.0f} s" if job["state"] == "running" and job["remaining_s"] is not None else ""
        table.add_row(job["run"], job["method"], job["state"], f"{job['step']}/{job['steps']}", *numbers, left)
    console.print(table if result["runs"] else "There are no runs. `answerdesk finetune train` begins one.")
    for job in result["runs"]:
        if job["error"]:
            console.print(f"{job['run']}: {escape(job['error'])}")
