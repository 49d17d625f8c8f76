"""Runs in processes of their own, which outlive the page, the command and the server that started them.

A run is a folder; all that is known of it is read from the files in it, so that any process finds it again:

    job.json            what is to be done      progress.jsonl   a line a step, and one at each start
    rows.jsonl          what it learns from     log.txt          what the process said
    validation.jsonl    what it is judged by    result.json      how it ended well
    lock                held by its process,    error.json       how it ended badly
                        whose id is in it       adapter/         what it made
    stop                somebody wishes its end

Whoever starts the process locks the file and hands the open lock down: there are never two processes on one run, and the system frees the
lock however the process ends. A run that is neither locked nor ended was killed, and `tend` starts it again.
"""

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from finetune.config import TrainConfig, command, from_json
from finetune.errors import BadConfig, UnknownRun
from finetune.rows import Labelled, Row, write_rows

State = Literal["running", "stopping", "stopped", "interrupted", "done", "failed"]
AnyRow = Row | Labelled
_DEATHS = 5  # deaths in a row without a single step, after which a run is given up
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Job:
    """A run as its folder shows it. interrupted: it was killed, and goes on when it is next tended. remaining_s: None when not known."""

    run: str
    folder: Path
    config: TrainConfig
    command: str
    state: State
    created: str
    step: int = 0
    steps: int = 0
    loss: float | None = None
    validation: float | None = None
    seconds: float = 0.0
    remaining_s: float | None = None
    error: str = ""


class Jobs:
    """The runs under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, config: TrainConfig, rows: Sequence[AnyRow], validation: Sequence[AnyRow], run: str = "", said: str = "") -> Job:
        """Begin a run. run: its name; empty makes one. said: the command that does the same again.

        Raises `BadConfig` for a name that is taken or not allowed.
        """
        now = datetime.now(UTC)
        run = run or f"{config.method}-{now:%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"
        if not _NAME.fullmatch(run):
            raise BadConfig(
                f"the run's name is {run!r}; allowed are up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit"
            )
        folder = self.folder / run
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            folder.mkdir()
        except FileExistsError:
            raise BadConfig(f"there is a run {run!r} already; choose another name, or resume that one") from None
        write_rows(rows, folder / "rows.jsonl")
        write_rows(validation, folder / "validation.jsonl")
        job = {"config": config.to_json(), "created": now.isoformat(timespec="seconds"), "command": said or command(config)}
        write_json(folder / "job.json", job)  # last: before it there is no run
        _launch(folder)
        return self.get(run)

    def all(self) -> list[Job]:
        """All runs, oldest first."""
        found = [_job(path.parent) for path in self.folder.glob("*/job.json")]
        return sorted(found, key=lambda job: (job.created, job.run))

    def get(self, run: str) -> Job:
        """One run. Raises `UnknownRun`."""
        if not _NAME.fullmatch(run) or not (self.folder / run / "job.json").exists():
            known = ", ".join(job.run for job in self.all()[-10:]) or "none"
            raise UnknownRun(f"there is no run {run[:80]!r}; the newest are: {known}. `answerdesk finetune train` begins one.")
        return _job(self.folder / run)

    def stop(self, run: str) -> Job:
        """Have it end after its present step, with a checkpoint. One that has ended stays as it is."""
        job = self.get(run)
        if job.state in ("running", "interrupted"):
            (job.folder / "stop").touch()
        return self.get(run)

    def resume(self, run: str) -> Job:
        """Go on with a run that was stopped, killed or has failed. One that works or is done stays as it is."""
        job = self.get(run)
        if job.state == "done":
            return job
        for name in ("stop", "error.json"):
            (job.folder / name).unlink(missing_ok=True)
        if job.state not in ("running", "stopping"):
            append(job.folder, {"resumed": datetime.now(UTC).isoformat(timespec="seconds")})
            _launch(job.folder)
        return self.get(run)

    def tend(self) -> list[str]:
        """Start those again that were killed; returns their names. Safe to call at any time and from any process."""
        started = []
        for folder in sorted(path.parent for path in self.folder.glob("*/job.json")):
            if _state(folder) == "interrupted":
                if _deaths(folder) >= _DEATHS:
                    _give_up(folder)
                elif _launch(folder):
                    started.append(folder.name)
        return started

    def working(self) -> list[str]:
        """The runs that have a process at this moment, by name."""
        return [path.parent.name for path in sorted(self.folder.glob("*/job.json")) if _works(path.parent)]

    def result(self, run: str) -> dict[str, Any] | None:
        """How it ended, None while it has not, or not well."""
        return read_json(self.get(run).folder / "result.json")


def _launch(folder: Path) -> bool:
    """Start the process of a run; False when it has one."""
    lock = _locked(folder)
    if lock is None:
        return False
    try:
        with (folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "finetune.worker", str(folder.absolute())],
                cwd=Path(__file__).parents[1],  # where this package is found, installed or not
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},  # threads that spin while they wait take six times as long beside others
                start_new_session=True,  # not to die with the terminal
                pass_fds=(lock,),
            )
        os.truncate(lock, 0)
        os.pwrite(lock, str(process.pid).encode(), 0)
    finally:
        os.close(lock)  # the child's copy goes on holding it
    return True


def _locked(folder: Path, how: int = fcntl.LOCK_EX) -> int | None:
    """The open lock of a run, None when its process holds it."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _works(folder: Path) -> bool:
    lock = _locked(folder, fcntl.LOCK_SH)  # any number may look at once
    if lock is None:
        return True
    os.close(lock)
    return False


