"""`doctor`: what is wrong, and what to do."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output
from ui.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = {"ok": "green", "warning": "yellow", "broken": "red"}


def doctor(
    *,
    context: typer.Context,
    fast: Annotated[bool, typer.Option("--fast", help="Do not load the embedding model and the index.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Check what is installed, reachable, writable and consistent."""
    with output(as_json, debug) as out:
        from ui.doctor import findings

        settings = load_settings(data_dir=data_dir)
        found = [asdict(finding) for finding in findings(settings, context.obj, fast=fast)]
        broken = any(finding["state"] == "broken" for finding in found)
        out.show({"ok": not broken, "findings": found}, _table)
        if broken:
            raise typer.Exit(1)


def _table(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "what", "found", "what to do")
    for finding in result["findings"]:
        state = f"[{_COLOURS[finding['state']]}]{finding['state']}[/]"
        table.add_row(state, finding["name"], escape(finding["detail"]), escape(finding["remedy"]))
    console.print(table)
    console.print("All is well." if result["ok"] else "Something is broken; see what to do.")
