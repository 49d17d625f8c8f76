"""Summaries in the database: made by a model or by rules, off the customer's way, and gone with their conversation."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from bot.backends.fake import FakeBackend
from bot.context import Budget
from bot.errors import BackendUnavailable
from bot.messages import Answer, Message, Request
from bot.recall import Recall
from bot.router import Router
from bot.store import Store
from bot.summaries import Summaries, summarized
from bot.summarize import Summary
from bot.tables import conversations
from tests.bot.turning import ASKED, Desk, desk

pytest_plugins = ("tests.databases",)

BUDGET = Budget(1024, 128)
LINES = [Message("customer", "My order number is 58213."), Message("bot", "Thank you."), Message("customer", "I paid $90.53 for it.")]


def talk(store: Store, exchanges: int, conversation: str = "c") -> None:
    for number in range(exchanges):
        got = store.receive(Request(f"My order number is {58213 + number} and I want it by Monday.", conversation, "anna"))
        store.finish(Answer("It is on its way to you, as far as I can see.", conversation, got.message), {})


def test_folding_replaces_the_oldest_lines_and_goes_on_from_there(engine: Engine, store: Store):
    kept, backend = Summaries(engine), FakeBackend(window=1024)
    assert kept.load("c") == Summary()
    talk(store, 1)
    assert kept.fold("c", backend, BUDGET) == Summary()  # nothing is overdue
    talk(store, 8)
    first = kept.fold("c", backend, BUDGET)
    assert 0 < first.upto < 18
    assert "58213" in first.text
    assert (kept.load("c"), first.made_by) == (first, "rules")
    assert store.history("c", after=first.upto)[0].role == "customer"
    talk(store, 6)
    second = kept.fold("c", backend, BUDGET)
    assert second.upto > first.upto
    assert "58213" in second.text


def test_a_summary_goes_with_its_conversation_and_none_is_kept_of_one_that_is_gone(engine: Engine, store: Store):
    kept = Summaries(engine)
    talk(store, 9)
    folded = kept.fold("c", FakeBackend(window=1024), BUDGET)
    with engine.begin() as connection:
        connection.execute(delete(conversations))
    assert kept.load("c") == Summary()
    assert not kept._save("c", Summary(), folded)


def test_of_two_processes_the_first_keeps_its_summary(engine: Engine, store: Store):
    talk(store, 9)
    kept = Summaries(engine)
    assert kept._save("c", Summary(), Summary(4, "one", "rules"))
    assert not kept._save("c", Summary(), Summary(6, "late", "rules"))
    assert not kept._save("c", Summary(2, "older", "rules"), Summary(6, "late", "rules"))
    assert kept.load("c").text == "one"


def test_a_model_writes_where_there_is_one_and_what_it_forgets_is_added():
    model = FakeBackend(["The customer has ", "order 58213."], name="hosted", kind="hosted", window=2048)
    text, made_by = summarized(model, "", LINES, Budget(2048, 512))
    assert made_by == "hosted"
    assert text.startswith("The customer has order 58213.")
    assert "I paid $90.53 for it." in text
    (prompt, _), *_ = model.asked
    assert "customer: My order number is 58213." in prompt.messages[1].text


def test_a_conversation_that_a_model_copies_is_no_summary():
    copied = "<notes>\ncustomer: My order number is 58213.\nagent: Thank you.\n</notes>\n- The customer waits for order 58213."
    model = FakeBackend([copied], name="hosted", kind="hosted", window=2048)
    text, _ = summarized(model, "", LINES, Budget(2048, 512))
    assert text.splitlines()[:2] == ["- The customer waits for order 58213.", "The customer said:"]
    (prompt, _), *_ = model.asked
    assert prompt.messages[1].text.endswith("Do not copy the conversation.")


def test_more_than_a_model_can_read_is_given_to_it_in_pieces():
    model = FakeBackend(["Notes."], name="hosted", kind="hosted", window=2048)
    budget = Budget(2048, 512)
    summarized(model, "", [Message("customer", f"line {n} " + "x" * 3000) for n in range(6)], budget)
    assert len(model.asked) > 2
    for prompt, options in model.asked:
        assert sum(model.count(message.text) for message in prompt.messages) + options.max_tokens <= budget.window
    assert "Notes." in model.asked[-1][0].messages[1].text


def test_a_model_that_fails_is_done_without():
    model = FakeBackend(error=BackendUnavailable("no route"), kind="hosted", name="hosted")
    text, made_by = summarized(model, "", LINES, Budget(2048, 512))
    assert made_by == "rules"
    assert "58213" in text


# --- in a turn


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Desk, FakeBackend, Recall]]:
    """A shop whose model has a small window, with a memory."""
    model = FakeBackend(["Thirty days."], name="small", window=1400)
    with desk(tmp_path, model) as made:
        recall = Recall(made.engine)
        made.router = Router(made.store, made.index, made.router._dispatch, made.router._rules, recall=recall)
        yield made, model, recall


def test_what_was_said_long_ago_is_in_the_prompt_as_a_summary(shop: tuple[Desk, FakeBackend, Recall]):
    made, model, recall = shop
    made.ask("My order number is 58213. " + ASKED, conversation="c")
    for number in range(12):
        made.ask(f"{ASKED} I ask for the {number + 2}th time, for the parcel that came.", conversation="c")
        assert recall.background.settle(10)
    answer = made.ask(ASKED, conversation="c")
    prompt, _ = model.asked[-1]
    assert "58213" in prompt.messages[0].text
    assert not any("58213" in message.text for message in prompt.messages[1:])
    kept = made.provenance(answer.reply)
    assert "58213" in kept["summary"]
    assert kept["tokens"]["summary"] > 0


def test_a_history_that_is_brought_along_is_summarized_on_the_way(shop: tuple[Desk, FakeBackend, Recall]):
    made, model, _ = shop
    history = [Message("customer", "My order number is 58213."), Message("bot", "Noted.")]
    history += [Message("customer", "Tell me of the weather, at length."), Message("bot", "It rains. " * 20)] * 10
    answer = made.ask(ASKED, history=tuple(history))
    prompt, _ = model.asked[-1]
    assert "58213" in prompt.messages[0].text
    assert len(prompt.messages) < 10
    assert answer.tokens.saved > 500
