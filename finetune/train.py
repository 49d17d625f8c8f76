"""One run: rows in, an adapter folder with its recipe out. Killed at any moment, the same call goes on from the newest whole checkpoint.

folder/checkpoints/step-*/   weights, optimizer and history, with a marker written last
folder/best/step-*/          the adapter as it was at the best validation loss
folder/tensorboard/          the curves
folder/adapter/              the result, there only when it is whole: safetensors and recipe.json
"""

import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.render import template_hash
from finetune import checkpoints
from finetune.base import Base, open_base
from finetune.batches import Lessons, loader, order
from finetune.config import TrainConfig
from finetune.errors import BadConfig, BadRows, Diverged, Stopped
from finetune.learner import Learner, mean_loss
from finetune.methods import counts, save
from finetune.recipe import write_recipe
from finetune.rows import Row, data_hash
from finetune.schedule import Best, plan, rate_share

_CHECKPOINT_S = 300  # a kill never costs more than this, however far apart the evaluations are


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. loss: of the last step; validation: measured now, or None. In nats a token; times in seconds."""

    step: int
    steps: int
    epoch: float
    loss: float
    validation: float | None
    rate: float
    seconds: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of a run. untrained: the base's own validation loss. losses, validations: (step, loss) in nats a token."""

    adapter: Path
    trainable_share: float
    untrained: float
    losses: tuple[tuple[int, float], ...]
    validations: tuple[tuple[int, float], ...]
    best_step: int
    best_loss: float
    steps: int
    seconds: float
    skipped: int


@dataclass
class History:
    """What a checkpoint remembers besides weights."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    untrained: float = math.nan
    losses: list[tuple[int, float]] = field(default_factory=list)
    validations: list[tuple[int, float]] = field(default_factory=list)
    best: Best = field(default_factory=Best)


def train(
    config: TrainConfig,
    rows: Sequence[Row],
    validation: Sequence[Row],
    folder: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train in `folder`, or go on with what was begun there.

    config.base: a folder or a hub name. validation: other conversations than `rows`. stop: asked before every step. Raises `BadConfig`,
    `BadRows`, `BaseUnusable`, `Diverged`, and `Stopped` after a checkpoint when `stop` said so.
    """
    import torch
    from accelerate import Accelerator

    if config.method == "classifier":
        raise BadConfig("a classifier learns from texts with labels, not from conversations; see `finetune.classify`")
    cuda = torch.cuda.is_available()
    accelerator = Accelerator(cpu=not cuda, mixed_precision="bf16" if cuda else "no")
    base = open_base(config.base, config.four_bit, accelerator.device.type, whole=config.method == "full")
    run = _Run(
        config, base, Lessons(base.tokenizer, rows, config), Lessons(base.tokenizer, validation, config), folder, accelerator=accelerator
    )
    run.go(on_progress, stop)
    return run.finish()


