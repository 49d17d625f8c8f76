"""What `answerdesk finetune train` and `finetune jobs` do. A run works in a process of its own; these only begin, end and list them."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.config import TrainConfig, command, from_json
from finetune.errors import BadRows, FinetuneError
from finetune.jobs import Job, Jobs
from finetune.rows import Row, read_labelled, read_rows, split, split_labelled
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk


logger = logging.getLogger(__name__)
STARTER = "starter"  # the base that is made where it is not there yet


def jobs_of(data_dir: Path) -> Jobs:
    """The runs of a data folder."""
    return Jobs(data_dir.absolute() / "runs")


def keep_running(data_dir: Path, every_s: float = 10) -> None:
    """Have runs that were killed, by a restart of the machine too, go on: now and for as long as this process lives."""

    def tend() -> None:
        while True:
            try:
                jobs_of(data_dir).tend()
            except (OSError, FinetuneError):
                logger.exception("a training run cannot be started again")
            time.sleep(every_s)

    threading.Thread(target=tend, name="runs", daemon=True).start()


def train_on_file(
    app: "App | Desk", emit: Emit, *, options: dict[str, Any], data: str, validation: str = "", run: str = "", dry: bool = False
) -> dict[str, Any]:
    """Begin a run on the rows of a file. Paths are absolute. validation: a file of its own; else a tenth of the conversations is held out.

    dry: say what it would take and begin nothing.
    """
    config = from_json(options)
    if config.method == "classifier":
        return _begin_classifier(app, emit, config, Path(data), Path(validation) if validation else None, run=run, dry=dry)
    rows = read_rows(Path(data))
    held = read_rows(Path(validation)) if validation else []
    if rows and not held:
        rows, held = split(rows, seed=config.seed)
    return begin(app, emit, config, rows, held, run=run, dry=dry, data=Path(data))


def _begin_classifier(
    app: "App | Desk", emit: Emit, config: TrainConfig, data: Path, validation: Path | None, *, run: str, dry: bool
) -> dict[str, Any]:
    """An encoder is small, and its run short: there is no estimate. The starter is no encoder, and the shipped one stands in for it."""
    rows, held = (read_labelled(data), read_labelled(validation)) if validation else split_labelled(read_labelled(data), seed=config.seed)
    if not rows or not held:
        raise BadRows(f"{data} has too few rows: some to learn from and some to validate with are needed.")
    config = config.model_copy(update={"base": "minilm" if config.base == STARTER else base_of(config.base, app.settings.data_dir, emit)})
    said = command(config, data)
    words = f"a few minutes for {len(rows)} texts"
    result = {"estimate": None, "in_words": words, "command": said, "rows": len(rows), "validation": len(held)}
    if dry:
        return {"run": None, **result}
    job = jobs_of(app.settings.data_dir).start(config, rows, held, run, said)
    return {"run": job.run, "folder": str(job.folder), **result}


def begin(
    app: "App | Desk",
    emit: Emit,
    config: TrainConfig,
    rows: list[Row],
    validation: list[Row],
    *,
    run: str = "",
    dry: bool = False,
    data: Path | None = None,
) -> dict[str, Any]:
    """Estimate, then begin a run in its process. Raises `BadRows` when there is nothing to learn from."""
    from finetune.estimate import estimate, in_words, lengths

    if not rows:
        raise BadRows("There are no rows to learn from. Give --data FILE, or approve examples (answerdesk examples approve ID).")
    said = command(config, data)
    config = config.model_copy(update={"base": base_of(config.base, app.settings.data_dir, emit)})
    found = estimate(config, *lengths(config, rows, validation))
    result = {"estimate": asdict(found), "in_words": in_words(found), "command": said, "rows": len(rows), "validation": len(validation)}
    if dry:
        return {"run": None, **result}
    job = jobs_of(app.settings.data_dir).start(config, rows, validation, run, said)
    return {"run": job.run, "folder": str(job.folder), **result}


def base_of(name: str, data_dir: Path, emit: Emit) -> str:
    """The folder or hub name that stands behind `name`; the starter model is made where it is not there yet."""
    if name != STARTER:
        folder = Path(name)
        return str(folder.absolute()) if folder.is_dir() else name
    from finetune.starter import starter

    def progress(done: int, total: int) -> None:
        emit({"progress": {"done": done, "total": total, "name": "making the starter model"}})

    return str(starter(data_dir.absolute(), progress=progress))


def list_runs(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """All runs, oldest first; those that were killed go on."""
    jobs = jobs_of(app.settings.data_dir)
    jobs.tend()
    return {"runs": [job_json(job) for job in jobs.all()]}


def stop_run(app: "App | Desk", emit: Emit, *, run: str) -> dict[str, Any]:  # noqa: ARG001
    """End a run after its present step."""
    return job_json(jobs_of(app.settings.data_dir).stop(run))


def resume_run(app: "App | Desk", emit: Emit, *, run: str) -> dict[str, Any]:  # noqa: ARG001
    """Go on with a run."""
    return job_json(jobs_of(app.settings.data_dir).resume(run))


def job_json(job: Job) -> dict[str, Any]:
    """A run as programs see it."""
    names = ("run", "state", "created", "step", "steps", "loss", "validation", "seconds", "remaining_s", "command", "error")
    about = {name: getattr(job, name) for name in names}
    return {**about, "method": job.config.method, "base": job.config.base, "folder": str(job.folder)}


TRAINING: dict[str, Callable[..., dict[str, Any]]] = {
    operation.__name__: operation for operation in (train_on_file, list_runs, stop_run, resume_run)
}
"""By name; all work with the database alone."""
