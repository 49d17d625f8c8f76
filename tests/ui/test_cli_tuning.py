"""The registry and the advice, through the shell."""

from pathlib import Path

from tests.ui.test_cli import as_json
from tests.ui.test_cli import run as shell
from ui.commands.shell import Tools


def run(*args: str):
    """On a real database: these need no index."""
    return shell(*args, tools=Tools())


def test_an_empty_desk_is_told_to_collect_and_shown_why(tmp_path: Path):
    picture = tmp_path / "tree.svg"
    result = as_json(run("finetune", "advise", "--picture", str(picture), "--json", "--data-dir", str(tmp_path / "d")))
    assert (result["advice"], result["curve"], result["rows"]) == ("collect", [], 0)
    assert "a dilemma" in result["reasons"][0]
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    said = run("finetune", "advise", "--strong-model", "--data-may-leave", "--data-dir", str(tmp_path / "d"))
    assert said.stdout.startswith("Advice: prompt\n- there are few rows to learn from (0)")


def test_what_is_not_there_cannot_be_promoted_or_rolled_back(tmp_path: Path):
    folder = ("--data-dir", str(tmp_path / "d"))
    assert as_json(run("finetune", "list", "--json", *folder)) == {"adapters": [], "history": [], "watch": []}
    for args, code, said in (
        (("promote", "r1"), 2, "there is no adapter 'r1'"),
        (("promote", "r1", "--share", "2"), 2, "allowed: over 0 to 1"),
        (("rollback",), 1, "nothing to roll back on local"),
    ):
        result = run("finetune", *args, *folder)
        assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
