import pytest
from sqlalchemy import Engine

from bot import desk, ending
from bot.errors import UnknownConversation
from bot.messages import Request
from bot.store import Store

pytest_plugins = ("tests.databases",)


@pytest.fixture
def chat(store: Store) -> str:
    store.receive(Request("hello", "c", "ann"))
    return "c"


def test_a_conversation_is_rated_once_and_only_at_its_end(engine: Engine, chat: str):
    assert ending.ending(engine, chat) == ending.Ending()
    assert not ending.rate(engine, chat, "ann", 5)
    ending.end(engine, chat, "ann")
    assert ending.ending(engine, chat).at
    assert ending.rate(engine, chat, "ann", 2, " slow ")
    assert not ending.rate(engine, chat, "ann", 5, "fast")
    assert ending.ending(engine, chat).score == 2
    assert [(each.score, each.score_why) for each in desk.inbox(engine, "all", "anna")] == [(2, "slow")]


@pytest.mark.parametrize("finish", [desk.hand_back, desk.close])
def test_a_persons_end_is_one(engine: Engine, chat: str, finish: object):
    desk.take_over(engine, chat, "anna", "Anna")
    finish(engine, chat, "anna")  # type: ignore[operator]
    assert ending.rate(engine, chat, "ann", 4)


def test_who_ends_waits_for_nobody_and_who_writes_again_is_answered_by_the_bot(engine: Engine, store: Store, chat: str):
    store.hand_over(chat, "customer_request")
    ending.end(engine, chat, "ann")
    ending.end(engine, chat, "ann")
    assert (store.state(chat), desk.counts(engine, "anna")["waiting"]) == ("closed", 0)
    assert [(note.kind, note.author) for note in desk.chat(engine, chat)[2]] == [("closed", "")]
    store.receive(Request("one more thing", chat, "ann"))
    assert store.state(chat) == "bot"


def test_nobody_ends_or_rates_anothers(engine: Engine, store: Store, chat: str):
    for attempt in (lambda: ending.end(engine, chat, "bob"), lambda: ending.rate(engine, chat, "bob", 1)):
        with pytest.raises(UnknownConversation):
            attempt()
    assert store.state(chat) == "bot"


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_rating_is_one_to_five(engine: Engine, chat: str, score: int):
    ending.end(engine, chat, "ann")
    with pytest.raises(ValueError, match="allowed: 1"):
        ending.rate(engine, chat, "ann", score)
