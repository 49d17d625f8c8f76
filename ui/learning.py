"""What the bot goes on learning from: answers that customers did not like, and when it is time to train again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.examples import Pool
from bot.flagged import propose_flagged
from finetune.continual import Retraining, retraining
from finetune.registry import Registry
from ui.loopback import Emit
from ui.watching import AUTHOR

if TYPE_CHECKING:
    from ui.build import App, Desk

_TOLD_DAYS = 7  # for which an adapter that was taken back is an alert


def collect_flagged(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """Take the answers that customers did not like into the pool, for a lead to correct; the server does so by itself."""
    proposed = propose_flagged(app.engine)
    return {"proposed": proposed, "pending": Pool(app.engine).flagged()}


def tuning_alerts(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """What needs somebody: each alert with its `kind`, its numbers, and a text in English. A page may ask often."""
    due = retraining_of(app)
    alerts: list[dict[str, Any]] = []
    for entry in _taken_back(app):
        said = f"{entry['taken']} was taken back from {entry['backend']}: {entry['why']}"
        alerts.append({"kind": "taken_back", "adapter": entry["taken"], "backend": entry["backend"], "at": entry["at"], "text": said})
    if due.due:
        numbers = {"new": due.new, "after": due.after, "last": due.last, "erased": list(due.erased)}
        alerts.append({"kind": "retrain", **numbers, "text": "; ".join(due.reasons)})
    if pending := Pool(app.engine).flagged():
        said = f"{pending} answers that customers did not like wait for a better one"
        alerts.append({"kind": "flagged", "pending": pending, "text": said})
    return {"alerts": alerts}


def retraining_of(app: "App | Desk") -> Retraining:
    """Whether it is time to train again."""
    active = [adapter.name for adapter in app.policies.load().adapters.values()]
    return retraining(Pool(app.engine), Registry(app.engine, app.policies), active, app.settings.retrain_after)


def _taken_back(app: "App | Desk") -> list[dict[str, Any]]:
    """The last change of each backend's adapter, where it was taken back by itself in the last days."""
    since = datetime.now(UTC) - timedelta(days=_TOLD_DAYS)
    found, seen = [], set()
    history = Registry(app.engine, app.policies).history()
    for place, change in enumerate(history):
        if change["backend"] in seen:
            continue
        seen.add(change["backend"])
        before = next((each["adapter"] for each in history[place + 1 :] if each["backend"] == change["backend"]), None)
        back = change["author"] == AUTHOR and change["adapter"] != before
        if back and datetime.fromisoformat(change["at"]) > since:
            found.append({**change, "taken": before})
    return found


DESK_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    operation.__name__: operation for operation in (collect_flagged, tuning_alerts)
}
