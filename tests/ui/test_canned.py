"""`answerdesk desk canned` and `desk suggest`, from the shell."""

from pathlib import Path
from typing import Any, cast

import pytest

from bot.backends.fake import FakeBackend
from bot.desk import take_over
from bot.errors import BadMessage, UnknownConversation
from bot.replay import question
from tests.bot.turning import ASKED, RETURNS, desk
from tests.ui.test_cli import as_json, run
from ui import audit
from ui.commands.shell import Tools
from ui.database import open_engine
from ui.operations_canned import suggest_reply


def canned(folder: Path, *args: str, code: int = 0, text: str | None = None) -> Any:
    result = run("desk", "canned", *args, "--json", "--data-dir", str(folder), tools=Tools(), text=text)
    assert result.exit_code == code, result.stdout
    return as_json(result)


def test_list_add_edit_remove(tmp_path: Path):
    assert canned(tmp_path, "list") == {"replies": []}
    assert canned(tmp_path, "add", "greet", "-", "--by", "anna", text="Hello!\n")["text"] == "Hello!"
    canned(tmp_path, "add", "退款", "五个工作日内到账。", "--language", "zh")
    assert "already is" in canned(tmp_path, "add", "greet", "again", code=2)["error"]
    canned(tmp_path, "edit", "greet", "Good day!")
    assert [(reply["shortcut"], reply["text"]) for reply in canned(tmp_path, "list")["replies"]] == [
        ("greet", "Good day!"),
        ("退款", "五个工作日内到账。"),
    ]
    assert "/greet" in run("desk", "canned", "list", "--data-dir", str(tmp_path), tools=Tools()).stdout
    assert canned(tmp_path, "remove", "greet")["removed"]
    assert "no canned reply" in canned(tmp_path, "remove", "greet", code=2)["error"]
    assert [reply["language"] for reply in canned(tmp_path, "list", "--language", "zh")["replies"]] == ["zh"]
    engine = open_engine(tmp_path)
    assert [(entry.who, entry.what, entry.about) for entry in reversed(audit.entries(engine))] == [
        ("anna", "canned.add", "en/greet"),
        ("shell", "canned.add", "zh/退款"),
        ("shell", "canned.edit", "en/greet"),
        ("shell", "canned.remove", "en/greet"),
    ]
    engine.dispose()


def test_a_suggestion_answers_the_last_message_and_leaves_no_trace(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model, direct=False) as shop:
        first = shop.ask(ASKED, conversation="c1")
        take_over(shop.engine, "c1", "anna", "Anna")
        assert not shop.ask("And within how many days of delivery?", conversation="c1").text
        before = shop.store.history("c1")
        draft = suggest_reply(cast("Any", shop), lambda _: None, conversation="c1")
        assert (draft["answer"], draft["question"]) == (RETURNS, "And within how many days of delivery?")
        assert [line.text for line in model.asked[-1][0].messages[1:3]] == [ASKED, first.text]
        assert shop.store.history("c1") == before
        assert shop.store.state("c1") == "agent"
        with pytest.raises(UnknownConversation):
            suggest_reply(cast("Any", shop), lambda _: None, conversation="none")


def test_a_customers_message_is_found_by_its_own_id_and_by_its_replys(tmp_path: Path):
    with desk(tmp_path) as shop:
        shop.ask("Hello", conversation="c1")
        answer = shop.ask(ASKED, conversation="c1", message="m2")
        for id in ("m2", answer.reply):  # noqa: A001
            found = question(shop.engine, id)
            assert (found.conversation, found.customer, found.position, found.text) == ("c1", "anna", 3, ASKED)
        with pytest.raises(BadMessage, match="no customer's message"):
            question(shop.engine, "nothing")
