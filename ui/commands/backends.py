"""`backends ...`: which models answer customers, changed while they chat."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.examples import Author
from ui.commands.shell import AsJson, DataDir, Debug, output, perform
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console

backends = typer.Typer(help="Which models answer; a running server obeys at its next turn.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(help="The backend, as `backends list` names it.", show_default=False)]
_Names = Annotated[list[str] | None, typer.Argument(help="Backends, as `backends list` names them.", metavar="NAME...", show_default=False)]
_Nobody = Annotated[str | None, typer.Argument(help="The backend, as `backends list` names it.", show_default=False)]
Why = Annotated[str, typer.Option(help="Why, for the history.")]
_Expected = Annotated[int | None, typer.Option(help="Refuse where the policy is at another version by now.", show_default=False)]
_FROM_SHELL = "from the shell"


@backends.command("list")
def list_(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the backends, how they are, and who answers."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_backends", out), _table)


@backends.command()
def add(
    *,
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called: letters, digits, '.', '-' and '_'.", show_default=False)],
    kind: Annotated[str, typer.Option(help="hosted, local, or a kind that an installed package brings.")] = "hosted",
    url: Annotated[str | None, typer.Option(help="Base URL of an OpenAI-compatible server.", show_default=False)] = None,
    model: Annotated[str | None, typer.Option(help="The model's name there; provider:model without a URL.", show_default=False)] = None,
    key: Annotated[str | None, typer.Option(help="Its API key; - reads it from stdin.", show_default=False)] = None,
    window: Annotated[int | None, typer.Option(help="Its context window in tokens.", show_default="8192")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Its tokenizer: a folder with a tokenizer.json, or a hub name.", show_default="an estimate")
    ] = None,
    prompt_price: Annotated[float | None, typer.Option(help="Price of 1,000 tokens of prompts.", show_default=False)] = None,
    reply_price: Annotated[float | None, typer.Option(help="Price of 1,000 tokens of replies.", show_default=False)] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Anything else, as field=JSON.", metavar="FIELD=VALUE")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Set up a backend. It answers nobody until it gets a part: set-default, canary, shadow or ladder."""
    with output(as_json, debug) as out:
        key = sys.stdin.readline().strip() if key == "-" else key
        given = {
            "url": url, "model": model, "key": key, "window": window, "tokenizer": tokenizer, "prompt_per_1k": prompt_price,
            "reply_per_1k": reply_price,
        }  # fmt: skip
        config = {field: value for field, value in given.items() if value is not None} | _settings(setting or [])
        result = perform(context.obj, data_dir, "add_backend", out, name=name, kind=kind, config=config)
        out.show(result, lambda console, done: console.print(f"The backend {done['name']} is set up.", markup=False))


