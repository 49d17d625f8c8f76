"""What `answerdesk desk report` and `desk alerts` do, and the desk's page shows: how the bot does, and what needs somebody now."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot import outcomes, reports
from bot.alerts import BEFORE, RECENT, AlertLimits, Seen, alerts
from bot.outcomes import Tally
from bot.reports import Group, Report, Share
from ui.errors import Failure
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk

_DIGITS = 6  # of shares and costs


def report(app: "App | Desk", emit: Emit, *, days: int = 7, zone: str = "UTC") -> dict[str, Any]:  # noqa: ARG001
    """The figures of the last `days` days with today, as the clock of `zone` has them."""
    try:
        over = reports.period(days, datetime.now(UTC), ZoneInfo(zone))
    except (KeyError, ValueError, OSError) as error:
        told = (
            str(error) if isinstance(error, ValueError) and "days" in str(error) else f"zone is {zone[:80]!r}; allowed: Asia/Shanghai ..."
        )
        raise Failure(f"{told}.", 2) from None
    rows = outcomes.outcomes(app.engine, over.since, over.until)
    taken = outcomes.takeovers(app.engine, over.since, over.until)
    return {"days": days, "zone": zone, **_report(reports.figures(rows, taken, over, app.backends.cost))}


def desk_alerts(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """What needs somebody now; empty when nothing does."""
    return alerts_with(app, *tallies(app))


def tallies(app: "App | Desk") -> tuple[Tally, Tally]:
    """Of the last day, and of the week before it."""
    now = datetime.now(UTC)
    return outcomes.tally(app.engine, now - RECENT, now), outcomes.tally(app.engine, now - RECENT - BEFORE, now - RECENT)


def alerts_with(app: "App | Desk", recent: Tally, before: Tally) -> dict[str, Any]:
    """What needs somebody now, where the tallies are known: all but they is looked up at once."""
    settings = app.settings
    limits = AlertLimits(settings.alert_waiting_minutes, settings.alert_jump, settings.alert_least)
    found = alerts(Seen(datetime.now(UTC), outcomes.waiting_since(app.engine), resting(app), recent, before), limits)
    return {"alerts": [{**asdict(alert), "names": list(alert.names)} for alert in found], "limits": asdict(limits)}


def resting(app: "App | Desk") -> list[str]:
    """The backends with a part in the policy that rest, or that cannot be opened."""
    health = app.dispatch.health()
    return [
        name
        for name in app.policies.newest().names()
        if app.backends.wrong(name) or name not in health or health[name].resting
    ]  # fmt: skip


def _report(found: Report) -> dict[str, Any]:
    return {
        "since": found.period.since.isoformat(),
        "until": found.period.until.isoformat(),
        "step": found.period.step,
        "overall": _group(found.overall),
        "groups": [_group(group) for group in found.groups],
        "slots": [{**asdict(slot), "start": slot.start.isoformat()} for slot in found.slots],
        "reasons": [{"reason": reason, "n": n} for reason, n in found.reasons],
    }


def _group(group: Group) -> dict[str, Any]:
    shares = {name: _share(getattr(group, name)) for name in ("alone", "abstained", "liked")}
    tokens = {"prompt": group.tokens.prompt, "completion": group.tokens.completion}
    return {**asdict(group), **shares, "tokens": tokens, "cost": round(group.cost, _DIGITS)}


def _share(share: Share) -> dict[str, Any]:
    return {name: round(value, _DIGITS) if isinstance(value, float) else value for name, value in asdict(share).items()}


DESK_OPERATIONS = {operation.__name__: operation for operation in (report, desk_alerts)}
