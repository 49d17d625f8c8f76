"""`desk report` and `desk alerts`: how the bot does, and what needs somebody now."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui.commands.shell import AsJson, DataDir, Debug, output, perform
from ui.sheet import report_csv

if TYPE_CHECKING:
    from rich.console import Console


def report(
    *,
    context: typer.Context,
    days: Annotated[int, typer.Option(help="How many days, with today: 1 to 366.")] = 7,
    zone: Annotated[str, typer.Option(help="Whose days: a zone such as Asia/Shanghai.")] = "UTC",
    csv: Annotated[Path | None, typer.Option(help="Write the figures there too, as a sheet.", show_default=False)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Say how the bot did: volume, shares with their intervals, latency, tokens and cost, by backend and adapter."""
    with output(as_json, debug) as out:
        result = perform(context.obj, data_dir, "report", out, days=days, zone=zone)
        if csv:
            csv.write_text(report_csv(result), encoding="utf-8", newline="")
        out.show(result, _report)


def alerts(*, context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False, debug: Debug = False) -> None:
    """Say what at the desk needs somebody now."""
    with output(as_json, debug) as out:
        out.show(perform(context.obj, data_dir, "desk_alerts", out), _alerts)


def _report(console: "Console", result: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    shares = Table("backend", "replies", "without a person", "not answered", "thumbs up")
    spent = Table("backend", "first word, 95 %", "whole reply, 95 %", "tokens in, out", "cost")
    for group in (result["overall"], *result["groups"]):
        name = escape(" ".join(filter(None, (group["backend"], group["adapter"]))) or "all")
        shares.add_row(name, str(group["replies"]), *(_share(group[key]) for key in ("alone", "abstained", "liked")))
        tokens = f"{group['tokens']['prompt']}, {group['tokens']['completion']}"
        spent.add_row(name, _spread(group["first_ms"]), _spread(group["total_ms"]), tokens, f"{group['cost']:.4f}")
    console.print(f"{result['since'][:16]} to {result['until'][:16]} ({result['zone']}), shares with 95 % intervals", markup=False)
    console.print(shares)
    console.print(spent)
    for slot in result["slots"]:
        told = f"{slot['conversations']} conversations, {slot['person']} with a person, {slot['abstained']} not answered"
        console.print(f"{slot['start'][: 16 if result['step'] == 'hour' else 10]}: {told}", markup=False)
    reasons = ", ".join(f"{reason['reason']} {reason['n']}" for reason in result["reasons"])
    console.print(f"To a person: {reasons or 'none'}", markup=False)


def _share(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return "-"
    return f"{share['value']:.0%} ({share['low']:.0%}-{share['high']:.0%})"


def _spread(spread: dict[str, Any]) -> str:
    return "-" if spread["median"] is None else f"{spread['median'] / 1000:.2f} s, {spread['p95'] / 1000:.2f} s"


def _alerts(console: "Console", result: dict[str, Any]) -> None:
    told = {
        "waiting": "{n} waiting longer than allowed",
        "resting": "cannot be asked: {names}",
        "abstained": "{share:.0%} not answered in a day, {before:.0%} in the week before",
        "thumbs_down": "{share:.0%} thumbs down in a day, {before:.0%} in the week before",
    }
    for alert in result["alerts"]:
        given = {"n": alert["n"], "names": ", ".join(alert["names"]), "share": alert["share"] or 0, "before": alert["before"] or 0}
        console.print(told[alert["kind"]].format(**given), markup=False)
    if not result["alerts"]:
        console.print("Nothing needs anybody.")
