"""`desk canned list`, `add`, `edit` and `remove`, and `desk suggest`: what people say again, and the bot's draft of a reply."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform, text_or_stdin

if TYPE_CHECKING:
    from rich.console import Console

canned = typer.Typer(help="Canned replies: what is said often, called by a shortcut.", no_args_is_help=True)
_Shortcut = Annotated[str, typer.Argument(help="What is typed after the slash: 1 to 32 letters, digits, - and _.")]
_Text = Annotated[str, typer.Argument(help="What it says; - reads it from stdin.")]
_Language = Annotated[str, typer.Option(help="en or zh.")]
_By = Annotated[str, typer.Option("--by", help="The user who does it.")]


@canned.command("list")
def list_(
    *,
    context: typer.Context,
    language: Annotated[str | None, typer.Option(help="en or zh; without it both.", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List them."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_canned", out, language=language), _table)


def _keeper(operation: str) -> Callable[..., None]:
    """The command of an operation that keeps a reply."""

    def command(
        *,
        context: typer.Context,
        shortcut: _Shortcut,
        text: _Text,
        language: _Language = "en",
        by: _By = "shell",
        data_dir: DataDir = None,
        as_json: AsJson = False,
        debug: Debug = False,
    ) -> None:
        with output(as_json, debug) as out:
            given = {"shortcut": shortcut, "text": text_or_stdin(text), "language": language, "by": by}
            result = perform(context.obj, data_dir, operation, out, **given)
            out.show(result, lambda console, kept: console.print(f"Kept: /{kept['shortcut']} ({kept['language']}).", markup=False))

    return command


canned.command("add", help="Keep a new one.")(_keeper("add_canned"))
canned.command("edit", help="Change what one says.")(_keeper("edit_canned"))


@canned.command()
def remove(
    *,
    context: typer.Context,
    shortcut: _Shortcut,
    language: _Language = "en",
    by: _By = "shell",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Forget one."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "remove_canned", out, shortcut=shortcut, language=language, by=by)
        out.show(result, lambda console, done: console.print(f"Removed: {shortcut} ({done['id']}).", markup=False))


def suggest(
    *,
    context: typer.Context,
    conversation: Annotated[str, typer.Argument(help="The conversation's id.")],
    backend: Annotated[str | None, typer.Option(help="Who drafts; without it, who would answer.", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draft a reply to the customer's last message. It is neither saved nor sent."""

    def people(console: "Console", result: dict[str, Any]) -> None:
        console.print(f"Draft by {result['backend'] or 'the assistant'}, to {result['question']!r}:\n{result['answer']}", markup=False)

    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "suggest_reply", out, conversation=conversation, backend=backend), people)


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("language", "shortcut", "text", "by")
    for reply in result["replies"]:
        table.add_row(reply["language"], f"/{reply['shortcut']}", escape(" ".join(reply["text"].split())[:80]), escape(reply["author"]))
    console.print(table if result["replies"] else "There are no canned replies yet.")
