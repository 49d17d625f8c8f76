"""`finetune train` and `finetune jobs` from the shell, with a tiny model."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from finetune.config import TrainConfig
from finetune.rows import write_rows
from tests.finetune.learning import rows
from tests.tiny import tiny_model
from tests.ui.desk import TOOLS
from ui.cli import cli


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_rows(rows(), tmp_path / "rows.jsonl")
    return tmp_path / "rows.jsonl"


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, ["finetune", *map(str, args)], obj=TOOLS, env={"COLUMNS": "200"})


def as_json(result: Result) -> Any:
    assert result.stdout.count("\n") == 1, result.output
    return json.loads(result.stdout)


def test_an_adapter_is_trained_and_the_run_is_found_again(base: Path, data: Path, tmp_path: Path):
    options = ("--data-dir", tmp_path / "data", "--json")
    trained = run("train", "--base", base, "--method", "lora", "--steps", 4, "--data", data, "--run", "first", *options)
    assert trained.exit_code == 0, trained.output
    result = as_json(trained)
    assert {"run", "adapter", "base", "method", "trainable_share", "loss", "best_step", "seconds", "seed"} <= result.keys()
    assert (result["run"], result["method"], len(result["loss"]), result["seed"]) == ("first", "lora", 4, 0)
    assert (Path(result["adapter"]) / "adapter_model.safetensors").exists()

    [listed] = as_json(run("jobs", "list", *options))["runs"]
    assert (listed["run"], listed["state"], listed["step"], listed["steps"]) == ("first", "done", 4, 4)
    assert listed["command"] == f"answerdesk finetune train --base {base} --method lora --steps 4 --data {data}"
    assert "done" in run("jobs", "list", "--data-dir", tmp_path / "data").output
    assert as_json(run("jobs", "stop", "first", *options))["state"] == "done"


def test_a_dry_run_says_what_it_would_take(base: Path, data: Path, tmp_path: Path):
    done = run("train", "--base", base, "--data", data, "--dry-run", "--json", "--data-dir", tmp_path / "data")
    result = as_json(done)
    assert (result["run"], result["rows"], result["validation"]) == (None, 22, 2)
    assert result["estimate"]["memory_bytes"] > result["estimate"]["weights_bytes"] > 0
    assert result["estimate"]["seconds"] > 0
    assert result["command"] == f"answerdesk finetune train --base {base} --method qlora --data {data}"
    assert not (tmp_path / "data" / "runs").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--method", "lorra"), "'lorra'"),
        (("--method", "full", "--four-bit"), "4 bits cannot be trained"),
        (("--r", "0"), "r is 0"),
        (("--data", "nowhere.jsonl"), "no file nowhere.jsonl"),
        (("--run", "../x"), "allowed are up to 64"),
        (("--config", "nowhere.json"), "cannot be read"),
    ],
)
def test_a_wrong_request_ends_with_2_and_a_reason(base: Path, data: Path, tmp_path: Path, options: tuple[str, ...], said: str):
    done = run("train", "--base", base, "--data", data, "--data-dir", tmp_path / "data", "--json", *options)
    assert done.exit_code == 2, done.output
    assert said in as_json(done)["error"]


def test_a_base_that_does_not_exist_ends_with_1(data: Path, tmp_path: Path):
    done = run("train", "--base", tmp_path / "none", "--data", data, "--data-dir", tmp_path / "data", "--json")
    assert done.exit_code == 1
    assert "cannot be opened" in as_json(done)["error"]


def test_the_command_line_wins_over_the_file(base: Path, data: Path, tmp_path: Path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"method": "dora", "r": 4, "base": str(base)}), encoding="utf-8")
    found = as_json(run("train", "--config", path, "--r", 8, "--data", data, "--dry-run", "--json", "--data-dir", tmp_path / "data"))
    assert "--method dora --r 8" in found["command"]


def test_every_option_of_a_run_is_an_option_of_the_command():
    said = run("train", "--help").output
    assert [name for name in TrainConfig.model_fields if f"--{name.replace('_', '-')}" not in said] == []


def test_an_unknown_run_is_named(tmp_path: Path):
    done = run("jobs", "resume", "nothing", "--data-dir", tmp_path / "data", "--json")
    assert done.exit_code == 2
    assert "no run 'nothing'" in as_json(done)["error"]
