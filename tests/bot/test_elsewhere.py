import pytest
from sqlalchemy import Engine

from bot import desk
from bot.elsewhere import Elsewhere, elsewhere
from bot.messages import Request
from bot.store import Store

pytest_plugins = ("tests.databases",)


@pytest.fixture
def chats(store: Store) -> Store:
    """Two conversations of Ann's, of which the first waits for a person, and one of Bob's that does."""
    for conversation, customer in (("b", "bob"), ("c1", "ann"), ("c2", "ann")):
        store.receive(Request("hello", conversation, customer))
    store.hand_over("b", "customer_request")
    store.hand_over("c1", "customer_request")
    return store


def test_what_waits_elsewhere_is_told_and_what_a_person_wrote_there(engine: Engine, chats: Store):
    assert elsewhere(engine, "ann", "c2") == elsewhere(engine, "ann", "new") == Elsewhere("c1")
    assert elsewhere(engine, "ann", "c1") is None
    desk.take_over(engine, "c1", "mei", "Mei")
    assert elsewhere(engine, "ann", "c2") == Elsewhere("c1")
    desk.say(engine, "c1", "mei", message="l1", text="Hello")
    told = elsewhere(engine, "ann", "c2")
    assert told
    assert (told.conversation, told.person) == ("c1", "Mei")
    desk.say(engine, "c1", "mei", message="l2", text="Are you there?")
    assert elsewhere(engine, "ann", "c2") != told


@pytest.mark.parametrize("finish", [desk.hand_back, desk.close])
def test_what_a_person_wrote_meanwhile_is_told_also_once_they_have_left(engine: Engine, chats: Store, finish: object):
    desk.take_over(engine, "c1", "mei", "Mei")
    desk.say(engine, "c1", "mei", message="l1", text="Hello")
    finish(engine, "c1", "mei")  # type: ignore[operator]
    told = elsewhere(engine, "ann", "c2")
    assert told
    assert told.person == "Mei"
    chats.receive(Request("something else", "c3", "ann"))
    assert elsewhere(engine, "ann", "c3") is None  # it was there to be read before
    assert elsewhere(engine, "ann", "new") is None


def test_nobody_is_told_of_anothers(engine: Engine, chats: Store):
    assert elsewhere(engine, "bob", "c2") == Elsewhere("b")
    assert elsewhere(engine, "eve", "c2") is None
    assert elsewhere(engine, "eve", "b") is None
