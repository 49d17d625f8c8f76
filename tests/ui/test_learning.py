"""Disliked answers reach the pool, and the pool says when to train again, through the commands and what pages call."""

import tomllib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from bot.examples import Pool, side
from bot.flagged import propose_flagged
from bot.messages import Answer, Example, Request
from finetune.errors import Refused
from finetune.registry import Registry
from tests.finetune.adapting import adapter
from tests.ui.test_backup import opened, run
from tests.ui.test_cli import as_json
from tests.ui.test_watching import chat
from tests.ui.test_watching import desk as promoted  # noqa: F401  (a fixture)
from ui.accounts import User
from ui.build import Desk, open_desk
from ui.inbox import pool
from ui.learning import tuning_alerts
from ui.operations_examples import list_examples
from ui.panels import Ask
from ui.settings import load_settings
from ui.watching import watch_adapters


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def disliked(desk: Desk, conversation: str = "c1") -> None:
    got = desk.store.receive(Request("How long can I return a laptop?", conversation, "anna"))
    reply = desk.store.finish(Answer("Within 7 days.", conversation, got.message, backend="local"), {})
    desk.store.rate(reply, "anna", -1)


def alerts(desk: Any) -> list[str]:
    return [alert["kind"] for alert in tuning_alerts(desk, lambda _: None)["alerts"]]


def test_from_a_thumb_to_an_approved_example_by_commands(tmp_path: Path):
    desk, folder = opened(tmp_path / "d"), ("--data-dir", str(tmp_path / "d"))
    disliked(desk)
    assert as_json(run("examples", "flagged", "--json", *folder)) == {"proposed": 1, "pending": 1}
    assert alerts(desk) == ["flagged"]
    (made,) = as_json(run("examples", "list", "--json", *folder))["examples"]
    assert (made["conversation"], made["flagged"], made["state"]) == ("c1", "Within 7 days.", "pending")
    assert "pending (disliked)" in run("examples", "list", *folder).stdout
    refused = run("examples", "approve", made["id"], *folder)
    assert (refused.exit_code, "did not like" in refused.stderr) == (2, True)
    assert run("examples", "edit", made["id"], "--answer", "Within 30 days.", *folder).exit_code == 0
    assert run("examples", "edit", made["id"], *folder).exit_code == 2
    assert as_json(run("examples", "approve", made["id"], "--json", *folder))["examples"][0]["answer"] == "Within 30 days."
    assert alerts(desk) == []
    assert "0 new; 0 wait" in run("examples", "flagged", *folder).stdout


def test_a_customers_words_are_redacted_on_their_way_into_the_pool(tmp_path: Path):
    rows = tmp_path / "rows.jsonl"
    mail = "Write to anna.berg@example.com"
    rows.write_text(f'{{"question": "{mail}?", "answer": "{mail}.", "customer": "c"}}\n{{"question": "Where?", "answer": "{mail}!"}}\n')
    run("examples", "add", "--file", str(rows), "--data-dir", str(tmp_path / "d"))
    texts = [example.question + example.answer for example in Pool(opened(tmp_path / "d").engine).list()]
    assert ["anna.berg" in text for text in texts] == [False, True]


def test_enough_that_is_new_proposes_training_again(tmp_path: Path):
    desk = opened(tmp_path / "d")
    registry, pool = Registry(desk.engine, desk.policies), Pool(desk.engine)
    registry.register("r1", adapter(tmp_path / "d" / "runs" / "r1" / "adapter"), ["talk"])
    trains = [name for name in map(str, range(99)) if side(name) == "train"]
    for at, name in enumerate(("lamp", "piano", "kettle")):
        pool.add(Example("", f"How heavy is the {name}?", f"Quite, for a {name}.", state="approved", customer=trains[at]))
    limited = open_desk(load_settings(data_dir=tmp_path / "d", retrain_after=3))
    (alert,) = tuning_alerts(limited, lambda _: None)["alerts"]
    assert (alert["kind"], alert["new"], alert["after"], alert["last"]) == ("retrain", 3, 3, "r1")
    assert alerts(desk) == []  # 200 by default
    advice = as_json(run("finetune", "advise", "--json", "--data-dir", str(tmp_path / "d")))
    assert advice["retrain"] == {"due": False, "new": 3, "after": 200, "last": "r1", "erased": [], "reasons": []}