class _Run:
    def __init__(self, config: TrainConfig, base: Base, lessons: Lessons, validation: Lessons, folder: Path, *, accelerator: Any) -> None:
        if not lessons.rows or not validation.rows:
            raise BadRows(
                f"{len(lessons.rows)} training and {len(validation.rows)} validation rows fit into {config.max_length} tokens, "
                f"{lessons.skipped + validation.skipped} do not; at least one of each has to. Give more rows, or a larger max_length."
            )
        self.config, self.base, self.lessons, self.validation, self.folder = config, base, lessons, validation, folder
        self._accelerator = accelerator
        self._data = data_hash([*lessons.rows, *validation.rows])
        self.history = History()
        found = checkpoints.newest(folder / "checkpoints")
        if found is None:
            self.history.untrained = self._measure(base.model)
        self.plan = plan(config, len(lessons.rows), accelerator.num_processes)
        self.learner = Learner(base, config, self.plan.steps, accelerator)
        if found is not None:
            self._restore(found)

    def _restore(self, found: checkpoints.Checkpoint) -> None:
        if found.state["made_from"] != self._made_from():
            raise BadRows(f"{self.folder} holds a run with another config, base or rows; use a folder of its own for each run.")
        history = found.state["history"]
        self.history = History(**{**history, "best": Best(**history["best"])})
        self.learner.restore(found.weights(), found.optimizer())

    def _made_from(self) -> dict[str, Any]:
        return {"config": self.config.to_json(), "base": self.base.sha256, "data": self._data}

    def go(self, on_progress: Callable[[Progress], None], stop: Callable[[], bool]) -> None:
        """Train until the last step, or until the validation loss has stopped falling."""
        history, plan = self.history, self.plan
        started = time.monotonic() - history.seconds
        saved = time.monotonic()
        with _writer(self.folder / "tensorboard", history.step) as writer:
            for batches in self._batches():
                if stop():
                    self._checkpoint()
                    raise Stopped(f"stopped after step {history.step} of {plan.steps}; resume it to go on from there.")
                rate = self.learner.rate * rate_share(history.step, plan.steps, self.config.warmup)
                loss = self.learner.learn(batches, history.step, rate)
                history.step += 1
                history.tokens += sum(int(batch["attention_mask"].sum()) for batch in batches)
                history.losses.append((history.step, loss))
                history.seconds = time.monotonic() - started
                measured = self._evaluate() if plan.looks(history.step) else None
                if measured is not None or time.monotonic() - saved > _CHECKPOINT_S:
                    self._checkpoint()
                    saved = time.monotonic()
                progress = self._progress(loss, measured, rate)
                _log(writer, progress)
                on_progress(progress)

    def _batches(self) -> Iterator[list[dict[str, Any]]]:
        """What is left of the run: the batches of each optimizer step, ending early when the loss has stopped falling."""
        size = self.config.accumulation
        while not self._over():
            epoch, place = self.plan.place(self.history.step)
            rows = self.lessons.of_epoch(epoch)
            batches = order([len(row.ids) for row in rows], self.config.batch, self.config.seed, epoch)
            left = loader(rows, batches[place * size * self._accelerator.num_processes :], self.learner.pad)
            step: list[dict[str, Any]] = []
            for batch in self._accelerator.prepare(left):
                step.append(batch)
                if len(step) == size:
                    yield step
                    step = []
                    if self._over():
                        return
            if step:
                yield step

    def _over(self) -> bool:
        return self.history.step >= self.plan.steps or self.history.best.worse >= self.config.patience

    def _measure(self, model: Any) -> float:
        return mean_loss(model, self.validation.plain, self.base.tokenizer.pad_token_id, self._accelerator.device)

    def _evaluate(self) -> float:
        """Measure, and keep the adapter when it is the best so far. Raises `Diverged`."""
        history = self.history
        loss = self._measure(self.learner.model)
        if not math.isfinite(loss):
            raise Diverged(f"the validation loss is {loss} after step {history.step}; use a smaller lr (it was {self.learner.rate:.2g}).")
        history.validations.append((history.step, loss))
        history.best = history.best.seen(loss, history.step)
        if history.best.step == history.step and self._accelerator.is_main_process:
            made = self._best()
            shutil.rmtree(made, ignore_errors=True)
            save(self.learner.plain, made)
            checkpoints.mark(made, {})
        return loss

    def _best(self) -> Path:
        return checkpoints.place(self.folder / "best", self.history.best.step)

    def _checkpoint(self) -> None:
        if not self._accelerator.is_main_process:
            return
        state = {"made_from": self._made_from(), "history": asdict(self.history)}
        made = checkpoints.place(self.folder / "checkpoints", self.history.step)
        checkpoints.write(made, self.learner.weights(), self.learner.memory(), state)
        for old in (self.folder / "best").glob("step-*"):  # only now: the checkpoint before this one needed the best before
            if old != self._best():
                shutil.rmtree(old, ignore_errors=True)

    def _progress(self, loss: float, measured: float | None, rate: float) -> Progress:
        history = self.history
        speed = history.tokens / max(history.seconds, 1e-9)
        return Progress(history.step, self.plan.steps, history.step / self.plan.per_epoch, loss, measured, rate, history.seconds, speed)

    def finish(self) -> Trained:
        """The best adapter with its recipe, moved into place as a whole."""
        history = self.history
        trainable, total = counts(self.learner.plain)
        result = self.folder / "adapter"
        done = Trained(
            adapter=result,
            trainable_share=trainable / total,
            untrained=history.untrained,
            losses=pairs(history.losses),
            validations=pairs(history.validations),
            best_step=history.best.step,
            best_loss=history.best.loss,
            steps=history.step,
            seconds=history.seconds,
            skipped=self.lessons.skipped + self.validation.skipped,
        )
        made = result.with_name("adapter.new")
        shutil.rmtree(made, ignore_errors=True)
        shutil.copytree(self._best(), made, ignore=shutil.ignore_patterns("complete.json", "README.md"))
        if self.config.method == "full":
            self.base.tokenizer.save_pretrained(made)
        about = {key: value for key, value in asdict(done).items() if key != "adapter"}
        about |= {"trainable": trainable, "rate": self.learner.rate, "notes": self.base.notes}
        about |= {"data": {"sha256": self._data, "rows": len(self.lessons.rows), "validation": len(self.validation.rows)}}
        write_recipe(made, self.config, self.base.sha256, template_hash(self.base.tokenizer), about)
        shutil.rmtree(result, ignore_errors=True)
        made.rename(result)
        return done


def pairs(found: Sequence[Sequence[Any]]) -> tuple[tuple[int, float], ...]:
    """As they come from JSON, as they are."""
    return tuple((int(step), float(loss)) for step, loss in found)


def _writer(folder: Path, step: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step + 1)


def _log(writer: Any, progress: Progress) -> None:
    writer.add_scalar("loss/train", progress.loss, progress.step)
    writer.add_scalar("rate", progress.rate, progress.step)
    if progress.validation is not None:
        writer.add_scalar("loss/validation", progress.validation, progress.step)
