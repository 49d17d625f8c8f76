"""A customer who is erased leaves no trace: every table and every file of the data folder is searched."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, select

from bot.erase import erase_customer
from bot.errors import BadMessage
from bot.examples import Pool
from bot.memory import Memory
from bot.messages import Answer, Example, Request
from bot.store import Store
from bot.summaries import Summaries
from bot.summarize import Summary
from bot.tables import notes, shadow_answers
from finetune.tables import transcripts
from tests.ui.test_cli import as_json, run
from ui.database import migrate, open_engine
from ui.operations_customers import hooks

PLANTED = "Zanzibar"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path)
    migrate(engine)
    yield engine
    engine.dispose()


def plant(engine: Engine, customer: str, word: str) -> None:
    """Something of a customer into every store that keeps any."""
    store, memory = Store(engine), Memory(engine)
    for number in range(40):
        conversation = f"{customer}-{number % 2}"
        got = store.receive(Request(f"I own a {word} {number}. {word}! My order is {word}-{10_000 + number}.", conversation, customer))
        store.finish(Answer(f"Yes, a {word}.", conversation, got.message), {"messages": [{"text": word}]})
        memory.learn(customer, conversation, got.message)
    Summaries(engine)._save(conversation, Summary(), Summary(2, f"{word} it is"))
    store.hand_over(conversation, f"{word} wants it")
    pool = Pool(engine)
    pool.add(Example("", f"Does the {word} of {customer} float?", f"The {word} does.", conversation=conversation, customer=customer))
    pool.add(Example("", f"Is the {word} of {customer} red, or is it blue then?", f"{word}: red.", conversation=conversation))
    now = datetime.now(UTC)
    with engine.begin() as connection:
        said = {"conversation": conversation, "message": got.message, "backend": "b", "text": word, "error": "", "details": {"of": word}}
        connection.execute(shadow_answers.insert().values(**said, at=now))
        connection.execute(notes.insert().values(conversation=conversation, at=now, kind="note", author="lead", text=word))
        turns = [{"role": "customer", "text": word}]
        connection.execute(transcripts.insert().values(id=conversation, customer=customer, begun="", turns=turns, created=now))


def traces(engine: Engine, folder: Path, word: str) -> list[str]:
    """Where a word still is: tables by their rows, files by their bytes."""
    metadata = MetaData()
    metadata.reflect(engine)
    assert len(metadata.tables) > 15
    with engine.connect() as connection:
        tables = [name for name, table in metadata.tables.items() if word.lower() in repr(connection.execute(select(table)).all()).lower()]
    files = [path.name for path in folder.rglob("*") if path.is_file() and word.lower().encode() in path.read_bytes().lower()]
    return tables + files


def test_no_store_and_no_file_holds_a_trace(engine: Engine, tmp_path: Path):
    plant(engine, "anna", PLANTED)
    plant(engine, "bert", "Bermuda")
    assert set(traces(engine, tmp_path, PLANTED)) >= {
        "messages", "facts", "summaries", "examples", "shadow_answers", "notes", "transcripts", "conversations",
    }  # fmt: skip
    kept = traces(engine, tmp_path, "Bermuda")
    done = erase_customer(engine, "anna", hooks(engine))
    assert (done.conversations, done.messages, done.examples, done.elsewhere["transcripts"]) == (2, 80, 2, 1)
    assert done.facts == 40
    assert traces(engine, tmp_path, PLANTED) == []
    assert traces(engine, tmp_path, "anna") == []
    assert set(traces(engine, tmp_path, "Bermuda")) == {name for name in kept if not name.endswith("-wal")}
    assert erase_customer(engine, "anna", hooks(engine)).conversations == 0


def test_a_turn_under_way_saves_nothing_afterwards(engine: Engine):
    store = Store(engine)
    got = store.receive(Request("My order is 58213.", "c", "anna"))
    erase_customer(engine, "anna")
    assert Memory(engine).learn("anna", "c", got.message) == ()
    assert not Summaries(engine)._save("c", Summary(), Summary(1, "x"))


def test_an_id_that_nobody_can_have(engine: Engine):
    with pytest.raises(BadMessage, match="customer is"):
        erase_customer(engine, "")


def test_the_commands(engine: Engine, tmp_path: Path):
    plant(engine, "anna", PLANTED)
    shown = as_json(run("customers", "show", "anna", "--json", "--data-dir", str(tmp_path)))
    assert len(shown["conversations"]) == 2
    fact = shown["facts"][0]
    assert PLANTED.lower() in fact["text"].lower()
    assert run("customers", "show", "anna", "--data-dir", str(tmp_path)).exit_code == 0
    assert as_json(run("customers", "forget", "anna", fact["id"], "--json", "--data-dir", str(tmp_path)))["facts"] == 1
    again = run("customers", "forget", "anna", fact["id"], "--json", "--data-dir", str(tmp_path))
    assert (again.exit_code, "has no fact" in as_json(again)["error"]) == (2, True)
    assert run("customers", "erase", "anna", "--yes", "--data-dir", str(tmp_path)).exit_code == 0
    assert as_json(run("customers", "show", "anna", "--json", "--data-dir", str(tmp_path))) == {
        "customer": "anna", "conversations": [], "facts": [],
    }  # fmt: skip
