"""`answerdesk prompts`, as people and programs use it."""

from pathlib import Path
from typing import Any, cast

import pytest

from bot.backends.fake import FakeBackend
from bot.errors import BadMessage, BadPrompt
from bot.examples import Pool
from bot.messages import Example
from bot.versions import PromptVersions
from tests.bot.turning import ASKED, RETURNS, desk
from tests.ui.test_cli import as_json, run
from ui.errors import Failure
from ui.operations_prompts import preview_prompt, try_prompt

BRIEF = "Be brief, you of ${shop}.\n${passages}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "brief.txt").write_text(f"{BRIEF}\n", encoding="utf-8")
    return tmp_path


def prompts(folder: Path, *args: str) -> Any:
    result = run("prompts", *args, "--json", "--data-dir", str(folder / "d"))
    assert result.exit_code == 0, result.stdout
    return as_json(result)


def test_set_show_diff_and_roll_back(folder: Path):
    assert [(p["id"].partition("@")[0], p["in_use"]) for p in prompts(folder, "list")["prompts"]] == [
        ("en.default.0", True),
        ("zh.default.0", True),
    ]
    made = prompts(folder, "set", "--system", str(folder / "brief.txt"), "--comment", "shorter", "--author", "li", "--expected", "0")
    assert (made["version"], made["author"], made["comment"]) == (1, "li", "shorter")
    assert "+Be brief" in made["difference"]
    assert prompts(folder, "show")["system"] == BRIEF
    assert "Be polite" in prompts(folder, "show", "0")["system"]
    assert "+Be brief" in prompts(folder, "diff", "0", made["id"])["difference"]
    assert prompts(folder, "rollback", "0")["comment"] == "back to 0"
    assert [p["version"] for p in prompts(folder, "list", "--language", "en")["prompts"] if p["in_use"]] == [2]
    assert "Nothing differs" in run("prompts", "diff", "0", "--data-dir", str(folder / "d")).stdout
    assert "Be brief" in run("prompts", "show", "1", "--data-dir", str(folder / "d")).stdout
    assert "back to 0" in run("prompts", "list", "--data-dir", str(folder / "d")).stdout


def test_what_cannot_be_is_refused_and_changes_nothing(folder: Path):
    (folder / "wrong.txt").write_text("${passages} ${secret}", encoding="utf-8")
    for args, told in (
        (("set", "--system", str(folder / "wrong.txt")), "${secret}"),
        (("set",), "system template, a user template"),
        (("set", "--system", str(folder / "none.txt")), "none.txt"),
        (("set", "--system", str(folder / "brief.txt"), "--expected", "3"), "newest version is 0"),
        (("set", "--system", str(folder / "brief.txt"), "--language", "de"), "en, zh"),
        (("show", "9"), "'9'"),
        (("rollback", "9"), "'9'"),
    ):
        result = run("prompts", *args, "--json", "--data-dir", str(folder / "d"))
        assert result.exit_code == 2
        assert told in as_json(result)["error"]
    assert len(prompts(folder, "list")["prompts"]) == 2


def test_a_preview_is_what_is_sent(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False) as shop:
        Pool(shop.engine).add(Example("", "Within how many days can I return it?", "30 days.", state="approved"))
        shop.ask("Hello", conversation="c1")
        shown = preview_prompt(cast("Any", shop), lambda _: None, text=ASKED, conversation="c1", shots="1")
        assert not model.asked
        answer = shop.ask(ASKED, conversation="c1", shots=1)
        sent = model.asked[0][0]
        assert [(m["role"], m["text"]) for m in shown["messages"]] == [(m.role, m.text) for m in sent.messages]
        assert [m["tokens"] for m in shown["messages"]] == [model.count(m.text) for m in sent.messages]
        assert (shown["backend"], shown["prompt_version"], shown["cot"]) == ("fake", answer.prompt_version, "off")
        assert sum(tokens for part, tokens in shown["tokens"].items() if part != "total") == shown["tokens"]["total"]
        assert shown["tokens"]["examples"] > 0
        assert len(shown["examples"]) == 1


def test_a_saved_message_is_previewed_where_it_stands(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False) as shop:
        shop.ask(ASKED, conversation="c1", message="m1")
        sent = model.asked[0][0]
        shop.ask("And what does delivery cost?", conversation="c1")
        shown = preview_prompt(cast("Any", shop), lambda _: None, message="m1")
        assert shown["question"] == ASKED
        assert [(m["role"], m["text"]) for m in shown["messages"]] == [(m.role, m.text) for m in sent.messages]
        with pytest.raises(BadMessage):
            preview_prompt(cast("Any", shop), lambda _: None, message="m9")


def test_a_draft_is_previewed_and_tried_beside_what_is_in_use_and_nothing_is_kept(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    draft = {"language": "en", "system": BRIEF, "user": "${question}"}
    with desk(tmp_path, model, direct=False) as shop:
        whole = cast("Any", shop)
        shown = preview_prompt(whole, lambda _: None, text=ASKED, draft=draft)
        assert shown["messages"][0]["text"].startswith("Be brief, you of TechCorp.")
        assert shown["prompt_version"].startswith("en.default.1@")
        tried = try_prompt(whole, lambda _: None, text=ASKED, **draft)
        assert [(answer["asked"], answer["answer"]) for answer in tried["answers"]] == [("current", RETURNS), ("draft", RETURNS)]
        first, second = (prompt.messages[0].text for prompt, _ in model.asked)
        assert "Be polite" in first
        assert second.startswith("Be brief")
        assert "+Be brief" in tried["difference"]
        assert len(PromptVersions(shop.engine).history()) == 2
        assert not shop.store.conversations_of("anna")
        for wrong, error in (({**draft, "system": "${passages} ${secret}"}, BadPrompt), ({**draft, "language": "de"}, Failure)):
            with pytest.raises(error):
                try_prompt(whole, lambda _: None, text=ASKED, **wrong)
        with pytest.raises(Failure, match="empty"):
            try_prompt(whole, lambda _: None, text=" ", **draft)
