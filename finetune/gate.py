"""Whether an adapter may answer customers: a pure function of what was measured. Only what is shown to be better passes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from finetune.said import Said, said

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
    why: tuple[Said, ...]

    def to_json(self) -> dict[str, Any]:
        """As the evaluation prints it; `reasons` say it again in a form that can be put into other languages."""
        return {"gate": "pass" if self.passed else "fail", "why": "; ".join(self.why), "reasons": [each.to_json() for each in self.why]}


def gate(found: Evaluation) -> Verdict:
    """Pass or fail with all reasons. A number that is not finite fails."""
    against = (*_unfit(found), *_worse(found), *_elsewhere(found))
    if against:
        return Verdict(False, against)
    low, high = found.interval
    return Verdict(True, (said("better", difference=found.difference, low=low, high=high, held=found.held),))


def _unfit(found: Evaluation) -> Iterator[Said]:
    """What of the adapter or of the measurement itself cannot be trusted."""
    if not found.same_base:
        yield said("other_base")
    if not found.same_template:
        yield said("other_template")
    if not found.finite:
        yield said("not_finite")
    if found.changed == 0:
        yield said("changes_nothing")
    if found.rows < FEWEST_ROWS:
        yield said("few_rows", rows=found.rows, least=FEWEST_ROWS)
    if found.held < FEWEST_HELD:
        yield said("few_held", held=found.held, least=FEWEST_HELD)
    if found.leaks:
        yield said("leaks", leaks=found.leaks)
    numbers = (found.difference, *found.interval, found.tuned_f1, found.prompt_f1, *found.invented, found.loops, found.changed)
    pairs = (*found.languages.values(), *(pair for pair in (found.general, found.refusals) if pair))
    if not all(map(math.isfinite, (*numbers, *found.highest.values(), *(value for pair in pairs for value in pair)))):
        yield said("no_number")


def _worse(found: Evaluation) -> Iterator[Said]:
    low = found.interval[0]
    if not low > MARGIN:
        yield said("prompt_better" if found.difference < 0 else "not_shown", difference=found.difference, low=low)
    for language, (tuned, prompt) in sorted(found.languages.items()):
        if _lost(found, language, tuned, prompt, DRIFTS):
            yield said("language_worse", language=language, tuned=tuned, prompt=prompt, allowed=DRIFTS)
    if not found.invented[0] <= found.invented[1] + INVENTS:
        tuned, prompt = found.invented
        yield said("invents", tuned=tuned, prompt=prompt)


def _elsewhere(found: Evaluation) -> Iterator[Said]:
    if found.general and _lost(found, "general", *found.general, FORGETS):
        yield said("forgot", base=found.general[1], tuned=found.general[0], allowed=FORGETS)
    if found.refusals and _lost(found, "refusals", *found.refusals, ABSTAINS):
        yield said("refuses_less", tuned=found.refusals[0], base=found.refusals[1])
    if not found.loops <= LOOPS:
        yield said("loops", loops=found.loops, allowed=LOOPS)


def _lost(found: Evaluation, what: str, tuned: float, before: float, allowed: float) -> bool:
    """Whether more than `allowed` is lost, and that is shown or twice as much."""
    return not tuned >= before - allowed and (found.highest.get(what, -1.0) < 0 or not tuned >= before - 2 * allowed)
