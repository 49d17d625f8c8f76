"""The `answerdesk` command. Importing it loads nothing heavy: a command that a running server does for it has to answer at once."""

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from ui.commands.backends import backends
from ui.commands.backup import backup, restore
from ui.commands.chat import ask, search
from ui.commands.customers import customers
from ui.commands.desk import desk
from ui.commands.doctor import doctor
from ui.commands.documents import documents, ingest, sample
from ui.commands.evals import evals
from ui.commands.examples import examples
from ui.commands.finetune import finetune
from ui.commands.keys import keys
from ui.commands.privacy import redact
from ui.commands.prompts import prompts
from ui.commands.root import Root
from ui.commands.serve import serve
from ui.commands.settings import settings
from ui.commands.shell import DataDir, Tools
from ui.commands.transcripts import transcripts
from ui.commands.tuning import adapters, advise, evaluate, loop, promote, rollback, watch
from ui.commands.tuning import show as show_adapter
from ui.commands.users import audit, users

cli = typer.Typer(name="answerdesk", cls=Root, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for _command in (serve, ask, search, ingest, sample, redact, doctor, settings, audit, backup, restore):
    cli.command()(_command)
cli.add_typer(customers, name="customers")
finetune.command("list")(adapters)
finetune.command("show")(show_adapter)
for _step in (loop, evaluate, promote, rollback, watch, advise):
    finetune.command()(_step)
cli.add_typer(keys, name="keys")
cli.add_typer(backends, name="backends")
cli.add_typer(examples, name="examples")
cli.add_typer(transcripts, name="transcripts")
cli.add_typer(prompts, name="prompts")
cli.add_typer(users, name="users")
cli.add_typer(desk, name="desk")
cli.add_typer(finetune, name="finetune")
cli.add_typer(documents, name="documents")
cli.add_typer(evals, name="eval")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print("answerdesk", version("answerdesk"))
        except PackageNotFoundError:
            print("answerdesk, run from its source without being installed")
        raise typer.Exit


@cli.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")] = False,  # noqa: ARG001
    data_dir: DataDir = None,
) -> None:
    """Customer-service chat that answers from your own documents, with sources, in English and Chinese."""
    if data_dir:
        os.environ["ANSWERDESK_DATA_DIR"] = str(data_dir)  # for whichever command follows; its own --data-dir wins


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # whatever the locale says
    cli(obj=Tools())


if __name__ == "__main__":
    main()
