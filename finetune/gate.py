"""Whether an adapter may answer customers: a pure function of what was measured. Only what is shown to be better passes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FEWEST_ROWS = 40  # training rows; fewer cannot be told from chance
FEWEST_HELD = 12  # held-out conversations
MARGIN = 0.0  # the lower end of the interval of tuned minus prompt has to be above it, in token F1
# What may be lost elsewhere. More than that counts where the loss is shown, its 95 % interval wholly below nothing, or is twice as much: on
# some dozens of rows a good adapter loses as much by chance.
FORGETS = 0.05  # of token F1 on general rows, against the base
DRIFTS = 0.05  # of token F1 in any one language, against the best prompt
ABSTAINS = 0.1  # share of refusals, against the base
INVENTS = 0.05  # share of replies with a figure that the evidence does not hold, above the best prompt's
LOOPS = 0.05  # share of replies that repeat themselves without end


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured on held-out conversations, tuned against the best prompt. Shares and F1 are 0..1.

    difference: mean token F1, tuned minus prompt, with its 95 % interval by conversation. languages: (tuned, prompt) F1 by language.
    general: token F1 on general rows, (tuned, base). refusals: share of the unanswerable that was refused, (tuned, base); None where none
    were asked. highest: for `general`, `refusals` and each language the upper end of the 95 % interval of that difference; a loss counts
    as shown where it is not known. invented: share of replies with an unsupported figure, (tuned, prompt). loops: of the tuned one's
    replies. changed: share of replies that differ from the base's to the same prompt. finite, same_base, same_template: of the files.
    """

    rows: int
    held: int
    difference: float
    interval: tuple[float, float]
    tuned_f1: float
    prompt_f1: float
    languages: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    general: tuple[float, float] | None = None
    refusals: tuple[float, float] | None = None
    highest: Mapping[str, float] = field(default_factory=dict)
    invented: tuple[float, float] = (0.0, 0.0)
    loops: float = 0.0
    changed: float = 1.0
    finite: bool = True
    same_base: bool = True
    same_template: bool = True
    leaks: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """why: every reason against, or for a pass the one sentence that says what was shown."""

    passed: bool
    why: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As the evaluation prints it."""
        return {"gate": "pass" if self.passed else "fail", "why": "; ".join(self.why)}


def gate(found: Evaluation) -> Verdict:
    """Pass or fail with all reasons. A number that is not finite fails."""
    against = (*_unfit(found), *_worse(found), *_elsewhere(found))
    if against:
        return Verdict(False, against)
    low, high = found.interval
    shown = f"better than the best prompt by {found.difference:.3f} token F1 (95 % interval {low:.3f} to {high:.3f})"
    return Verdict(True, (f"{shown} on {found.held} conversations",))


def _unfit(found: Evaluation) -> Iterator[str]:
    """What of the adapter or of the measurement itself cannot be trusted."""
    if not found.same_base:
        yield "it was trained on another base model than the one that would serve it"
    if not found.same_template:
        yield "it was trained with another chat template than the one that would serve it"
    if not found.finite:
        yield "its weights are not all finite numbers"
    if found.changed == 0:
        yield "it changes no reply: the adapter does nothing, or was not loaded"
    if found.rows < FEWEST_ROWS:
        yield f"it learned from {found.rows} rows; at least {FEWEST_ROWS} are needed"
    if found.held < FEWEST_HELD:
        yield f"it was measured on {found.held} held-out conversations; at least {FEWEST_HELD} are needed"
    if found.leaks:
        yield f"{found.leaks} held-out examples were in the training data; evaluate on others"
    numbers = (found.difference, *found.interval, found.tuned_f1, found.prompt_f1, *found.invented, found.loops, found.changed)
    pairs = (*found.languages.values(), *(pair for pair in (found.general, found.refusals) if pair))
    if not all(map(math.isfinite, (*numbers, *found.highest.values(), *(value for pair in pairs for value in pair)))):
        yield "a measurement is not a number"


def _worse(found: Evaluation) -> Iterator[str]:
    low = found.interval[0]
    if not low > MARGIN:
        better = "the best prompt is better" if found.difference < 0 else "it is not shown to be better than the best prompt"
        yield f"{better}: tuned minus prompt is {found.difference:.3f} token F1, and the interval begins at {low:.3f}"
    for language, (tuned, prompt) in sorted(found.languages.items()):
        if _lost(found, language, tuned, prompt, DRIFTS):
            yield f"replies in {language} got worse: token F1 {tuned:.3f} against {prompt:.3f}; allowed are {DRIFTS} less"
    if not found.invented[0] <= found.invented[1] + INVENTS:
        tuned, prompt = found.invented
        yield f"{tuned:.0%} of its replies have figures that the evidence does not hold, against {prompt:.0%} of the prompt's"


def _elsewhere(found: Evaluation) -> Iterator[str]:
    if found.general and _lost(found, "general", *found.general, FORGETS):
        yield f"it forgot: token F1 on general rows fell from {found.general[1]:.3f} to {found.general[0]:.3f}; allowed are {FORGETS} less"
    if found.refusals and _lost(found, "refusals", *found.refusals, ABSTAINS):
        yield f"it refuses {found.refusals[0]:.0%} of what the evidence does not answer, the base {found.refusals[1]:.0%}"
    if not found.loops <= LOOPS:
        yield f"{found.loops:.0%} of its replies repeat themselves; allowed are {LOOPS:.0%}"


def _lost(found: Evaluation, what: str, tuned: float, before: float, allowed: float) -> bool:
    """Whether more than `allowed` is lost, and that is shown or twice as much."""
    return not tuned >= before - allowed and (found.highest.get(what, -1.0) < 0 or not tuned >= before - 2 * allowed)
