"""`answerdesk examples`, as people and programs use it."""

import json
from pathlib import Path
from typing import Any

from tests.ui.test_cli import as_json, run

QUESTION, ANSWER = "How long can I return a laptop?", "Within 30 days of delivery."


def examples(folder: Path, *args: str) -> Any:
    result = run("examples", *args, "--json", "--data-dir", str(folder))
    assert result.exit_code == 0, result.stdout
    return as_json(result)


def test_add_list_approve_reject(tmp_path: Path):
    added = examples(tmp_path, "add", QUESTION, ANSWER, "--evidence", "Laptops: 30 days.", "--author", "li")
    made = added["examples"][0]
    assert (made["question"], made["answer"], made["state"], made["language"]) == (QUESTION, ANSWER, "pending", "en")
    assert examples(tmp_path, "add", QUESTION, ANSWER)["duplicates"] == [made["id"]]
    assert examples(tmp_path, "approve", made["id"])["examples"][0]["state"] == "approved"
    assert [row["id"] for row in examples(tmp_path, "list", "--state", "approved", "--language", "en")["examples"]] == [made["id"]]
    assert examples(tmp_path, "reject", made["id"], "--why", "old")["examples"][0]["state"] == "rejected"
    assert QUESTION[:12] in run("examples", "list", "--data-dir", str(tmp_path)).stdout


def test_a_file_of_them(tmp_path: Path):
    rows = [
        {"question": QUESTION, "answer": ANSWER},
        {"question": "多久到货？", "answer": "3天。"},
        {"question": QUESTION, "answer": ANSWER},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    added = examples(tmp_path / "d", "add", "--file", str(file), "--approve")
    assert (added["added"], len(added["duplicates"])) == (2, 1)
    assert [(row["language"], row["state"]) for row in added["examples"]] == [("en", "approved"), ("zh", "approved")]


def test_wrong_requests_say_what_is_allowed(tmp_path: Path):
    folder = ("--json", "--data-dir", str(tmp_path))
    for args, told in (
        (("add", QUESTION), "--file"),
        (("add", QUESTION, " "), "answer is empty"),
        (("approve", "none"), "'none'"),
        (("list", "--state", "good"), "pending, approved, rejected"),
    ):
        result = run("examples", *args, *folder)
        assert result.exit_code == 2
        assert told in as_json(result)["error"]
    assert "no such examples" in run("examples", "list", "--data-dir", str(tmp_path)).stdout
