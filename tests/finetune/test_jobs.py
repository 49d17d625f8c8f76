"""Runs in processes of their own: found again, stopped, resumed, and going on after a kill."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finetune.errors import BadConfig, UnknownRun
from finetune.jobs import Job, Jobs, append, progress
from finetune.train import train
from tests.finetune.learning import quick, rows
from tests.tiny import tiny_model

ROWS = rows()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(tmp_path / "runs")
    yield made
    for job in made.all():
        if job.state in ("running", "stopping"):
            kill(job)


def kill(job: Job) -> bool:
    """Kill the run's process, if it has one."""
    try:
        os.kill(int((job.folder / "lock").read_text(encoding="ascii")), signal.SIGKILL)
    except (ProcessLookupError, ValueError):
        return False
    until(lambda: Jobs(job.folder.parent).get(job.run).state != "running")
    return True


def until(reached: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def ended(jobs: Jobs, run: str) -> Job:
    until(lambda: jobs.get(run).state in ("done", "failed", "stopped"))
    return jobs.get(run)


def test_a_run_is_stopped_resumed_killed_and_ends_as_in_one_go(base: Path, tmp_path: Path, jobs: Jobs):
    config = quick(base, steps=150, evaluations=15, patience=1000)
    first = jobs.start(config, ROWS[:16], ROWS[16:], "one")
    assert (first.state, first.command) == (
        "running",
        f"answerdesk finetune train --base {base} --method lora --r 4 --steps 150 --batch 4".replace(" --batch 4", "")
        + " --accumulation 1 --evaluations 15 --patience 1000",
    )
    until(lambda: jobs.get("one").step > 10)
    assert jobs.stop("one").state in ("stopping", "stopped")
    stopped = ended(Jobs(jobs.folder), "one")
    assert (stopped.state, jobs.tend()) == ("stopped", [])
    assert 10 < stopped.step < 150

    jobs.resume("one")
    until(lambda: jobs.get("one").step > stopped.step + 10)
    assert kill(jobs.get("one"))
    until(lambda: jobs.get("one").state == "interrupted")
    assert Jobs(jobs.folder).tend() == ["one"]
    assert jobs.tend() == []

    done = ended(jobs, "one")
    result = jobs.result("one")
    assert done.state == "done"
    assert result
    whole = train(config, ROWS[:16], ROWS[16:], tmp_path / "whole")
    assert result["loss"] == [loss for _, loss in whole.losses]
    assert (result["best_step"], result["trainable_share"]) == (whole.best_step, whole.trainable_share)
    assert (Path(result["adapter"]) / "recipe.json").exists()
    assert jobs.resume("one").state == "done"


def test_a_run_that_cannot_work_fails_with_a_message(tmp_path: Path, jobs: Jobs):
    jobs.start(quick(tmp_path / "nothing"), ROWS[:16], ROWS[16:], "bad")
    failed = ended(jobs, "bad")
    assert failed.state == "failed"
    assert "cannot be opened" in failed.error
    assert "Traceback" not in failed.error
    assert jobs.tend() == []


def test_a_run_that_dies_at_once_again_and_again_is_given_up(base: Path, jobs: Jobs):
    folder = jobs.start(quick(base), ROWS[:16], ROWS[16:], "dying").folder
    ended(jobs, "dying")
    (folder / "result.json").unlink()
    for _ in range(5):
        append(folder, {"started": "2026-01-05"})
    until(lambda: jobs.get("dying").state == "interrupted")
    assert jobs.tend() == []
    assert jobs.get("dying").state == "failed"
    assert "5 times" in jobs.get("dying").error


def test_names_are_checked(base: Path, jobs: Jobs):
    with pytest.raises(BadConfig, match="allowed are up to 64"):
        jobs.start(quick(base), ROWS, ROWS, "../../etc")
    with pytest.raises(UnknownRun, match=r"there is no run '\.\./x'"):
        jobs.get("../x")
    assert jobs.all() == []


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path):
    append(tmp_path, {"step": 1})
    with (tmp_path / "progress.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 2, "lo')
    append(tmp_path, {"step": 3})
    assert progress(tmp_path) == [{"step": 1}, {"step": 3}]


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_kills_at_random_moments_cost_nothing_but_time(base: Path, tmp_path: Path, jobs: Jobs):
    """Twelve kills over several runs; each ends with the losses and the weights of a run that was left alone."""
    chance = random.Random(5)
    config = quick(base, steps=120, evaluations=60, patience=1000)
    whole = train(config, ROWS[:16], ROWS[16:], tmp_path / "whole")
    weights = (whole.adapter / "adapter_model.safetensors").read_bytes()
    kills = number = 0
    while kills < 12:
        number += 1
        kills += killed_until_done(jobs, jobs.start(config, ROWS[:16], ROWS[16:], f"run{number}").run, chance)
        result = jobs.result(f"run{number}")
        assert result
        assert result["loss"] == [loss for _, loss in whole.losses]
        assert (Path(result["adapter"]) / "adapter_model.safetensors").read_bytes() == weights


def killed_until_done(jobs: Jobs, run: str, chance: random.Random) -> int:
    """Kill the run up to ten times, mostly while it trains and sometimes while it starts, then let it end; returns how often."""
    kills = 0
    while (job := jobs.get(run)).state != "done":
        assert job.state in ("running", "interrupted"), job.error
        jobs.tend()
        if kills < 10 and chance.random() < 0.8:
            step = job.step
            until(lambda step=step: jobs.get(run).step > step or jobs.get(run).state == "done")  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.5))
        if kills < 10 and jobs.get(run).state == "running":
            kills += kill(job)
    return kills
