"""`prompts list`, `show`, `set`, `diff`, `rollback`, `preview` and `try`: what models are told, in versions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.examples import Author
from ui.commands.shell import AsJson, DataDir, Debug, output, perform, text_or_stdin
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console

prompts = typer.Typer(help="What models are told: templates for each language and tone, in versions.", no_args_is_help=True)
_Language = Annotated[str, typer.Option(help="en or zh.")]
_Tone = Annotated[str, typer.Option(help="Whose templates: default, or a tone of your own.")]
_Version = Annotated[str, typer.Argument(help="A number within the language and tone, or an id as answers carry it.")]


@prompts.command("list")
def list_(
    *,
    context: typer.Context,
    language: Annotated[str | None, typer.Option(help="en or zh; without it both.", show_default=False)] = None,
    tone: Annotated[str | None, typer.Option(help="Only this tone.", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List all versions."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_prompts", out, language=language, tone=tone), _table)


@prompts.command()
def show(
    *,
    context: typer.Context,
    version: Annotated[str | None, typer.Argument(help="A number or an id; without it the one in use.", show_default=False)] = None,
    language: _Language = "en",
    tone: _Tone = "default",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show one version's templates."""

    def people(console: "Console", result: dict[str, Any]) -> None:
        console.print(f"{result['id']} · {result['author'] or '-'} · {result['comment']}", markup=False)
        for name in ("system", "user"):
            console.print(f"\n--- {name} ---\n{result[name]}", markup=False, soft_wrap=True)

    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "show_prompt", out, version=version, language=language, tone=tone), people)


@prompts.command("set")
def set_(
    *,
    context: typer.Context,
    system: Annotated[Path | None, typer.Option(help="A file with the system template; - is stdin.", show_default=False)] = None,
    user: Annotated[Path | None, typer.Option(help="A file with the user template.", show_default=False)] = None,
    language: _Language = "en",
    tone: _Tone = "default",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    expected: Annotated[int | None, typer.Option(help="Refuse unless this is the newest version's number.", show_default=False)] = None,
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Put new templates in use from the next turn on. Blanks are ${shop}, ${today}, ${passages}, ${question} and others; $$ is a dollar."""
    with output(as_json, debug) as out:
        given = {"language": language, "tone": tone, "comment": comment, "expected": expected, "author": author}
        result = perform(context.obj, data_dir, "set_prompt", out, system=_read(system), user=_read(user), **given)
        out.show(result, _difference)


@prompts.command()
def diff(
    *,
    context: typer.Context,
    old: _Version,
    new: Annotated[str | None, typer.Argument(help="Without it, the one in use.", show_default=False)] = None,
    language: _Language = "en",
    tone: _Tone = "default",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show what changed from one version to another."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "diff_prompts", out, old=old, new=new, language=language, tone=tone), _difference)


@prompts.command()
def rollback(
    *,
    context: typer.Context,
    version: _Version,
    language: _Language = "en",
    tone: _Tone = "default",
    comment: Annotated[str, typer.Option(help="Why.")] = "",
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Put an earlier version in use again; it becomes a new one, so nothing is lost."""
    with output(as_json, debug) as out:
        given = {"language": language, "tone": tone, "comment": comment, "author": author}
        result = perform(context.obj, data_dir, "rollback_prompt", out, version=version, **given)
        out.show(result, lambda console, done: console.print(f"In use now: {done['id']} ({done['comment']})", markup=False))


@prompts.command()
def preview(
    *,
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The customer's message; - reads it from stdin.", show_default=False)] = "",
    message: Annotated[str | None, typer.Option(help="Instead: a saved message, where it stands.", show_default=False)] = None,
    conversation: Annotated[str | None, typer.Option(help="As the next message of this conversation.", show_default=False)] = None,
    backend: Annotated[str | None, typer.Option(help="For this backend.", show_default=False)] = None,
    shots: Annotated[str | None, typer.Option(help="How many examples: 0 to 64, or auto.", show_default=False)] = None,
    cot: Annotated[str | None, typer.Option(help="How it reasons: off, zero, few or auto.", show_default=False)] = None,
    prompt: Annotated[str | None, typer.Option(help="With this prompt version.", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show the very messages that a turn would send, with the tokens of each part. Nothing is asked and nothing is saved."""
    with output(as_json, debug) as out:
        args = {"text": "" if message else text_or_stdin(text), "message": message, "conversation": conversation, "backend": backend}
        out.show(perform(context.obj, data_dir, "preview_prompt", out, **args, shots=shots, cot=cot, prompt=prompt), _preview)


@prompts.command("try")
def try_(
    *,
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The question; - reads it from stdin.")],
    system: Annotated[Path | None, typer.Option(help="A file with the draft's system template.", show_default=False)] = None,
    user: Annotated[Path | None, typer.Option(help="A file with the draft's user template.", show_default=False)] = None,
    language: _Language = "en",
    tone: _Tone = "default",
    backend: Annotated[str | None, typer.Option(help="Who is asked; without it, who would answer.", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Ask one question with the wording in use and with a draft, side by side. A template not given is as in use; nothing is saved."""

    def people(console: "Console", result: dict[str, Any]) -> None:
        for answer in result["answers"]:
            console.print(f"{answer['asked']}: {answer['answer']}", markup=False)
        _difference(console, result)

    with output(as_json, debug) as out:
        used = perform(context.obj, data_dir, "show_prompt", out, language=language, tone=tone)
        draft = {"system": _read(system) or used["system"], "user": _read(user) or used["user"], "language": language, "tone": tone}
        out.show(perform(context.obj, data_dir, "try_prompt", out, text=text_or_stdin(text), backend=backend, **draft), people)


def _read(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return text_or_stdin("-") if str(path) == "-" else path.read_text(encoding="utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise Failure(f"{path} is not UTF-8: {error.reason} at byte {error.start}. Save it as UTF-8.", 2) from None
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.", 2) from None


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("id", "in use", "author", "comment", "at")
    for row in result["prompts"]:
        table.add_row(row["id"], "yes" if row["in_use"] else "", escape(row["author"]), escape(row["comment"]), (row["at"] or "")[:16])
    console.print(table)


def _difference(console: "Console", result: dict[str, Any]) -> None:
    if "id" in result:
        console.print(f"In use now: {result['id']}", markup=False)
    console.print(result["difference"] or "Nothing differs.", markup=False, soft_wrap=True)


def _preview(console: "Console", result: dict[str, Any]) -> None:
    for message in result["messages"]:
        console.print(f"--- {message['role']} ({message['tokens']} tokens) ---\n{message['text']}\n", markup=False, soft_wrap=True)
    parts = ", ".join(f"{part} {tokens}" for part, tokens in result["tokens"].items())
    told = f"{result['prompt_version']} for {result['backend']}, reasoning {result['cot']}, examples {len(result['examples'])}"
    console.print(f"{told}; tokens of {result['window']}: {parts}", markup=False)
