"""The process of one run: `python -m finetune.worker FOLDER`, started by `finetune.jobs` with the run's lock already held."""

import os
import sys
import time
import traceback
import warnings
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.config import TrainConfig, from_json
from finetune.errors import FinetuneError, Stopped
from finetune.jobs import append, read_json, write_json
from finetune.rows import read_labelled, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from finetune.train import Progress, Trained

_POLITE = 5  # nice: customers' answers come first
_SAY_S = 5  # between two lines of the log about steps without a validation


def work(folder: Path) -> None:
    """Do what `folder` asks for, and leave in it how that went: result.json, error.json, or neither when it was stopped."""
    append(folder, {"started": datetime.now(UTC).isoformat(timespec="seconds"), "pid": os.getpid()})
    try:
        result = _result(folder)
        _log(f"done: best validation loss {result['best_loss']:.4f} at step {result['best_step']}")
        write_json(folder / "result.json", result)
    except Stopped as stopped:
        append(folder, {"note": str(stopped)})
        _log(str(stopped))
    except FinetuneError as error:
        _log(str(error))
        write_json(folder / "error.json", {"error": str(error)})
    except Exception as error:  # noqa: BLE001  (the log has where; people read what)
        traceback.print_exc()
        write_json(folder / "error.json", {"error": f"unexpected {type(error).__name__}: {_first_line(error)}. See {folder / 'log.txt'}."})


def _result(folder: Path) -> dict[str, Any]:
    from finetune.train import Progress

    job = read_json(folder / "job.json") or {}
    config = from_json(job["config"])

    said = 0.0

    def tell(progress: Progress) -> None:
        nonlocal said
        append(folder, asdict(progress))
        if progress.validation is not None or progress.step == progress.steps or time.monotonic() - said > _SAY_S:
            said = time.monotonic()
            _log(in_words(progress))

    _log(f"{config.method} on {config.base}")
    done = _trained(config, folder, tell)
    return {
        "run": folder.name,
        "adapter": str(done.adapter),
        "base": config.base,
        "method": config.method,
        "trainable_share": done.trainable_share,
        "loss": [loss for _, loss in done.losses],
        "validation_loss": [list(pair) for pair in done.validations],
        "untrained_loss": done.untrained,
        "best_step": done.best_step,
        "best_loss": done.best_loss,
        "skipped": done.skipped,
        "seconds": round(done.seconds, 3),
        "seed": config.seed,
    }


def in_words(progress: "Progress") -> str:
    """A line of the log."""
    validation = "" if progress.validation is None else f", validation {progress.validation:.4f}"
    rest = f"rate {progress.rate:.1e}, {progress.tokens_per_s:.0f} tokens/s, {progress.seconds:.0f} s"
    return f"step {progress.step}/{progress.steps}, epoch {progress.epoch:.2f}: loss {progress.loss:.4f}{validation}; {rest}"


def _log(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)


def _trained(config: TrainConfig, folder: Path, tell: "Callable[[Progress], None]") -> "Trained":
    stop = (folder / "stop").exists
    learned, judged = folder / "rows.jsonl", folder / "validation.jsonl"
    if config.method == "classifier":
        from finetune.classify import train_classifier

        return train_classifier(config, read_labelled(learned), read_labelled(judged), folder, tell, stop=stop)
    from finetune.train import train

    return train(config, read_rows(learned), read_rows(judged), folder, tell, stop=stop)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]


def main() -> None:
    """Do the run that is named on the command line."""
    warnings.simplefilter("ignore")
    os.nice(_POLITE)
    work(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