def _settings(pairs: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        field, equals, value = pair.partition("=")
        if not equals or not field:
            raise Failure(f"--set is {pair!r}; allowed: field=value, for instance four_bit=true.", 2)
        try:
            found[field] = json.loads(value)
        except ValueError:  # plain text
            found[field] = value
    return found


@backends.command()
def remove(*, context: typer.Context, name: _Name, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Take a backend out that has no part any more."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "remove_backend", out, name=name)
        out.show(result, lambda console, done: console.print(f"The backend {done['name']} is gone.", markup=False))


@backends.command("set-default")
def set_default(
    *, context: typer.Context, name: _Name, why: Why = _FROM_SHELL, expected: _Expected = None, author: Author,
    data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Let a backend answer first."""
    with output(as_json, debug) as out:
        args = {"change": {"default": name}, "author": author, "why": why, "expected": expected}
        out.show(perform(context.obj, data_dir, "change_policy", out, **args), _policy)


@backends.command()
def canary(
    *, context: typer.Context, name: _Nobody = None,
    share: Annotated[str, typer.Argument(help="Of the conversations: 0..1, or per cent as 10%.")] = "0.1",
    off: Annotated[bool, typer.Option("--off", help="No canary any more.")] = False,
    why: Why = _FROM_SHELL, expected: _Expected = None, author: Author,
    data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Let a backend answer a share of the conversations; each stays on its side."""
    with output(as_json, debug) as out:
        part = _share(share)
        change = {"canary": {"backend": name, "share": part} if _named(name, off=off) and part else None}  # a canary with no share is none
        args = {"change": change, "author": author, "why": why, "expected": expected}
        out.show(perform(context.obj, data_dir, "change_policy", out, **args), _policy)


@backends.command()
def shadow(
    *, context: typer.Context, name: _Nobody = None,
    off: Annotated[bool, typer.Option("--off", help="No shadow any more.")] = False,
    why: Why = _FROM_SHELL, expected: _Expected = None, author: Author,
    data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Let a backend answer every question too, on record and unseen by customers."""
    with output(as_json, debug) as out:
        args = {"change": {"shadow": _named(name, off=off)}, "author": author, "why": why, "expected": expected}
        out.show(perform(context.obj, data_dir, "change_policy", out, **args), _policy)


@backends.command()
def ladder(
    *, context: typer.Context, names: _Names = None,
    off: Annotated[bool, typer.Option("--off", help="Nobody but the extractive backend, which always comes last.")] = False,
    why: Why = _FROM_SHELL, expected: _Expected = None, author: Author,
    data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Say who is asked, in this order, when the first backend does not answer."""
    with output(as_json, debug) as out:
        if bool(names) == off:
            raise Failure("Give the backends in their order, or --off; not both.", 2)
        args = {"change": {"ladder": names or []}, "author": author, "why": why, "expected": expected}
        out.show(perform(context.obj, data_dir, "change_policy", out, **args), _policy)


@backends.command()
def policy(
    *, context: typer.Context,
    file: Annotated[str | None, typer.Argument(help="JSON with the fields to replace; - reads stdin.", show_default=False)] = None,
    why: Why = _FROM_SHELL, expected: _Expected = None, author: Author,
    data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Show the whole policy, or replace fields of it: routes, limits, caps and the rest."""
    with output(as_json, debug) as out:
        if file is None:
            out.show(perform(context.obj, data_dir, "show_policy", out), _policy)
            return
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        try:
            change = json.loads(text)
        except ValueError as error:
            raise Failure(
                f"{file} is not JSON: {error}. Give an object, such as `backends policy --json` prints under `policy`.", 2
            ) from None
        if not isinstance(change, dict):
            raise Failure(f"{file} holds {type(change).__name__}; allowed: a JSON object with fields of the policy.", 2)
        args = {"change": change, "author": author, "why": why, "expected": expected}
        out.show(perform(context.obj, data_dir, "change_policy", out, **args), _policy)


@backends.command()
def history(
    *, context: typer.Context, most: Annotated[int, typer.Option(min=1, help="How many versions.")] = 20,
    data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Show who changed the policy, when and why."""

    def people(console: "Console", result: dict[str, Any]) -> None:
        from rich.table import Table

        table = Table("version", "when", "who", "why")
        for one in result["versions"]:
            table.add_row(str(one["version"]), one["at"][:19], one["author"], one["why"])
        console.print(table if result["versions"] else "The policy was never changed: the settings hold.")

    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "policy_history", out, most=most), people)


@backends.command()
def rollback(
    *, context: typer.Context,
    to: Annotated[int | None, typer.Option(help="The version to bring back; else the one before.", show_default=False)] = None,
    why: Why = _FROM_SHELL, author: Author, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Bring an earlier policy back, as a new version."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "rollback_policy", out, author=author, why=why, to=to), _policy)


@backends.command("test")
def ask_each(
    *, context: typer.Context, names: _Names = None, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False
) -> None:
    """Ask each backend, or those named, one thing."""

    def people(console: "Console", result: dict[str, Any]) -> None:
        for one in result["tested"]:
            console.print(f"{one['name']}: {'answers' if one['ok'] else one['error']}", markup=False)

    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "ask_backends", out, names=names or [])
        out.show(result, people)
        if not all(one["ok"] for one in result["tested"]):
            raise typer.Exit(1)


@backends.command()
def compare(
    *, context: typer.Context,
    message: Annotated[str, typer.Argument(help="A message that was answered, by the id that `ask --json` gives.", show_default=False)],
    on: Annotated[str, typer.Option(help="The backends, with commas between them.", show_default=False)],
    data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False,
) -> None:  # fmt: skip
    """Ask several backends a saved turn again and show their answers side by side."""

    def people(console: "Console", result: dict[str, Any]) -> None:
        from rich.table import Table
        from rich.text import Text

        console.print(Text(result["question"], "bold"))
        table = Table("backend", "answer", "sources", "tokens", "seconds", "cost", show_lines=True)
        for one in result["sides"]:
            sources = "\n".join(dict.fromkeys(citation["source"] for citation in one["citations"]))
            tokens = f"{one['tokens']['prompt']} + {one['tokens']['completion']}"
            said = Text(one["answer"]) if not one["error"] else Text(f"{one['answer']} ({one['error']})".strip(), "red")
            table.add_row(one["backend"], said, Text(sources), tokens, f"{one['latency_ms']['total'] / 1000:.1f}", f"{one['cost']:g}")
        console.print(table)
        if result["missing_passages"]:
            out.note(f"{result['missing_passages']} passages of this turn are no longer in the index.")

    with output(as_json, debug) as out:
        names = [name.strip() for name in on.split(",") if name.strip()]
        if not names:
            raise Failure("--on names no backend; allowed: names with commas between them, for instance --on extractive,hosted.", 2)
        out.show(perform(context.obj, data_dir, "compare_backends", out, message=message, on=names), people)


def _named(name: str | None, *, off: bool) -> str | None:
    """The backend that gets a part; None where nobody is to have it."""
    if (name is None) != off:
        raise Failure("Name a backend, or give --off; not both. `answerdesk backends list` shows which there are.", 2)
    return name


def _share(text: str) -> float:
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise Failure(f"The share is {text!r}; allowed: 0 to 1, for instance 0.1, or per cent, for instance 10%.", 2) from None


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("name", "kind", "state", "part", "adapter", "tokens today")
    for one in result["backends"]:
        table.add_row(one["name"], one["kind"], one["state"], one["part"] or "", one["adapter"] or "", str(one["tokens_today"]))
    console.print(table)
    for one in result["backends"]:
        if one["watch"]:
            console.print(f"{one['adapter']} on {one['name']}: {one['watch']}", markup=False, soft_wrap=True)
    _policy(console, result)


def _policy(console: "Console", result: dict[str, Any]) -> None:
    console.print(f"Policy, version {result['version']}:", markup=False)
    console.print_json(json.dumps(result["policy"], ensure_ascii=False))
