"""What `answerdesk finetune train` and `finetune jobs` do. A run works in a process of its own; these only begin, end and list them."""

import logging
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.config import TrainConfig, command, from_json
from finetune.errors import BadRows, FinetuneError
from finetune.jobs import Job, Jobs, log_of, progress
from finetune.rows import Row, read_labelled, read_rows, split, split_labelled
from ui import audit
from ui.errors import Failure
from ui.loopback import Emit

if TYPE_CHECKING:
    from ui.build import App, Desk


logger = logging.getLogger(__name__)
STARTER = "starter"  # the base that is made where it is not there yet
_POINTS = 240  # of a curve that is shown: more than a picture has room for
_LOG_LINES = 60
_FEWEST = 8  # rows to which a run may be held


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


def train_on_pool(
    app: "App", emit: Emit, *, options: dict[str, Any], rows: int | None = None, run: str = "", dry: bool = False, by: str = "shell"
) -> dict[str, Any]:
    """Begin a run on the approved examples, as the loop would. rows: so many at most. dry: say what it would take and begin nothing."""
    from finetune.loop import Limits, config_for
    from ui.material import material_of

    given = from_json(check_run(app, emit, options=options, rows=rows, run=run)["options"])
    limits = Limits(seed=given.seed) if rows is None else Limits(rows=rows, seed=given.seed)
    material = material_of(app, emit, limits)
    more = {name: value for name, value in options.items() if name not in ("base", "method", "seed")}
    config = config_for(given.base, given.method, len(material.train), given.seed, **more)
    place = ["--data-dir", str(app.settings.data_dir.absolute())]
    said = f"{command(config)} {shlex.join(([] if rows is None else ['--rows', str(rows)]) + place)}"
    found = begin(app, emit, config, list(material.train), list(material.validation), run=run, dry=dry, said=said, by=by)
    return {**found, "material": material.to_json()}


def check_run(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    options: dict[str, Any],
    rows: int | None = None,
    run: str = "",
) -> dict[str, Any]:
    """What a run on the pool would do, {"options"}. Raises `BadConfig` and `Failure` for what it cannot be."""
    given = from_json(options)
    if given.method == "classifier":
        raise Failure("A classifier learns from labelled texts, which the pool does not hold; give them with --data FILE.", 2)
    if rows is not None and rows < _FEWEST:
        raise Failure(f"The rows are {rows}; allowed: {_FEWEST} and more.", 2)
    if run in {job.run for job in jobs_of(app.settings.data_dir).all()}:
        raise Failure(f"There is a run {run!r} already; choose another name, or resume that one.", 2)
    return {"options": given.to_json()}


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
    said: str = "",
    by: str = "shell",
) -> dict[str, Any]:
    """Estimate, then begin a run in its process. said: the command that does the same. Raises `BadRows` when there is nothing to learn."""
    from finetune.estimate import estimate, in_words, lengths

    if not rows:
        raise BadRows("There are no rows to learn from. Give --data FILE, or approve examples (answerdesk examples approve ID).")
    said = said or command(config, data)
    config = config.model_copy(update={"base": base_of(config.base, app.settings.data_dir, emit)})
    found = estimate(config, *lengths(config, rows, validation))
    result = {"estimate": asdict(found), "in_words": in_words(found), "command": said, "rows": len(rows), "validation": len(validation)}
    if dry:
        return {"run": None, **result}
    job = jobs_of(app.settings.data_dir).start(config, rows, validation, run, said)
    audit.record(app.engine, by, "finetune.train", job.run, said)
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


def show_run(app: "App | Desk", emit: Emit, *, run: str) -> dict[str, Any]:  # noqa: ARG001
    """A run with its losses so far, [step, loss] each, the end of its log, and its result where it has one."""
    jobs = jobs_of(app.settings.data_dir)
    job = jobs.get(run)
    steps = {int(line["step"]): line for line in progress(job.folder) if "step" in line}  # a resumed run takes some steps again
    last = steps[max(steps)] if steps else {}
    validations = [[step, line["validation"]] for step, line in sorted(steps.items()) if line.get("validation") is not None]
    return {
        **job_json(job),
        "losses": _thinned([[step, line["loss"]] for step, line in sorted(steps.items())]),
        "validations": _thinned(validations),
        "tokens_per_s": last.get("tokens_per_s"),
        "options": job.config.to_json(),
        "log": log_of(job.folder, _LOG_LINES),
        "result": jobs.result(run),
    }


def _thinned(points: list[list[float]]) -> list[list[float]]:
    """At most `_POINTS` of them, evenly, the last always among them."""
    every = -(-len(points) // _POINTS) or 1
    return points[::-every][::-1]


def stop_run(app: "App | Desk", emit: Emit, *, run: str, by: str = "shell") -> dict[str, Any]:  # noqa: ARG001
    """End a run after its present step."""
    stopped = job_json(jobs_of(app.settings.data_dir).stop(run))
    audit.record(app.engine, by, "finetune.stop", run)
    return stopped


def resume_run(app: "App | Desk", emit: Emit, *, run: str, by: str = "shell") -> dict[str, Any]:  # noqa: ARG001
    """Go on with a run."""
    resumed = job_json(jobs_of(app.settings.data_dir).resume(run))
    audit.record(app.engine, by, "finetune.resume", run)
    return resumed


def job_json(job: Job) -> dict[str, Any]:
    """A run as programs see it."""
    names = ("run", "state", "created", "step", "steps", "loss", "validation", "seconds", "remaining_s", "command", "error")
    about = {name: getattr(job, name) for name in names}
    return {**about, "method": job.config.method, "base": job.config.base, "folder": str(job.folder)}


TRAINING: dict[str, Callable[..., dict[str, Any]]] = {
    operation.__name__: operation for operation in (train_on_file, check_run, list_runs, show_run, stop_run, resume_run)
}
"""By name; these work with the database alone."""
OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {"train_on_pool": train_on_pool}
"""This needs the index too: the rows carry what a turn would have found."""
