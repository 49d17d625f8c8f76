"""`transcripts import`: conversations between people, from which the bot learns."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.examples import Author
from ui.commands.shell import AsJson, DataDir, Debug, output, perform
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console

transcripts = typer.Typer(help="Conversations between customers and agents.", no_args_is_help=True)
Transcripts = Annotated[
    Path, typer.Argument(help="jsonl, json, csv, txt (also .gz), or an export of Zendesk, Intercom or Chatwoot.", metavar="FILE")
]
Columns = Annotated[str, typer.Option(help="For a table: our fields to its columns, such as text=Body,role=Sender.")]


@transcripts.callback()
def _group() -> None:
    """A group, though it has one command as yet."""


@transcripts.command("import")
def import_(
    *,
    context: typer.Context,
    file: Transcripts,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken in.")] = False,
    columns: Columns = "",
    mask_orders: Annotated[bool, typer.Option("--mask-orders", help="Order numbers are replaced too.")] = False,
    approve: Annotated[bool, typer.Option("--approve", help="Use the new examples without a lead's approval.")] = False,
    author: Author,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Redact conversations, leave out what teaches nothing, and propose the rest to the pool."""
    with output(as_json, debug) as out:
        path = existing(file)
        args = {
            "path": path,
            "columns": mapping(columns),
            "author": author,
            "dry_run": dry_run,
            "mask_orders": mask_orders,
            "approve": approve,
        }
        out.show(perform(context.obj, data_dir, "import_transcripts", out, **args), table)


def existing(file: Path) -> str:
    """The file's absolute path. Raises `Failure`."""
    if not file.is_file():
        raise Failure(f"There is no file {file}. Give one with transcripts.", 2)
    return str(file.absolute())


def mapping(columns: str) -> dict[str, str]:
    """`a=b,c=d` as a mapping. Raises `Failure`."""
    pairs = [pair.partition("=") for pair in columns.split(",") if pair.strip()]
    if wrong := [before for before, equals, after in pairs if not (before.strip() and equals and after.strip())]:
        raise Failure(f"--columns has {wrong[0]!r} without a column; write field=column, such as text=Body,role=Sender.", 2)
    return {before.strip(): after.strip() for before, _, after in pairs}


def table(console: "Console", result: dict[str, Any]) -> None:
    """The report of an import."""
    from rich.table import Table

    shown = Table("", "count")
    for name in ("conversations", "turns", "examples", "duplicates"):
        shown.add_row(name, str(result[name]))
    for group, title in (("dropped", "left out"), ("pii", "replaced")):
        for name, count in result[group].items():
            shown.add_row(f"{title}: {name.replace('_', ' ').lower()}", str(count))
    console.print(shown)
    if result["columns"]:
        console.print(f"Columns: {', '.join(f'{field}={column}' for field, column in result['columns'].items())}", markup=False)
    for problem in result["rows"][:20]:
        console.print(f"Row {problem['row']}: {problem['error']}", markup=False)
    if len(result["rows"]) > 20:
        console.print(f"... and {len(result['rows']) - 20} rows more; --json lists them all.")
