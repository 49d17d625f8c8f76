"""`users add`, `list`, `disable`, `enable` and `reset`: who may sign in; `audit`: who changed what."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform

if TYPE_CHECKING:
    from rich.console import Console

users = typer.Typer(help="Who may sign in to the desk and the administration.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(help="The user's name: a-z, 0-9, . _ @ and -.")]


@users.command()
def add(
    *,
    context: typer.Context,
    name: _Name,
    role: Annotated[str, typer.Option(help="lead or admin.")] = "lead",
    shown: Annotated[str, typer.Option(help="How customers read the name; else the user's name.", show_default=False)] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a user. The one-time password is shown this once; it is changed at the first sign-in."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "add_user", out, name=name, role=role, shown=shown), _password)


@users.command("list")
def list_(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """List the users."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_users", out), _table)


@users.command()
def disable(*, context: typer.Context, name: _Name, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Shut a user out, at once."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "disable_user", out, name=name)
        out.show(result, lambda console, done: console.print(f"{done['name']} can no longer sign in.", markup=False))


@users.command()
def enable(*, context: typer.Context, name: _Name, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Let a user in again."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "disable_user", out, name=name, disabled=False)
        out.show(result, lambda console, done: console.print(f"{done['name']} can sign in again.", markup=False))


@users.command()
def reset(*, context: typer.Context, name: _Name, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Give a user a new one-time password."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "reset_user", out, name=name), _password)


def audit(
    *,
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of the newest.")] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show who changed what, the newest first."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "list_audit", out, limit=limit), _entries)


def _password(console: "Console", result: dict[str, Any]) -> None:
    console.print(f"{result['name']}: {result['password']}", markup=False, soft_wrap=True)
    console.print("A one-time password: it is not shown again, and is changed at the first sign-in.", style="dim")


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("name", "role", "shown as", "state", "last seen")
    for user in result["users"]:
        table.add_row(user["name"], user["role"], user["shown"], user["state"], (user["last_seen"] or "never")[:16])
    console.print(table if result["users"] else "There are no users yet; the first start of `answerdesk serve` makes the admin.")


def _entries(console: "Console", result: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("when", "who", "what", "about", "detail")
    for entry in result["entries"]:
        table.add_row(entry["at"][:19], entry["who"], entry["what"], entry["about"], entry["detail"])
    console.print(table if result["entries"] else "Nothing has been changed yet.")
