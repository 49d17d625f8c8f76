"""What the command line says of requests that are wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui.test_cli import ROOT, _plain, as_json, run  # noqa: F401  (a fixture)


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_path_is_not_the_folder_one_is_in(tmp_path: Path, path: str):
    (tmp_path / "a.md").write_text("# Secret\n\nNot to be taken in.\n")
    result = run("ingest", path, "--json", "--data-dir", str(tmp_path / "d"))
    assert (result.exit_code, as_json(result)["error"]) == (
        2,
        "A path is empty. Give files or folders that exist; . is the folder you are in.",
    )


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["search", "x", "-k", "0", "--json"], "-k"),
        (["search", "x", "--json", "-k", "x"], "integer"),
        (["ask", "hi", "there", "--json"], "there"),
        (["keys", "add", "--json"], "'name'"),
        (["fly", "--json"], "'fly'"),
        (["keys", "fly", "--json"], "'fly'"),
        (["--json", "fly"], "--json"),
        (["ask", "x", "--what", "--json"], "--what"),
        (["serve", "--port", "http", "--json"], "--port"),
    ],
)
def test_a_request_that_cannot_be_read_is_one_json_object(args: list[str], said: str):
    result = run(*args)
    assert result.exit_code == 2
    error = as_json(result)["error"]
    assert said in error
    assert "--help`." in error
    assert result.stderr == ""


def test_without_json_or_after_two_dashes_it_is_said_to_people():
    for args in (["search", "x", "-k", "0"], ["ask", "--what", "--", "--json"]):
        result = run(*args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Usage" in result.stderr


def test_help_and_version_beside_json_are_what_they_are():
    assert "Usage" in run("ask", "--json", "--help").stdout
    assert run("ask", "--json", "--help").exit_code == 0


def test_the_data_folder_may_stand_before_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANSWERDESK_DATA_DIR", str(tmp_path / "env"))
    assert run("--data-dir", str(tmp_path / "a"), "keys", "add", "web", "--json").exit_code == 0
    listed = as_json(run(f"--data-dir={tmp_path / 'a'}", "keys", "list", "--json"))
    assert [key["name"] for key in listed["keys"]] == ["web"]
    assert as_json(run("--data-dir", str(tmp_path / "a"), "keys", "list", "--json", "--data-dir", str(tmp_path / "b")))["keys"] == []
    assert not (tmp_path / "env").exists()


def at_a_terminal(*args: str, answer: str) -> tuple[int, str]:
    """A command of its own whose stdin is a terminal at which `answer` is typed: its exit code, and what it says on stderr."""
    ours, theirs = os.openpty()
    with subprocess.Popen([sys.executable, "-m", "ui.cli", *args], cwd=ROOT, stdin=theirs, stderr=subprocess.PIPE, text=True) as process:
        os.write(ours, answer.encode())
        said = process.communicate(timeout=60)[1]
    os.close(ours)
    os.close(theirs)
    return process.returncode, said


def test_a_customer_is_not_erased_by_the_way(tmp_path: Path):
    folder = ("--data-dir", str(tmp_path))
    as_json(run("ask", "hello", "--customer", "anna", "--json", *folder))

    def left() -> int:
        return len(as_json(run("customers", "show", "anna", "--json", *folder))["conversations"])

    unasked = run("customers", "erase", "anna", "--json", *folder)
    assert (unasked.exit_code, "--yes" in as_json(unasked)["error"], left()) == (2, True, 1)
    assert run("customers", "erase", "anna", *folder, text="y\n").exit_code == 2  # no terminal
    for answer in ("n\n", "\x04"):
        code, said = at_a_terminal("customers", "erase", "anna", *folder, answer=answer)
        assert (code, said.endswith("Nothing was changed.\n"), left()) == (1, True, 1)
    assert at_a_terminal("customers", "erase", "anna", *folder, answer="y\n")[0] == 0
    assert left() == 0


def test_a_collection_that_is_not_there_is_told_from_one_that_holds_nothing_fitting(tmp_path: Path):
    folder = ("--data-dir", str(tmp_path))
    result = run("search", "x", "--collection", "nope", "--json", *folder)
    assert (result.exit_code, as_json(result)) == (0, {"hits": [], "note": "There is no collection 'nope'; there are: default."})
    assert "There is no collection 'nope'" in run("search", "x", "--collection", "nope", *folder).stdout
    assert as_json(run("search", "x", "--json", *folder)) == {"hits": []}


def test_redacting_nothing_says_where_the_text_comes_from():
    result = run("redact", "-", "--json", text=" \n")
    assert (result.exit_code, "nothing on stdin" in as_json(result)["error"]) == (2, True)
    assert run("redact", "-", text=b"\xff").exit_code == 2
    assert as_json(run("redact", "-", "--json", text="  Write to a@b.example\n"))["spans"] == [{"start": 11, "end": 22, "type": "MAIL"}]


@pytest.mark.parametrize("command", [("eval", "answers"), ("eval", "redaction"), ("finetune", "train")])
def test_files_that_are_not_there_or_no_json_are_said_in_words(tmp_path: Path, command: tuple[str, str]):
    missing = as_json(run(*command, "--data", "nowhere.jsonl", "--json", "--data-dir", str(tmp_path)))["error"]
    assert "Errno" not in missing
    assert "nowhere.jsonl" in missing
    (tmp_path / "rows.jsonl").write_text("{broken\n")
    error = as_json(run(*command, "--data", str(tmp_path / "rows.jsonl"), "--json", "--data-dir", str(tmp_path)))["error"]
    assert "line 1 column" not in error
