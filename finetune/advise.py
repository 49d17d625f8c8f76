"""Prompt, adapter, full tuning, or collect more: the decision tree as one pure function, with its reasons and what would change them.

Five stages: a prompt first; good enough stops there; then the data; then an adapter; then both together. What was measured outranks
what row counts suggest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from finetune.said import Said, said

Choice = Literal["prompt", "adapter", "full", "collect"]
Point = tuple[int, float]
"""Rows that were learned from, and the token F1 that came of it."""

Path = tuple[tuple[str, str], ...]
Decided = tuple[Choice, tuple[Said, ...], Path]

GOOD = 0.8  # token F1 of a prompt from which on tuning is not worth its upkeep
FEW, ENOUGH, MANY = 100, 500, 1000  # rows: under the first prompt, from the second tune, over the third and narrow tune fully


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known. None where it was not measured.

    rows: approved examples to learn from. narrow: they are about one kind of thing. strong: a strong hosted model is at hand.
    may_leave: the shop's data may go to it. prompt: token F1 of the best prompt. difference, interval: tuned minus that, 95 %.
    stopped: the gate did not let the adapter go live, for whatever else it lost. curve: what tuning reached by rows. gpu: there is one.
    prompt_ms, tuned_ms: median time of a reply. prompt_cost, tuned_cost: of a thousand replies.
    """

    rows: int
    narrow: bool = False
    strong: bool = False
    may_leave: bool = False
    prompt: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    stopped: bool = False
    curve: tuple[Point, ...] = ()
    gpu: bool = False
    prompt_ms: float | None = None
    tuned_ms: float | None = None
    prompt_cost: float | None = None
    tuned_cost: float | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """path: the questions of the tree with the answers that were taken. changes: what would lead elsewhere."""

    advice: Choice
    reasons: tuple[Said, ...]
    path: tuple[tuple[str, str], ...]
    changes: tuple[Said, ...]


def advise(now: Situation) -> Advice:
    """The advice for a situation."""
    choice, reasons, path = _decided(now)
    return Advice(choice, (*reasons, *_beside(now, choice)), path, _changes(now, choice))


def _decided(now: Situation) -> Decided:
    usable = now.strong and now.may_leave
    path: list[tuple[str, str]] = [("prompt", "measured" if now.prompt is not None else "not measured")]
    if now.prompt is not None:
        path.append(("good", "yes" if now.prompt >= GOOD else "no"))
        if now.prompt >= GOOD:
            return "prompt", (said("good_enough", prompt=now.prompt, good=GOOD),), (*path,)
    path.append(("rows", _band(now.rows)))
    if now.difference is not None and now.interval is not None and all(map(math.isfinite, (now.difference, *now.interval))):
        return _by_measure(now, path, now.difference, now.interval)
    if now.rows < FEW:
        path.append(("strong", "yes" if usable else "no"))
        if usable:
            return "prompt", (said("few_but_strong", rows=now.rows),), (*path,)
        return "collect", (_dilemma(now),), (*path,)
    if now.rows < ENOUGH:
        path.append(("tried", "no"))
        return "collect", (said("perhaps_enough", rows=now.rows, enough=ENOUGH),), (*path,)
    return _tune(now, path, said("enough_rows", rows=now.rows))


def _by_measure(now: Situation, path: list[tuple[str, str]], difference: float, interval: tuple[float, float]) -> Decided:
    low, high = interval
    measured = {"difference": difference, "low": low, "high": high}
    if low > 0 and now.stopped:
        path.append(("tried", "stopped"))
        return ("collect" if now.rows < ENOUGH else "prompt"), (said("measured_stopped", **measured),), (*path,)
    if low > 0:
        path.append(("tried", "better"))
        return _tune(now, path, said("measured_better", **measured))
    path.append(("tried", "worse" if high < 0 else "not shown"))
    if high < 0:
        return "prompt", (said("measured_worse", **measured),), (*path,)
    if now.rows < ENOUGH:
        return "collect", (said("measured_neither", rows=now.rows, **measured),), (*path,)
    return "prompt", (said("measured_enough", rows=now.rows, **measured),), (*path,)


def _tune(now: Situation, path: list[tuple[str, str]], why: Said) -> Decided:
    fully = now.rows > MANY and now.narrow and now.gpu
    path.append(("narrow", "yes" if now.rows > MANY and now.narrow else "no"))
    if fully:
        return "full", (why, said("fully", many=MANY)), (*path, ("both", "yes"))
    more = (said("no_gpu_for_full", many=MANY),) if now.rows > MANY and now.narrow else ()
    return "adapter", (why, *more, said("together")), (*path, ("both", "yes"))


def _dilemma(now: Situation) -> Said:
    return said("dilemma_house" if now.strong else "dilemma_model", rows=now.rows, few=FEW)


def _beside(now: Situation, choice: Choice) -> tuple[Said, ...]:
    """Time, cost and outlook, which colour the advice and do not make it."""
    reasons = []
    if now.prompt is None:
        reasons.append(said("never_measured"))
    if now.prompt_ms and now.tuned_ms:
        reasons.append(said("times", tuned=now.tuned_ms, prompt=now.prompt_ms))
    if now.prompt_cost and now.tuned_cost is not None:
        reasons.append(said("costs", tuned=now.tuned_cost, prompt=now.prompt_cost))
    if choice in ("adapter", "full") and not now.gpu:
        reasons.append(said("small_models"))
    if len(now.curve) >= 3:
        reasons.append(_outlook(now.curve, now.rows))
    return tuple(reasons)


def _outlook(curve: Sequence[Point], rows: int) -> Said:
    twice = 2 * max(rows, 1)
    return said("outlook", rows=twice, gain=extrapolated(curve, twice) - extrapolated(curve, max(rows, 1)))


def extrapolated(curve: Sequence[Point], rows: int) -> float:
    """Token F1 to be expected with so many rows, 0..1: a line through the points over the logarithm of their rows.

    A straight line in log n is the plain reading of a power law over the few doublings that a shop's data spans (Hestness et al. 2017).
    Raises `ValueError` with fewer than two sizes.
    """
    points = [(count, value) for count, value in curve if count > 0 and math.isfinite(value)]
    if len({count for count, _ in points}) < 2:
        raise ValueError(f"the curve has {len(points)} points; two sizes at least are needed")
    slope, start = np.polyfit([math.log(count) for count, _ in points], [value for _, value in points], 1)
    return float(min(1.0, max(0.0, start + slope * math.log(max(rows, 1)))))


def _changes(now: Situation, choice: Choice) -> tuple[Said, ...]:
    found = []
    if now.rows < FEW:
        found.append(said("more_to_try", some=FEW - now.rows, more=ENOUGH - now.rows))
    elif now.rows < ENOUGH:
        found.append(said("more_examples", more=ENOUGH - now.rows))
    if now.rows < FEW and not (now.strong and now.may_leave):
        found.append(said("strong_model"))
    if choice in ("adapter", "full"):
        found.append(said("prompt_wins"))
    if choice == "prompt" and (now.prompt or 0) >= GOOD:
        found.append(said("prompt_falls", good=GOOD))
    if choice == "adapter" and now.narrow and not now.gpu:
        found.append(said("gpu_for_full"))
    if now.interval and now.interval[0] <= 0 <= now.interval[1]:
        found.append(said("narrower"))
    return tuple(found)


def _band(rows: int) -> str:
    if rows < FEW:
        return f"under {FEW}"
    return f"{FEW} to {ENOUGH - 1}" if rows < ENOUGH else f"{ENOUGH} and more"
