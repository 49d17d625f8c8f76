"""`keys add`, `keys list` and `keys revoke`: who may use `/v1`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform

if TYPE_CHECKING:
    from rich.console import Console

keys = typer.Typer(help="API keys for /v1.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(help="What the key is called: letters, digits, - and _.")]


@keys.command()
def add(*, context: typer.Context, name: _Name, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Make a key. It is shown this once and kept nowhere."""

    def people(console: "Console", result: dict[str, Any]) -> None:
        console.print(result["key"], markup=False, soft_wrap=True)
        out.note(f"This is the key {result['name']!r}. Keep it safe: it is not shown again.")

    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "add_key", out, name=name), people)


@keys.command("list")
def list_(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the keys, without their secrets."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_keys", out), _table)


@keys.command()
def revoke(*, context: typer.Context, name: _Name, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """End a key: from now on it opens nothing."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "revoke_key", out, name=name)
        out.show(result, lambda console, done: console.print(f"The key {done['name']!r} opens nothing any more.", markup=False))


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("name", "created", "last used", "state")
    for key in result["keys"]:
        used = key["last_used"][:16] if key["last_used"] else "never"
        table.add_row(key["name"], key["created"][:16], used, "revoked" if key["revoked"] else "valid")
    console.print(table if result["keys"] else "There are no keys. `answerdesk keys add NAME` makes one.")
