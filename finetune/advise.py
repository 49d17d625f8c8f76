"""Prompt, adapter, full tuning, or collect more: the decision tree as one pure function, with its reasons and what would change them.

Five stages: a prompt first; good enough stops there; then the data; then an adapter; then both together. What was measured outranks
what row counts suggest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Choice = Literal["prompt", "adapter", "full", "collect"]
Point = tuple[int, float]
"""Rows that were learned from, and the token F1 that came of it."""

GOOD = 0.8  # token F1 of a prompt from which on tuning is not worth its upkeep
FEW, ENOUGH, MANY = 100, 500, 1000  # rows: under the first prompt, from the second tune, over the third and narrow tune fully


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known. None where it was not measured.

    rows: approved examples to learn from. narrow: they are about one kind of thing. strong: a strong hosted model is at hand.
    may_leave: the shop's data may go to it. prompt: token F1 of the best prompt. difference, interval: tuned minus that, 95 %.
    curve: what tuning reached by rows. gpu: there is one. prompt_ms, tuned_ms: median time of a reply. prompt_cost, tuned_cost: of a
    thousand replies.
    """

    rows: int
    narrow: bool = False
    strong: bool = False
    may_leave: bool = False
    prompt: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
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
    reasons: tuple[str, ...]
    path: tuple[tuple[str, str], ...]
    changes: tuple[str, ...]


def advise(now: Situation) -> Advice:
    """The advice for a situation."""
    choice, reasons, path = _decided(now)
    return Advice(choice, (*reasons, *_beside(now, choice)), path, _changes(now, choice))


def _decided(now: Situation) -> tuple[Choice, tuple[str, ...], tuple[tuple[str, str], ...]]:
    usable = now.strong and now.may_leave
    path: list[tuple[str, str]] = [("prompt", "measured" if now.prompt is not None else "not measured")]
    if now.prompt is not None:
        path.append(("good", "yes" if now.prompt >= GOOD else "no"))
        if now.prompt >= GOOD:
            return "prompt", (f"the best prompt reaches {now.prompt:.2f} token F1; from {GOOD} on it is good enough",), (*path,)
    path.append(("rows", _band(now.rows)))
    if now.difference is not None and now.interval is not None and all(map(math.isfinite, (now.difference, *now.interval))):
        return _by_measure(now, path, now.difference, now.interval)
    if now.rows < FEW:
        path.append(("strong", "yes" if usable else "no"))
        if usable:
            return "prompt", (f"{now.rows} rows are few to learn from, and a strong hosted model may be used: show it examples",), (*path,)
        return "collect", (_dilemma(now),), (*path,)
    if now.rows < ENOUGH:
        path.append(("tried", "no"))
        return "collect", (f"{now.rows} rows may or may not be enough: collect up to {ENOUGH}, or try an adapter and measure it",), (*path,)
    return _tune(now, path, f"{now.rows} rows are enough for an adapter; nothing speaks against it as yet, and it has to be measured")


def _by_measure(
    now: Situation, path: list[tuple[str, str]], difference: float, interval: tuple[float, float]
) -> tuple[Choice, tuple[str, ...], tuple[tuple[str, str], ...]]:
    low, high = interval
    said = f"tuned minus the best prompt is {difference:+.3f} token F1, 95 % interval {low:+.3f} to {high:+.3f}"
    if low > 0:
        path.append(("tried", "better"))
        return _tune(now, path, f"measured: {said}")
    path.append(("tried", "worse" if high < 0 else "not shown"))
    if high < 0:
        return "prompt", (f"measured, the prompt is better: {said}",), (*path,)
    if now.rows < ENOUGH:
        return "collect", (f"measured, neither is shown to be better, with {now.rows} rows: {said}",), (*path,)
    return "prompt", (f"measured, the adapter is not shown to be better, and {now.rows} rows should have been enough: {said}",), (*path,)


def _tune(now: Situation, path: list[tuple[str, str]], why: str) -> tuple[Choice, tuple[str, ...], tuple[tuple[str, str], ...]]:
    fully = now.rows > MANY and now.narrow and now.gpu
    path.append(("narrow", "yes" if now.rows > MANY and now.narrow else "no"))
    if fully:
        return "full", (why, f"over {MANY} rows about one narrow thing, and a GPU: full tuning can pay"), (*path, ("both", "yes"))
    more = (f"over {MANY} narrow rows would allow full tuning, but there is no GPU for it",) if now.rows > MANY and now.narrow else ()
    together = "afterwards prompt and adapter go together: passages in the prompt, the manner in the adapter"
    return "adapter", (why, *more, together), (*path, ("both", "yes"))


def _dilemma(now: Situation) -> str:
    why = "the data may not leave the house" if now.strong else "there is no strong hosted model"
    return (
        f"a dilemma: {now.rows} rows are too few to tune, and {why}, so that neither way is good now. Collect to {FEW} rows at least "
        "(import transcripts, correct answers, take conversations over); meanwhile the extractive answers stand"
    )


def _beside(now: Situation, choice: Choice) -> tuple[str, ...]:
    """Time, cost and outlook, which colour the advice and do not make it."""
    reasons = []
    if now.prompt is None:
        reasons.append(
            "the best prompt was never measured; `answerdesk finetune evaluate` does it, and would count more than any row count"
        )
    if now.prompt_ms and now.tuned_ms:
        reasons.append(f"a reply takes {now.tuned_ms:.0f} ms tuned and {now.prompt_ms:.0f} ms prompted")
    if now.prompt_cost and now.tuned_cost is not None:
        reasons.append(f"a thousand replies cost {now.tuned_cost:.2f} tuned and {now.prompt_cost:.2f} prompted")
    if choice in ("adapter", "full") and not now.gpu:
        reasons.append("without a GPU, training is for small models; a larger base needs one")
    if len(now.curve) >= 3:
        reasons.append(_outlook(now.curve, now.rows))
    return tuple(reasons)


def _outlook(curve: Sequence[Point], rows: int) -> str:
    twice = 2 * max(rows, 1)
    gain = extrapolated(curve, twice) - extrapolated(curve, max(rows, 1))
    return f"by the learning curve, {twice} rows would bring {gain:+.3f} token F1"


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


def _changes(now: Situation, choice: Choice) -> tuple[str, ...]:
    found = []
    if now.rows < ENOUGH:
        found.append(f"{ENOUGH - now.rows} more approved examples would make it worth tuning")
    if now.rows < FEW and not (now.strong and now.may_leave):
        found.append("a strong hosted model that may see the data would make a prompt the better way")
    if choice in ("adapter", "full"):
        found.append("an evaluation in which the prompt is better would bring the advice back to the prompt")
    if choice == "prompt" and (now.prompt or 0) >= GOOD:
        found.append(f"a prompt that falls under {GOOD} token F1")
    if choice == "adapter" and now.narrow and not now.gpu:
        found.append("a GPU would allow full tuning")
    if now.interval and now.interval[0] <= 0 <= now.interval[1]:
        found.append("more held-out conversations would narrow the interval")
    return tuple(found)


def _band(rows: int) -> str:
    if rows < FEW:
        return f"under {FEW}"
    return f"{FEW} to {ENOUGH - 1}" if rows < ENOUGH else f"{ENOUGH} and more"
