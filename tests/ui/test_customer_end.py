"""The end of a conversation, office hours, product cards, and a customer's own data, as the page's handlers give them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import desk
from bot.memory import Memory
from bot.messages import Answer, Citation, Request
from knowledge.documents import Document, Section
from tests.ui.shop import Shop, elsewhen, shop
from tests.ui.test_cli import as_json, run
from tests.ui.test_customer import ask, by, event, page
from ui.chat import Handlers
from ui.languages import texts

WORDS = texts("en")


@pytest.fixture
def app(tmp_path: Path) -> Shop:
    made = shop(tmp_path)
    made.router.pause_s = 0
    return made


@pytest.fixture
def handlers(app: Shop) -> Handlers:
    return Handlers(app)


def test_who_ends_a_conversation_is_asked_how_it_was_and_only_once(handlers: Handlers, app: Shop):
    assert 'form class="rating"' not in page(ask(handlers, "ann", "How long?")[-1])
    view = handlers.end(event(conversation="c1"), by("ann"))
    assert (view["state"], view["open"], view["items"][-1]["key"]) == ("closed", False, "rating")
    rated = handlers.score(event(conversation="c1", value=4, why="quick"), by("ann"))
    assert WORDS.score_thanks.format(n=4) in page(rated)
    again = handlers.score(event(conversation="c1", value=1), by("ann"))
    assert WORDS.score_thanks.format(n=4) in page(again)
    chat = desk.inbox(app.engine, "all", "anna")[0]
    assert (chat.score, chat.score_why) == (4, "quick")
    assert "rating" not in {item["key"] for item in ask(handlers, "ann", "And now?", "m2")[-1]["items"]}
    assert app.store.state("c1") == "bot"


def test_who_is_handed_back_is_asked_too(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "a person please")
    desk.take_over(app.engine, "c1", "anna", "Anna")
    seen = handlers.show(by("ann"))[0]["stamp"]
    desk.hand_back(app.engine, "c1", "anna")
    view = handlers.look(event(conversation="c1", stamp=seen), by("ann"))
    assert view["items"][-1]["key"] == "rating"


def test_who_is_handed_back_reads_who_left_and_no_failure(handlers: Handlers, app: Shop):
    """What a person did not answer any more is no failure of ours; the assistant can be asked it."""
    ask(handlers, "ann", "a person please")
    desk.take_over(app.engine, "c1", "anna", "Anna <b>")
    ask(handlers, "ann", "and my refund?", "m2")
    desk.hand_back(app.engine, "c1", "anna")
    left, view = WORDS.person_left.format(name="Anna &lt;b&gt;"), handlers.show(by("ann"))[0]
    assert [item["key"] for item in view["items"]][-3:] == ["q:m2", "n:left", "rating"]
    assert left in page(view)
    assert WORDS.unanswered not in page(view)
    assert page(view).count('data-retry="m2"') == 1
    answered = ask(handlers, "ann", "and my refund?", "m2")
    assert all(each["items"][1]["key"] == "n:left" and "data-retry" not in page(each) for each in answered)
    assert "<details" in page(answered[-1])
    later = handlers.show(by("ann"))[0]
    assert [item["key"] for item in later["items"]][-4:] == ["q:m2", "n:left", "a:m2", "rating"]
    handlers.end(event(conversation="c1"), by("ann"))
    assert left not in page(handlers.show(by("ann"))[0])


@pytest.mark.parametrize("value", [0, 6, True, "5", None, 2.5])
def test_what_is_no_rating_is_not_kept(handlers: Handlers, app: Shop, value: Any):
    ask(handlers, "ann", "How long?")
    handlers.end(event(conversation="c1"), by("ann"))
    assert 'form class="rating"' in page(handlers.score(event(conversation="c1", value=value), by("ann")))


def test_nobody_ends_rates_downloads_or_erases_anothers(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "my secret question")
    acts: list[Callable[..., Any]] = [handlers.end, handlers.score, handlers.download, handlers.erase]
    for act in acts:
        assert "secret" not in str(act(event(conversation="c1", value=1), by("bob")))
    assert app.store.state("c1") == "bot"
    assert len(app.store.transcript("c1", "ann")) == 2


@pytest.mark.parametrize(("hours", "away"), [("Mon-Sun 00:00-24:00", False), ("", False), (elsewhen(), True)])
def test_outside_of_the_office_hours_it_says_when_somebody_is_there_and_still_hands_over(tmp_path: Path, hours: str, away: bool):
    app = shop(tmp_path, office_hours=hours)
    shown = page(ask(Handlers(app), "ann", "a person please")[-1])
    assert ("data-day" in shown) is away
    assert ("Nobody is at the desk" in shown) is away
    assert app.store.state("c1") == "waiting"


def test_an_answer_that_cites_a_catalogue_shows_its_products(handlers: Handlers, app: Shop):
    row = "Name: Lamp <b>\nCategory: Phones\nPrice: $9"
    table = Document("c.csv", "C", (Section(("Lamp <b>",), row, "record"), Section((), "Price: on request.")), "1")
    app.index.add_documents([table])
    found = app.index.search("Lamp price", 5)
    cited = tuple(Citation(p.chunk.id, p.chunk.source, "", p.chunk.text, p.score) for p in found)
    assert len(cited) == 2
    got = app.store.receive(Request("how much?", "c1", "ann"))
    app.store.finish(Answer("$9", "c1", got.message, cited), {})
    shown = page(handlers.show(by("ann"))[0])
    assert shown.count('class="card"') == 1
    assert 'class="picture phone"' in shown
    assert "Lamp &lt;b&gt;" in shown


def test_a_customers_data_is_theirs_to_take_and_to_erase(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "I own a Zanzibar. How long?")
    reply = app.store.transcript("c1", "ann")[1].id
    handlers.rate(event(reply=reply, value=-1, why="too long"), by("ann"))
    file = handlers.download(event(conversation="c1"), by("ann"))["file"]
    kept = json.loads(file["text"])
    assert file["name"].endswith(".json")
    said = kept["conversations"][0]["lines"]
    assert said[0]["text"] == "I own a Zanzibar. How long?"
    assert (said[1]["rating"], said[1]["why"], said[1]["sources"][0]) == (-1, "too long", "returns/return-window.md")

    view = handlers.erase(event(conversation="c2"), by("ann"))
    assert (view["said"], view["conversation"]) == (WORDS.erased, "c2")
    assert [item["key"] for item in view["items"]] == ["greeting"]
    assert WORDS.status_ready in view["head"]
    assert app.store.conversations_of("ann") == []
    assert Memory(app.engine).of("ann") == ()
    assert json.loads(handlers.download(event(), by("ann"))["file"]["text"])["conversations"] == []


def test_an_erasure_that_fails_is_said_calmly(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "How long?")
    app.engine.dispose()
    lock = app.engine.raw_connection()
    try:
        lock.driver_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
        view = handlers.erase(event(conversation="c2"), by("ann"))
    finally:
        lock.driver_connection.rollback()  # type: ignore[union-attr]
        lock.close()
    assert view["said"] == WORDS.erase_failed
    assert app.store.conversations_of("ann") == ["c1"]


def test_the_shell_prints_the_same_data(handlers: Handlers, app: Shop):
    ask(handlers, "ann", "How long?")
    shown = as_json(run("customers", "export", "ann", "--json", "--data-dir", str(app.settings.data_dir)))
    assert shown == json.loads(handlers.download(event(), by("ann"))["file"]["text"])