def test_the_advice_says_to_train_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANSWERDESK_RETRAIN_AFTER", "1")
    desk = opened(tmp_path / "d")
    Registry(desk.engine, desk.policies).register("r1", adapter(tmp_path / "d" / "runs" / "r1" / "adapter"), [])
    assert "Train again" not in run("finetune", "advise", "--data-dir", str(tmp_path / "d")).stdout
    customer = next(name for name in map(str, range(99)) if side(name) == "train")
    Pool(desk.engine).add(Example("", "How heavy is the lamp?", "Two kilograms.", state="approved", customer=customer))
    said = run("finetune", "advise", "--data-dir", str(tmp_path / "d")).stdout
    assert "Train again:\n- 1 examples were approved since r1 was trained" in said


def test_an_adapter_that_was_taken_back_is_an_alert_until_another_answers(promoted: Desk, tmp_path: Path):  # noqa: F811
    assert alerts(promoted) == []
    chat(promoted, range(300), thumbs={"local": -1, "extractive": 1})
    watch_adapters(promoted, lambda _: None)
    (alert,) = tuning_alerts(promoted, lambda _: None)["alerts"]
    assert (alert["kind"], alert["adapter"], alert["backend"]) == ("taken_back", "r1", "local")
    assert "more conversations go badly" in alert["text"]
    registry = Registry(promoted.engine, promoted.policies)
    registry.register("r2", adapter(tmp_path / "data" / "runs" / "r2" / "adapter", 2.0))
    registry.promote("r2", "local", "lena", override="better")
    assert alerts(promoted) == []


def test_erasing_a_customer_marks_the_adapter_that_answers(promoted: Desk):  # noqa: F811
    registry, folder = Registry(promoted.engine, promoted.policies), promoted.settings.data_dir
    registry.register("r1", folder / "runs" / "r1" / "adapter", ["chat-of-anna"])
    promoted.store.receive(Request("hello", "chat-of-anna", "anna"))
    (folder / "transcripts").mkdir()
    (folder / "transcripts" / "chats.jsonl").write_text("anna said hello")
    (folder / "transcripts" / "others.jsonl").write_text("ben said hello")
    result = as_json(run("customers", "erase", "anna", "--yes", "--json", "--data-dir", str(folder)))
    assert result["elsewhere"] == {"adapters_marked": 1, "training_rows": 0, "uploaded_transcripts": 1, "transcripts": 0}
    (alert,) = tuning_alerts(promoted, lambda _: None)["alerts"]
    assert (alert["kind"], alert["erased"]) == ("retrain", ["r1"])
    assert "learned from an erased customer" in run("finetune", "list", "--data-dir", str(folder)).stdout
    with pytest.raises(Refused, match="erased since"):
        registry.promote("r1", "local", "lena")
    assert [path.name for path in (folder / "transcripts").iterdir()] == ["others.jsonl"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_desk_shows_what_was_disliked_with_a_way_to_its_conversation(language: str, tmp_path: Path):
    words = tomllib.loads((resources.files("ui") / "texts" / f"desk.{language}.toml").read_text(encoding="utf-8"))
    me = User("lena", "lead", "Lena", must_change=False, disabled=False, created=datetime.now(UTC), last_seen=None)
    ask = Ask(me, language, words, {}, {})  # type: ignore[arg-type]
    desk = opened(tmp_path / "d")
    disliked(desk)
    propose_flagged(desk.engine)
    Pool(desk.engine).add(Example("talk-3", "Is the piano black?", "It is white.", conversation="talk"))

    def cards() -> list[str]:
        return pool(ask, list_examples(desk, lambda _: None)["examples"], "pending").split("<article")[1:]

    of_transcript, of_chat = cards()
    assert ('data-do="approve"' in of_transcript, words["open_chat"] in of_transcript) == (True, False)
    assert ('data-do="approve"' in of_chat, words["disliked"] in of_chat) == (False, True)
    assert '{"tab":"inbox","box":"all","chat":"c1"}' in of_chat
    Pool(desk.engine).propose(Example("", "How long can I return a laptop?", "Within 30 days.", conversation="c1"))
    assert ('data-do="approve"' in cards()[1], words["disliked"] in cards()[1]) == (True, False)
