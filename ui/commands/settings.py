"""`settings`: every setting in force, and where it comes from."""

from typing import TYPE_CHECKING, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform

if TYPE_CHECKING:
    from rich.console import Console

_FROM = {"command": "command line", "environment": "environment", "file": "answerdesk.toml", "default": "default"}


def settings(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Show the settings in force; of a running server those that it was started with. Secrets are masked."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "show_settings", out), _table)


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("setting", "value", "from")
    for each in result["settings"]:
        table.add_row(each["name"], escape(str(each["value"])), _FROM[each["from"]])
    console.print(table)
