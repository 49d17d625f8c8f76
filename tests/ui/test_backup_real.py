"""A shop that is backed up while it serves, and answers in another place as it did."""

from pathlib import Path

import pytest

from tests.real import Server, answerdesk, as_json, serving

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def test_a_restored_shop_answers_as_the_old_one(real_shop: Server, tmp_path: Path):
    old, new = real_shop.folder, tmp_path / "data"
    question = ("ask", "What is the return window?", "--json")
    first = as_json(answerdesk(*question, "--customer", "anna", "--conversation", "talk", folder=old))
    made = as_json(answerdesk("backup", str(tmp_path / "a.zip"), "--json", folder=old))
    assert (made["files"] > 0, made["left_out"]) == (True, [])
    as_json(answerdesk("restore", str(tmp_path / "a.zip"), "--json", folder=new))
    assert not (new / "chroma").exists()
    with serving(new) as server:
        found = as_json(answerdesk(*question, folder=server.folder))
        shown = as_json(answerdesk("customers", "show", "anna", "--json", folder=server.folder))
    assert (found["answer"], found["citations"]) == (first["answer"], first["citations"])
    assert found["citations"][0]["source"] == "en/returns/return-window.md"
    assert shown["conversations"] == ["talk"]
