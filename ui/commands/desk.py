"""`desk list`, `show`, `take`, `say`, `note`, `return`, `close`, `try` and others: what the desk's page does, from the shell."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.canned import canned, suggest
from ui.commands.reports import alerts, report
from ui.commands.shell import AsJson, DataDir, Debug, output, perform, text_or_stdin

if TYPE_CHECKING:
    from rich.console import Console

desk = typer.Typer(help="Conversations as the support desk sees them.", no_args_is_help=True)
desk.command()(report)
desk.command()(alerts)
desk.command()(suggest)
desk.add_typer(canned, name="canned")
_Chat = Annotated[str, typer.Argument(help="The conversation's id.")]
_By = Annotated[str, typer.Option("--by", help="The user who does it.")]
_Text = Annotated[str, typer.Argument(help="The text; - reads it from stdin.")]


@desk.command("list")
def list_(
    *,
    context: typer.Context,
    box: Annotated[str, typer.Option(help="waiting, flagged, mine or all.")] = "waiting",
    by: Annotated[str, typer.Option("--by", help="Whose box `mine` is.")] = "shell",
    search: Annotated[str, typer.Option(help="Words that somebody said, or of an id.", show_default=False)] = "",
    language: Annotated[str, typer.Option(help="Only in en, zh or other.", show_default=False)] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List conversations."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_chats", out, box=box, by=by, search=search, language=language), _table)


@desk.command()
def show(*, context: typer.Context, conversation: _Chat, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Show a conversation with its notes."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "show_chat", out, conversation=conversation), _lines)


@desk.command()
def take(
    *, context: typer.Context, conversation: _Chat, by: _By, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False
) -> None:
    """Take a conversation over; the bot falls silent."""
    _do("take_chat", context, data_dir, as_json, debug, conversation=conversation, by=by)


@desk.command()
def say(
    *,
    context: typer.Context,
    conversation: _Chat,
    text: _Text,
    by: _By,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say something to the customer of a conversation that you have taken over."""
    _do("say_in_chat", context, data_dir, as_json, debug, conversation=conversation, by=by, text=text_or_stdin(text))


@desk.command()
def note(
    *,
    context: typer.Context,
    conversation: _Chat,
    text: _Text,
    by: _By,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Leave a note that the customer never sees."""
    _do("note_chat", context, data_dir, as_json, debug, conversation=conversation, by=by, text=text_or_stdin(text))


@desk.command("return")
def return_(
    *,
    context: typer.Context,
    conversation: _Chat,
    by: _By,
    why: Annotated[str, typer.Option(help="A note for the desk.", show_default=False)] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Hand a conversation back to the bot."""
    _do("hand_back_chat", context, data_dir, as_json, debug, conversation=conversation, by=by, why=why)


@desk.command()
def close(
    *, context: typer.Context, conversation: _Chat, by: _By, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False
) -> None:
    """Close a conversation."""
    _do("close_chat", context, data_dir, as_json, debug, conversation=conversation, by=by)


@desk.command("try")
def try_(
    *,
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The question; - reads it from stdin.")],
    backend: Annotated[list[str], typer.Option(help="Who is asked; give it once for each.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Ask several backends the same; nothing of it is saved."""

    def people(console: "Console", result: dict[str, Any]) -> None:
        for answer in result["answers"]:
            console.print(f"{answer['asked']}: {answer['answer']}", markup=False)

    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "try_backends", out, text=text_or_stdin(text), names=backend), people)


def _do(operation: str, context: typer.Context, data_dir: Any, as_json: bool, debug: bool, **args: str) -> None:
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, operation, out, **args)
        out.show(result, lambda console, done: console.print(f"Done: conversation {done['conversation']}.", markup=False))


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("conversation", "state", "with", "flags", "last")
    for chat in result["chats"]:
        last = " ".join(chat["last"].split())[:60]
        table.add_row(chat["id"], chat["state"], chat["holder"], ", ".join(chat["flags"]), escape(last))
    console.print(table if result["chats"] else "There are no conversations in this box.")


def _lines(console: "Console", result: dict[str, Any]) -> None:
    for line in result["said"]:
        console.print(f"{line['at'][:16]} {line['author'] or line['role']}: {line['text']}", markup=False)
    for kept in result["notes"]:
        console.print(f"{kept['at'][:16]} ({kept['kind']} by {kept['author']}) {kept['text']}", markup=False, style="dim")
