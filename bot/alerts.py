"""What at the desk needs somebody now: one pure function over what is known at this moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bot.outcomes import Tally
from bot.reports import share

RECENT, BEFORE = timedelta(days=1), timedelta(days=7)
"""A jump is seen in the last day, against the week before it."""


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """When something is worth an alert.

    waiting_minutes: longer than this nobody should wait for a person. jump: by how much a share has to rise, 0..1.
    least: so many questions, or ratings, there must be in the day and in the week before it.
    """

    waiting_minutes: float = 5
    jump: float = 0.1
    least: int = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known now. waiting: since when each waits who waits. resting: backends with a part in the policy that cannot be asked."""

    now: datetime
    waiting: Sequence[datetime] = ()
    resting: Sequence[str] = ()
    recent: Tally = field(default_factory=Tally)
    before: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class Alert:
    """kind: what it is about. n: customers, or backends. names: of the backends. share, before: of the last day and of the week before."""

    kind: Literal["waiting", "resting", "abstained", "thumbs_down"]
    n: int = 0
    names: tuple[str, ...] = ()
    share: float | None = None
    before: float | None = None


def alerts(seen: Seen, limits: AlertLimits = AlertLimits()) -> tuple[Alert, ...]:
    """What needs somebody, the most urgent first; empty when nothing does."""
    found: list[Alert] = []
    late = sum(seen.now - since > timedelta(minutes=limits.waiting_minutes) for since in seen.waiting)
    if late:
        found.append(Alert("waiting", late))
    if seen.resting:
        found.append(Alert("resting", len(seen.resting), tuple(seen.resting)))
    recent, before = seen.recent, seen.before
    found += _jumped("abstained", (recent.abstained, recent.questions), (before.abstained, before.questions), limits)
    found += _jumped("thumbs_down", (recent.down, recent.rated), (before.down, before.rated), limits)
    return tuple(found)


def _jumped(kind: Literal["abstained", "thumbs_down"], now: tuple[int, int], then: tuple[int, int], limits: AlertLimits) -> list[Alert]:
    """An alert where a share rose by more than the limit, and by more than chance would bring about."""
    recent, before = share(*now), share(*then)
    if recent.value is None or recent.low is None or before.value is None or min(recent.of, before.of) < limits.least:
        return []
    jumped = recent.value - before.value >= limits.jump and recent.low > before.value
    return [Alert(kind, recent.hits, share=recent.value, before=before.value)] if jumped else []
