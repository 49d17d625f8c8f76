"""How a run moves through its steps: how many there are, how fast it learns at each, when it looks and when it ends. Numbers only."""

import math
from dataclasses import dataclass

from finetune.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Plan:
    """steps: optimizer steps in the whole run. per_epoch: in one pass over the rows. evaluate_every: steps from one look to the next."""

    steps: int
    per_epoch: int
    evaluate_every: int

    def place(self, step: int) -> tuple[int, int]:
        """The epoch that step number `step` (from 0) belongs to, and its place in it."""
        return divmod(step, self.per_epoch)

    def looks(self, done: int) -> bool:
        """Whether the validation loss is measured after `done` steps."""
        return done % self.evaluate_every == 0 or done == self.steps


def plan(config: TrainConfig, rows: int, processes: int = 1) -> Plan:
    """The plan for so many rows."""
    batches = math.ceil(math.ceil(rows / config.batch) / processes)
    per_epoch = math.ceil(batches / config.accumulation)
    steps = config.steps or max(1, round(config.epochs * per_epoch))
    return Plan(steps, per_epoch, max(1, math.ceil(steps / config.evaluations)))


def rate_share(step: int, steps: int, warmup: float) -> float:
    """The share, 0..1, of the learning rate for step number `step` (from 0): a linear rise, then half a cosine down to zero."""
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


@dataclass(frozen=True, slots=True)
class Best:
    """The best validation loss so far, the step after which it was measured, and the evaluations since then that were no better."""

    loss: float = math.inf
    step: int = 0
    worse: int = 0

    def seen(self, loss: float, step: int) -> "Best":
        """After one more evaluation."""
        return Best(loss, step) if loss < self.loss else Best(self.loss, self.step, self.worse + 1)
