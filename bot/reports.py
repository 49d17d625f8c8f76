"""From what the bot did to figures: volume, shares with their intervals, latency, tokens and cost, over all and by backend and adapter.

Pure: rows of `bot.outcomes` in, a `Report` out.
"""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal

from bot.messages import Tokens
from bot.outcomes import Outcome

LONGEST = 366  # days of a report
STEPPED_IN = "taken_over"  # the reason where a person came without being asked for
_WITH_PERSON = "with_person"
_Z = 1.959964  # of the normal distribution, for 95 %


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to `until`, both with a zone, cut into hours or days as that zone has them."""

    since: datetime
    until: datetime
    step: Literal["hour", "day"]

    def starts(self) -> Iterator[datetime]:
        """When each hour or day of it begins."""
        zone, start = self.since.tzinfo, self.since
        while start < self.until:
            yield start
            if self.step == "hour":
                start = (start.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)  # an hour that the clock repeats or leaves out
            else:
                start = datetime.combine(start.date() + timedelta(days=1), time(), zone)


@dataclass(frozen=True, slots=True)
class Share:
    """hits of `of`: value with its 95 % interval, 0..1; all None where there is nothing to divide by."""

    hits: int
    of: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds of n replies; None where there are none."""

    n: int
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of some replies.

    alone: of the conversations they belong to, those in which no person was asked for or stepped in. abstained: of the questions, those
    left unanswered for want of evidence. liked: of the ratings, the thumbs up. cost: at today's prices.
    """

    backend: str
    adapter: str | None
    replies: int
    conversations: int
    alone: Share
    abstained: Share
    liked: Share
    first_ms: Spread
    total_ms: Spread
    tokens: Tokens
    cost: float


@dataclass(frozen=True, slots=True)
class Slot:
    """An hour or a day. person: the conversations of it in which a person was asked for or stepped in."""

    start: datetime
    replies: int
    conversations: int
    person: int
    abstained: int


@dataclass(frozen=True, slots=True)
class Report:
    """groups: by backend and adapter, who answered most first; the bot's own sentences are in `overall` alone.

    reasons: why conversations went to a person, each counted once for each reason; the most frequent first.
    """

    period: Period
    overall: Group
    groups: tuple[Group, ...]
    slots: tuple[Slot, ...]
    reasons: tuple[tuple[str, int], ...]


Cost = Callable[[str, Tokens], float]


def period(days: int, now: datetime, zone: tzinfo) -> Period:
    """The last `days` days with today, by the clock of `zone`; a single one by its hours. Raises ValueError."""
    if not 1 <= days <= LONGEST:
        raise ValueError(f"days is {days}; allowed: 1 to {LONGEST}")
    now = now.astimezone(zone)
    first = datetime.combine(now.date() - timedelta(days=days - 1), time(), zone)
    return Period(first, now, "hour" if days == 1 else "day")


def figures(
    rows: Sequence[Outcome], taken: Sequence[tuple[datetime, str]], over: Period, cost: Cost = lambda _name, _tokens: 0.0
) -> Report:
    """The report of a period.

    rows: its replies, none from before it. taken: when a person took over which conversation in it. cost: of a backend's tokens.
    """
    needed = _needed(rows, taken)
    by: dict[tuple[str, str | None], list[Outcome]] = defaultdict(list)
    for row in rows:
        if row.backend:
            by[row.backend, row.adapter].append(row)
    groups = [_group(name, adapter, found, needed, cost) for (name, adapter), found in by.items()]
    overall = _group("", None, rows, needed, cost)
    ordered = tuple(sorted(groups, key=lambda group: (-group.replies, group.backend, group.adapter or "")))
    return Report(over, overall, ordered, tuple(_slots(rows, taken, over)), _reasons(rows, taken))


def share(hits: int, of: int) -> Share:
    """A share with Wilson's 95 % interval, which holds for few cases and for shares near 0 and 1 too."""
    if not of:
        return Share(0, 0, None, None, None)
    part, square = hits / of, _Z * _Z
    middle = (part + square / (2 * of)) / (1 + square / of)
    reach = _Z * math.sqrt(part * (1 - part) / of + square / (4 * of * of)) / (1 + square / of)
    return Share(hits, of, part, max(0.0, middle - reach), min(1.0, middle + reach))


def spread(values: Sequence[float]) -> Spread:
    """Median and 95th percentile, between two values in proportion."""
    return Spread(len(values), _quantile(values, 0.5), _quantile(values, 0.95)) if values else Spread(0, None, None)


def _group(backend: str, adapter: str | None, rows: Sequence[Outcome], needed: Collection[str], cost: Cost) -> Group:
    talks = {row.conversation for row in rows}
    rated = [row.rating for row in rows if row.rating]
    asked = [row for row in rows if row.backend]  # the bot's own sentences are there at once
    spent: dict[str, Tokens] = defaultdict(Tokens)
    for row in asked:
        held = spent[row.backend]
        spent[row.backend] = Tokens(held.prompt + row.tokens.prompt, held.completion + row.tokens.completion)
    return Group(
        backend=backend,
        adapter=adapter,
        replies=len(rows),
        conversations=len(talks),
        alone=share(sum(talk not in needed for talk in talks), len(talks)),
        abstained=share(sum(row.abstained for row in rows), sum(row.abstained or bool(row.backend) for row in rows)),
        liked=share(sum(rating > 0 for rating in rated), len(rated)),
        first_ms=spread([row.first_ms for row in asked if row.first_ms is not None]),
        total_ms=spread([row.total_ms for row in asked if row.total_ms is not None and not row.interrupted]),
        tokens=Tokens(sum(used.prompt for used in spent.values()), sum(used.completion for used in spent.values())),
        cost=sum(cost(name, used) for name, used in spent.items()),
    )


def _needed(rows: Sequence[Outcome], taken: Sequence[tuple[datetime, str]]) -> set[str]:
    """The conversations in which a person was asked for or stepped in."""
    return {row.conversation for row in rows if row.route == "human"} | {talk for _, talk in taken}


def _slots(rows: Sequence[Outcome], taken: Sequence[tuple[datetime, str]], over: Period) -> Iterator[Slot]:
    starts = list(over.starts())
    plain = [start.astimezone(UTC) for start in starts]  # within one zone is compared much faster
    here: list[list[Outcome]] = [[] for _ in starts]
    came: list[list[tuple[datetime, str]]] = [[] for _ in starts]
    for row in rows:
        here[bisect_right(plain, row.at) - 1].append(row)
    for at, talk in taken:
        came[bisect_right(plain, at) - 1].append((at, talk))
    for start, found, took in zip(starts, here, came, strict=True):
        talks = {row.conversation for row in found}
        yield Slot(start, len(found), len(talks), len(talks & _needed(found, took)), sum(row.abstained for row in found))


def _reasons(rows: Sequence[Outcome], taken: Sequence[tuple[datetime, str]]) -> tuple[tuple[str, int], ...]:
    told = {(row.conversation, row.reason) for row in rows if row.route == "human" and row.reason not in ("", _WITH_PERSON)}
    asked_for = {talk for talk, _ in told}
    told |= {(talk, STEPPED_IN) for _, talk in taken if talk not in asked_for}
    return tuple(sorted(Counter(reason for _, reason in told).items(), key=lambda found: (-found[1], found[0])))


def _quantile(values: Sequence[float], q: float) -> float:
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
