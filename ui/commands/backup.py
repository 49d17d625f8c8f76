"""`backup` and `restore`: all of a data folder in one file, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, Output, output, perform
from ui.errors import Failure
from ui.owner import claim
from ui.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

_NAMED = "answerdesk.db"


def backup(
    *,
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="The file to write, for example answerdesk.zip.", metavar="FILE", show_default="in the backup folder"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Only list the backups in the backup folder.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write conversations, documents, settings made in the pages, runs and adapters to one file; the server may be running."""
    with output(as_json, debug) as out:
        from ui.backup import check_kind

        settings = load_settings(data_dir=data_dir)
        check_kind(settings.database_url)
        if not settings.database_url and not (settings.data_dir / _NAMED).is_file():
            raise Failure(f"There is nothing to back up in {settings.data_dir.absolute()}; name the data folder with --data-dir.", 2)
        if listed:
            out.show(perform(context.obj, data_dir, "list_backups", out), _listed)
        elif file is None:
            out.show(perform(context.obj, data_dir, "make_backup", out), _made)
        else:
            out.show(perform(context.obj, data_dir, "back_up", out, path=str(file.absolute()), force=force), _made)


def restore(
    *,
    file: Annotated[Path, typer.Argument(help="A file that `answerdesk backup` has written.", metavar="FILE")],
    force: Annotated[bool, typer.Option("--force", help="Move what is in the data folder aside first; nothing is deleted.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Bring a backup back into the data folder, while no server runs. The index is made anew at the next start."""
    with output(as_json, debug) as out:
        out.show(_restored(load_settings(data_dir=data_dir), file, out, force=force), _back)


def _restored(settings: Settings, file: Path, out: Output, *, force: bool) -> dict[str, Any]:
    from ui.backup import check_kind
    from ui.operations_training import jobs_of
    from ui.restore import read, result
    from ui.restore import restore as bring_back

    check_kind(settings.database_url)
    if settings.database_url:
        raise Failure(
            "A backup is restored into the data folder alone: unset ANSWERDESK_DATABASE_URL (database_url in answerdesk.toml).", 2
        )
    read(file)  # what is wrong with the file is said before a folder is made

    def progress(done: int, total: int, name: str) -> None:
        out.emit({"progress": {"done": done, "total": total, "name": name}})

    with claim(settings.data_dir, "restore"):
        if working := jobs_of(settings.data_dir).working():
            raise Failure(f"The run {working[0]} is training in this folder. Stop it first: answerdesk finetune jobs stop {working[0]}.")
        backup, aside = bring_back(file, settings.data_dir, force=force, progress=progress)
        return result(backup, settings.data_dir, aside)


def _made(console: "Console", result: dict[str, Any]) -> None:
    console.print(f"{result['file']}: {result['files']} files, {result['bytes'] / 2**20:.1f} MB.", markup=False, soft_wrap=True)
    for left in result["left_out"]:
        console.print(f"Left out: {left['file']}, since {left['why']}.", markup=False, soft_wrap=True)
    console.print("It holds customers' words and the hashes of passwords: keep it where only you can read it.")


def _listed(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("made", "file", "MB")
    for one in result["backups"]:
        table.add_row(one["at"][:16].replace("T", " "), one["name"], f"{one['bytes'] / 2**20:.1f}")
    console.print(table if result["backups"] else f"There are no backups in {result['folder']}. `answerdesk backup` makes one.")


def _back(console: "Console", result: dict[str, Any]) -> None:
    made = f"the backup of {result['made'][:16].replace('T', ' ')} UTC (version {result['version']})"
    console.print(f"{result['data_dir']} is as in {made}: {result['files']} files.", markup=False, soft_wrap=True)
    if result["moved_aside"]:
        console.print(f"What was there is in {result['moved_aside']}; delete it when you no longer need it.", markup=False, soft_wrap=True)
    console.print("The index is made anew at the next start, which may take some minutes. Everybody has to sign in again.")
