"""Whether an adapter that answers customers goes on, is taken back, or gets a larger share: pure functions of what customers did.

A conversation counts as gone badly when a reply in it got a thumbs down, held a figure that the evidence does not, or was followed by a
hand-over. Conversations are what a canary draws, so they are what is counted.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.adapters import label
from bot.policies import Version
from bot.policy import Adapter, Policy

Action = Literal["keep", "take back", "widen"]
STEPS = (0.05, 0.2, 0.5, 1.0)  # a canary's shares on its way to all conversations
_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Tally:
    """Conversations, and how many of them went badly; of those, how many for each reason (one may have several)."""

    conversations: int = 0
    bad: int = 0
    thumbs_down: int = 0
    hand_overs: int = 0
    figures: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.conversations:
            raise ValueError(f"{self.bad} of {self.conversations} conversations went badly; allowed: 0 to all of them")

    @property
    def share(self) -> float:
        """Of conversations that went badly, 0..1; 0 where there are none."""
        return self.bad / self.conversations if self.conversations else 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """least: conversations of either side before anything is done. margin: by how much more of them may go badly for the share to grow.

    error: the chance, 0..1, that an adapter that is no worse is ever taken back, however often one looks. days: how long a promoted one is
    watched, and how far back what was before it is looked at.
    """

    least: int = 40
    margin: float = 0.1
    error: float = 0.05
    days: int = 30


@dataclass(frozen=True, slots=True)
class Watched:
    """An adapter at work. label: as answers name it. share: of the conversations that its backend is asked first in, 1 for all.

    promoted: when it began. since: when it got this share.
    """

    backend: str
    adapter: Adapter
    share: float
    promoted: datetime
    since: datetime

    @property
    def label(self) -> str:
        return label(self.adapter.name, self.adapter.sha256)


@dataclass(frozen=True, slots=True)
class Verdict:
    """share: what the canary's becomes, for `widen`. difference: of the shares that went badly, the adapter's less the others', with the
    interval that holds however often it is looked at; None where too little has happened."""

    action: Action
    why: str
    share: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """As the registry shows it."""
        numbers = None if self.interval is None else [round(end, 4) for end in self.interval]
        difference = None if self.difference is None else round(self.difference, 4)
        return {"action": self.action, "why": self.why, "next_share": self.share, "difference": difference, "interval": numbers}


def judge(share: float, new: Tally, old: Tally, stage: tuple[Tally, Tally], limits: Limits = Limits()) -> Verdict:
    """What becomes of an adapter.

    share: of the conversations, 1 where it has all. new, old: since it was promoted, the adapter's conversations and those to compare with.
    stage: the same two since it got its present share; only they can widen it, so that each step is earned anew.
    """
    few = min(new.conversations, old.conversations)
    if few < limits.least:
        return Verdict("keep", f"too early to tell: {_said(new)}, {_said(old)} otherwise; {limits.least} of either are needed")
    difference = new.share - old.share
    low, high = newcombe(new, old, always(new, old, limits))
    told = f"{_said(new)}, {_said(old)} otherwise ({difference:+.0%}, interval {low:+.0%} to {high:+.0%})"
    if low > 0:
        return Verdict("take back", f"more conversations go badly: {told}{_mostly(new, old)}", None, difference, (low, high))
    if share < 1:
        fresh, others = stage
        if min(fresh.conversations, others.conversations) >= limits.least:
            _, most = newcombe(fresh, others, _NORMAL_95)
            if most < limits.margin:
                wider = next(step for step in STEPS if step > share)
                at_most = f"at most {most:+.0%} at this share, and {limits.margin:.0%} may be lost"
                return Verdict("widen", f"no worse than the others: {told}; {at_most}", wider, difference, (low, high))
    return Verdict("keep", f"nothing against it as yet: {told}", None, difference, (low, high))


def newcombe(new: Tally, old: Tally, z: float) -> tuple[float, float]:
    """The interval of the difference of two shares, new less old, -1..1: the hybrid score interval (Newcombe 1998, method 10)."""
    (low, high), (low_old, high_old) = wilson(new, z), wilson(old, z)
    difference = new.share - old.share
    under = math.hypot(new.share - low, high_old - old.share)
    over = math.hypot(high - new.share, old.share - low_old)
    return max(-1.0, difference - under), min(1.0, difference + over)


def wilson(tally: Tally, z: float) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927), 0..1."""
    n, p = tally.conversations, tally.share
    if not n:
        return 0.0, 1.0
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z * z / n)), min(1.0, (centre + half) / (1 + z * z / n))


def always(new: Tally, old: Tally, limits: Limits) -> float:
    """The width in standard errors with which an interval holds at every look, not only at one fixed beforehand.

    Robbins' normal mixture (1970), one-sided, tightest where both sides have `limits.least` conversations. An ordinary 1.64 would be
    passed by chance sooner or later, the more often one looks.
    """
    size = 1 / (1 / new.conversations + 1 / old.conversations)
    rho = limits.least / 2
    return math.sqrt((1 + rho / size) * math.log((size + rho) / (rho * (2 * limits.error) ** 2)))


def asked_first(policy: Policy, backend: str) -> float:
    """Of the conversations that a backend is asked first in, routes aside: 1 for the default, a canary's share, else 0."""
    if policy.default == backend:
        return 1.0
    return policy.canary.share if policy.canary and policy.canary.backend == backend else 0.0


def watched(history: Sequence[Version]) -> tuple[Watched, ...]:
    """The adapters that customers are answered with by the newest policy. history: oldest first."""
    return tuple(_watched(history)) if history else ()


def _watched(history: Sequence[Version]) -> Iterator[Watched]:
    newest = history[-1]
    for backend, adapter in sorted(newest.policy.adapters.items()):
        share = asked_first(newest.policy, backend)
        if not share:
            continue
        promoted = since = newest.at
        same = True
        for version in reversed(history):
            theirs = asked_first(version.policy, backend)
            if version.policy.adapters.get(backend) != adapter or not theirs:
                break
            promoted = version.at
            same = same and theirs == share
            since = version.at if same else since
        yield Watched(backend, adapter, share, promoted, since)


def _said(tally: Tally) -> str:
    return f"{tally.bad} of {tally.conversations} conversations ({tally.share:.0%})"


def _mostly(new: Tally, old: Tally) -> str:
    """What of it, where one kind stands out."""
    kinds = {"thumbs down": "thumbs_down", "hand-overs": "hand_overs", "figures that the evidence does not hold": "figures"}
    grown = {
        words: getattr(new, name) / new.conversations - getattr(old, name) / old.conversations
        for words, name in kinds.items()
        if getattr(new, name)
    }
    return f"; mostly {max(grown, key=lambda words: grown[words])}" if grown else ""