def _job(folder: Path) -> Job:
    about = read_json(folder / "job.json") or {}
    steps = [line for line in progress(folder) if "step" in line]
    last = steps[-1] if steps else {}
    validations = [line["validation"] for line in steps if line.get("validation") is not None]
    error = read_json(folder / "error.json")
    step, total, seconds = int(last.get("step", 0)), int(last.get("steps", 0)), float(last.get("seconds", 0))
    return Job(
        run=folder.name,
        folder=folder,
        config=from_json(about["config"]),
        command=about["command"],
        state=_state(folder),
        created=about["created"],
        step=step,
        steps=total,
        loss=last.get("loss"),
        validation=validations[-1] if validations else None,
        seconds=seconds,
        remaining_s=seconds / step * (total - step) if step else None,
        error=str(error["error"]) if error else "",
    )


def _state(folder: Path) -> State:
    asked = (folder / "stop").exists()
    if (folder / "result.json").exists():
        return "done"
    if _works(folder):
        return "stopping" if asked else "running"
    if (folder / "result.json").exists():  # it ended while we looked
        return "done"
    if (folder / "error.json").exists():
        return "failed"
    return "stopped" if asked else "interrupted"


def _deaths(folder: Path) -> int:
    """How often the process was started since its last sign of life."""
    deaths = 0
    for line in progress(folder):
        deaths = deaths + 1 if "started" in line else 0
    return deaths


def _give_up(folder: Path) -> None:
    with suppress(OSError):
        said = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip()[-400:]
        write_json(
            folder / "error.json",
            {
                "error": f"the process of {folder.name} ended {_DEATHS} times before its first step; its memory may not have been enough. "
                f"Correct the cause and resume it. Its log ends with: {said or 'nothing'}"
            },
        )


def progress(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run so far. One that a kill cut off is left out."""
    path = folder / "progress.jsonl"
    try:
        now = path.stat()
    except FileNotFoundError:
        return []
    return list(_lines(path, now.st_mtime_ns, now.st_size))


@lru_cache(maxsize=32)
def _lines(path: Path, _changed: int, _size: int) -> tuple[dict[str, Any], ...]:
    """Pages look at all runs every other second, and most of them no longer change."""
    lines = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError):
            if isinstance(found := json.loads(line), dict):
                lines.append(found)
    return tuple(lines)


def log_of(folder: Path, most: int) -> list[str]:
    """The last lines that a run's process said."""
    try:
        with (folder / "log.txt").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 200 * most))
            return file.read().decode("utf-8", "replace").splitlines()[-most:]
    except FileNotFoundError:
        return []


def append(folder: Path, line: dict[str, Any]) -> None:
    """Add a line to a run's progress, on a line of its own whatever was there before."""
    with (folder / "progress.jsonl").open("a+b") as file:
        if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
            file.write(b"\n")
        file.write(json.dumps(line).encode() + b"\n")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    beside.rename(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, None where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
