"""What a customer's erasure does to what was trained with."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.examples import Pool
from bot.messages import Example, Message
from finetune.erase import erase_rows, erase_transcripts, learned_as, mark_adapters, names_of
from finetune.registry import Registry
from finetune.rows import Row, read_rows, write_rows
from finetune.tables import transcripts
from finetune.transcripts import customer_key
from tests.finetune.adapting import adapter
from tests.finetune.test_registry import opened

MAIL = "anna.berg@example.com"


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """A database with a customer's chat, transcript (under a hash) and hand-written example, and adapters that learned from each."""
    engine, _, registry = opened(tmp_path)
    pool, now = Pool(engine), datetime.now(UTC)
    with engine.begin() as connection:
        told = {"begun": "", "turns": [["customer", "hello"]], "created": now}
        connection.execute(transcripts.insert(), [
            {"id": "paper", "customer": customer_key(MAIL), **told}, {"id": "other", "customer": "bert", **told},
        ])  # fmt: skip
    pool.add(Example("by-hand", "Is the lamp heavy?", "Yes.", customer=MAIL))
    pool.add(Example("of-paper", "Is the piano black?", "White.", customer=customer_key(MAIL), conversation="paper"))
    pool.add(Example("of-bert", "Do kettles whistle?", "This one.", customer="bert", conversation="other"))
    for number, conversations in enumerate((["chat"], ["paper", "other"], ["by-hand"], ["other"])):
        registry.register(f"r{number}", adapter(tmp_path / f"r{number}", number + 1.0), conversations)
    yield engine, registry, pool
    engine.dispose()


def run(folder: Path, *conversations: str, done: bool = True) -> Path:
    folder.mkdir(parents=True)
    rows = [Row(f"row {name}", (Message("customer", f"question of {name}"),), "reply", conversation=name) for name in conversations]
    write_rows(rows, folder / "rows.jsonl")
    write_rows(rows[:1], folder / "validation.jsonl")
    (folder / "job.json").write_text(json.dumps({"config": {"base": "x", "method": "lora"}, "created": "2026", "command": ""}))
    if done:
        (folder / "result.json").write_text("{}")
    return folder


def test_adapters_are_marked_by_chat_transcript_and_example(kept: Any):
    engine, registry, _ = kept
    assert learned_as(engine, MAIL, ["chat"]) == {"chat", "paper", "by-hand"}
    assert mark_adapters(engine, MAIL, ["chat"]) == 3
    assert [entry.erased for entry in registry.entries()] == [True, True, True, False]
    assert mark_adapters(engine, "nobody", []) == 0


def test_rows_and_reports_leave_the_runs(kept: Any, tmp_path: Path):
    engine, _, pool = kept
    runs = tmp_path / "runs"
    first, second = run(runs / "first", "chat", "other", "paper"), run(runs / "second", "other")
    (first / "evaluation.html").write_text("<td>Is the piano black?</td>")
    (second / "evaluation.html").write_text("<td>Do kettles whistle?</td>")
    assert erase_rows(engine, runs, MAIL, ["chat"]) == 4
    assert [row.conversation for row in read_rows(first / "rows.jsonl")] == ["other"]
    assert read_rows(first / "validation.jsonl") == []
    assert [row.conversation for row in read_rows(second / "rows.jsonl")] == ["other"]
    assert ((first / "evaluation.html").exists(), (second / "evaluation.html").exists()) == (False, True)
    assert not (first / "stop").exists()
    assert erase_rows(engine, runs, MAIL, ["chat"]) == 0
    assert len(pool.list()) == 3


def test_a_run_that_still_learns_is_stopped(kept: Any, tmp_path: Path):
    engine, _, _ = kept
    learning, other = run(tmp_path / "runs" / "a", "paper", "other", done=False), run(tmp_path / "runs" / "b", "other", done=False)
    erase_rows(engine, tmp_path / "runs", MAIL, [])
    assert ((learning / "stop").exists(), (other / "stop").exists()) == (True, False)


def test_rows_of_a_classifier_have_no_conversation(kept: Any, tmp_path: Path):
    folder = run(tmp_path / "runs" / "c", "chat")
    (folder / "rows.jsonl").write_text('{"text": "hello", "label": "greeting"}\n')
    (folder / "validation.jsonl").unlink()
    assert erase_rows(kept[0], tmp_path / "runs", MAIL, ["chat"]) == 0


def test_transcripts_under_a_hash_go_too(kept: Any):
    engine, registry, pool = kept
    assert names_of("k7f2q9") == ("k7f2q9",)
    assert names_of(MAIL) == (MAIL, customer_key(MAIL))
    assert erase_transcripts(engine, MAIL, []) == 2
    assert {example.id for example in pool.list()} == {"by-hand", "of-bert"}
    assert isinstance(registry, Registry)
