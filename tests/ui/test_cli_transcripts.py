"""`transcripts import`, through the shell."""

import json
from pathlib import Path

from tests.ui.test_cli import as_json, run

TALKS = [
    {"id": 1, "turns": [{"role": "customer", "text": "Write to a@b.example: is it open?"}, {"role": "agent", "text": "Until six."}]},
    {"id": 2, "turns": "nothing"},
    {"id": 3, "turns": [{"role": "customer", "text": "Is it open?"}, {"role": "alien", "text": "Until six."}]},
    {"id": 4, "turns": [{"role": "customer", "text": "Nobody answered this."}]},
]


def test_a_file_is_taken_in_once_and_reported_by_row(tmp_path: Path):
    file = tmp_path / "talks.jsonl"
    file.write_text("\n".join(map(json.dumps, TALKS)), encoding="utf-8")
    folder = ("--json", "--data-dir", str(tmp_path / "d"))
    wanted = {"conversations": 1, "turns": 2, "pii": {"MAIL": 1}}
    for dry, duplicates in ((["--dry-run"], 0), ([], 0), ([], 1)):
        result = as_json(run("transcripts", "import", str(file), *dry, *folder))
        assert result.items() >= (wanted | {"examples": 1 - duplicates, "duplicates": duplicates}).items()
        assert sum(result["dropped"].values()) == 1
        assert [row["row"] for row in result["rows"]] == [2, 3]
        assert [said in row["error"] for said, row in zip(("its turns are str", "the role 'alien'"), result["rows"], strict=True)] == [
            True
        ] * 2
    (example,) = as_json(run("examples", "list", *folder))["examples"]
    assert (example["question"], example["state"]) == ("Write to [MAIL_1]: is it open?", "pending")


def test_people_read_a_table_and_the_rows_that_failed(tmp_path: Path):
    file = tmp_path / "talks.csv"
    file.write_text("Question,Answer\nIs it open?,Until six.\n,\n", encoding="utf-8")
    result = run("transcripts", "import", str(file), "--data-dir", str(tmp_path / "d"))
    assert result.exit_code == 0, result.stderr
    assert "Columns: question=Question, answer=Answer" in result.stdout
    assert "Row 2: its question or its answer is empty; give both" in result.stdout


def test_what_is_wrong_with_the_request_is_said(tmp_path: Path):
    file = tmp_path / "talks.csv"
    file.write_text("Question,Answer\nIs it open?,Until six.\n", encoding="utf-8")
    for args, said in (
        ([str(tmp_path / "none")], "There is no file"),
        ([str(file), "--columns", "text"], "write field=column"),
        ([str(file), "--columns", "text=Nope"], "there is no column 'Nope'"),
    ):
        result = run("transcripts", "import", *args, "--data-dir", str(tmp_path / "d"))
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
