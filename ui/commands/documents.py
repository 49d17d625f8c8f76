"""`ingest` and `sample`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform
from ui.errors import Failure

if TYPE_CHECKING:
    from rich.console import Console


documents = typer.Typer(help="The documents that are in.", no_args_is_help=True)


@documents.command("list")
def list_(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the documents."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_documents", out), _listed)


@documents.command()
def remove(
    *,
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="The document's source, as `documents list` shows it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Forget a document; the bot no longer answers from it."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "remove_document", out, source=source)
        out.show(result, lambda console, done: console.print(f"Removed {done['source']}.", markup=False))


@documents.command()
def reindex(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Make the index anew from the documents that are in; the bot goes on answering."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "reindex_documents", out)
        out.show(result, lambda console, done: console.print(f"{done['chunks']} passages are indexed anew."))


def _listed(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("source", "title", "language", "passages", "changed")
    for found in result["documents"]:
        table.add_row(escape(found["source"]), escape(found["title"]), found["language"], str(found["chunks"]), found["at"][:16])
    console.print(table if result["documents"] else "There are no documents. `answerdesk ingest PATH` takes some in.")


def ingest(
    *,
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files and folders: md txt pdf docx xlsx csv html json(l).")],
    collection: Annotated[str, typer.Option(help="Where to put them.")] = "default",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Take documents in, or bring them up to date."""
    with output(as_json, debug) as out:
        if not all(map(str.strip, paths)):  # pathlib would read an empty one as the folder one is in
            raise Failure("A path is empty. Give files or folders that exist; . is the folder you are in.", 2)
        if missing := [path for path in paths if not Path(path).exists()]:
            raise Failure(f"There is no {', '.join(missing)}. Give files or folders that exist.", 2)
        absolute = [str(Path(path).absolute()) for path in paths]
        result = perform(context.obj, data_dir, "ingest", out, paths=absolute, collection=collection)
        out.show(result, _report)
        if result["failed"] and not result["added"] + result["unchanged"]:
            raise typer.Exit(1)


def sample(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Load the sample shop, once."""
    with output(as_json, debug) as out:
        from ui.operations import NOTHING_LOADED

        loaded = perform(context.obj, data_dir, "sampled", out)["loaded"]  # asked first, as it takes no model to say so
        out.show(NOTHING_LOADED if loaded else perform(context.obj, data_dir, "sample", out), _sample_report)


def _report(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("added", "unchanged", "removed", "documents now", "chunks now", "seconds")
    names = ("added", "unchanged", "removed", "documents", "chunks")
    table.add_row(*(str(result[name]) for name in names), f"{result['seconds']:.1f}")
    console.print(table)
    if result["failed"]:
        failed = Table("file", "why it was not taken in", title=f"{len(result['failed'])} failed", title_justify="left")
        for failure in result["failed"]:
            failed.add_row(failure["path"], failure["error"])
        console.print(failed, markup=False)


def _sample_report(console: "Console", result: dict[str, Any]) -> None:
    if result["loaded"]:
        _report(console, result)
    else:
        console.print("The sample shop was loaded before; nothing to do.")
