import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from bot import desk
from bot.errors import BadMessage, NotYours, UnknownConversation
from bot.messages import Answer, Request
from bot.store import Store

pytest_plugins = ("tests.databases",)


def asked(store: Store, conversation: str, text: str = "hello", **answer: object) -> str:
    """A question with its answer; returns the reply's id."""
    received = store.receive(Request(text, conversation, f"customer-{conversation}"))
    saved = Answer("an answer", conversation, received.message, **answer)  # type: ignore[arg-type]
    return store.finish(saved, {"unsupported_figures": ["99"]} if "figures" in text else {"unsupported_figures": []})


def ids(engine: Engine, box: desk.Box, me: str = "anna", search: str = "") -> list[str]:
    return [chat.id for chat in desk.inbox(engine, box, me, search)]


def test_each_box_has_its_conversations(engine: Engine, store: Store):
    for conversation in ("w1", "w2"):
        asked(store, conversation)
        store.hand_over(conversation, "customer_request")
    store.rate(asked(store, "down"), "customer-down", -1, "wrong price")
    asked(store, "unknown", abstained=True)
    asked(store, "money", "figures")
    asked(store, "fine")
    desk.take_over(engine, "fine", "anna", "Anna")
    assert ids(engine, "waiting") == ["w1", "w2"]  # who waits longest is first
    assert set(ids(engine, "flagged")) == {"down", "unknown", "money"}
    assert ids(engine, "mine") == ["fine"]
    assert ids(engine, "mine", "ben") == []
    assert ids(engine, "all") == ["fine", "money", "unknown", "down", "w2", "w1"]
    assert desk.counts(engine, "anna") == {"waiting": 2, "flagged": 3, "mine": 1, "all": 6}
    flags = {chat.id: chat.flags for chat in desk.inbox(engine, "flagged", "anna")}
    assert flags == {"down": ("thumbs_down",), "unknown": ("abstained",), "money": ("figures",)}
    assert {chat.last for chat in desk.inbox(engine, "all", "anna")} == {"an answer"}


def test_what_was_reviewed_is_flagged_again_only_by_something_new(engine: Engine, store: Store):
    asked(store, "c", abstained=True)
    desk.review(engine, "c", "anna")
    assert ids(engine, "flagged") == []
    asked(store, "c", "again", abstained=True)
    assert ids(engine, "flagged") == ["c"]


@pytest.mark.parametrize(
    ("search", "found"),
    [("battery", ["c1"]), ("BATT", ["c1"]), ("50%", ["c2"]), ("0_o", []), ("customer-c2", ["c2"]), ("OMER-C2", ["c2"]), ("c1", ["c1"])],
)
def test_search(engine: Engine, store: Store, search: str, found: list[str]):
    asked(store, "c1", "my battery dies")
    asked(store, "c2", "50% off?")
    assert ids(engine, "all", search=search) == found


def test_boxes_and_counts_in_one_language(engine: Engine, store: Store):
    for conversation, language in (("c1", "en"), ("c2", "zh"), ("c3", "zh")):
        asked(store, conversation, language=language)
    store.hand_over("c2", "customer_request")
    assert [chat.id for chat in desk.inbox(engine, "all", "anna", language="zh")] == ["c3", "c2"]
    assert desk.counts(engine, "anna", "zh") == {"waiting": 1, "flagged": 0, "mine": 0, "all": 2}
    assert desk.counts(engine, "anna", "other")["all"] == 0


def test_a_person_takes_over_speaks_and_hands_back(engine: Engine, store: Store):
    asked(store, "c")
    store.hand_over("c", "customer_request")
    desk.take_over(engine, "c", "anna", "Anna")
    desk.take_over(engine, "c", "anna", "Anna")  # twice is once
    assert store.state("c") == "agent"
    desk.say(engine, "c", "anna", message="m1", text=" Hello, this is Anna. ")
    desk.say(engine, "c", "anna", message="m1", text="Hello, this is Anna.")
    desk.note(engine, "c", "anna", "wants a refund")
    spoken = store.transcript("c", "customer-c")[-1]
    assert (spoken.role, spoken.author, spoken.text) == ("agent", "Anna", "Hello, this is Anna.")
    assert [line.text for line in store.history("c")] == ["hello", "an answer", "Hello, this is Anna."]
    desk.hand_back(engine, "c", "anna", "told them how")
    assert store.state("c") == "bot"
    chat, said, notes = desk.chat(engine, "c")
    assert (chat.holder, len(said)) == ("", 3)
    assert [(note.kind, note.text) for note in notes] == [("taken", ""), ("note", "wants a refund"), ("returned", "told them how")]


def test_nobody_acts_in_a_conversation_that_somebody_else_has(engine: Engine, store: Store):
    asked(store, "c")
    desk.take_over(engine, "c", "anna", "Anna")
    acts: list[Callable[[], None]] = [
        lambda: desk.take_over(engine, "c", "ben", "Ben"),
        lambda: desk.say(engine, "c", "ben", message="m", text="hello"),
        lambda: desk.hand_back(engine, "c", "ben"),
        lambda: desk.close(engine, "c", "ben"),
    ]
    for act in acts:
        with pytest.raises(NotYours, match="is with Anna") as refused:
            act()
        assert refused.value.holder == "Anna"
    desk.close(engine, "c", "anna")
    with pytest.raises(NotYours, match="nobody"):
        desk.say(engine, "c", "anna", message="m", text="hello")
    assert store.state("c") == "closed"
    desk.take_over(engine, "c", "ben", "Ben")


def test_of_two_who_take_it_at_once_one_gets_it(engine: Engine, store: Store):
    asked(store, "c")
    store.hand_over("c", "customer_request")
    refused: list[str] = []
    start = threading.Barrier(6)

    def take(user: str) -> None:
        start.wait()
        try:
            desk.take_over(engine, "c", user, user)
        except NotYours as error:
            refused.append(error.holder)

    threads = [threading.Thread(target=take, args=(f"user{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holder = desk.chat(engine, "c")[0].holder
    assert refused == [holder] * 5


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001])
def test_what_is_no_message_is_refused(engine: Engine, store: Store, text: str):
    asked(store, "c")
    desk.take_over(engine, "c", "anna", "Anna")
    for act in (lambda: desk.say(engine, "c", "anna", message="m", text=text), lambda: desk.note(engine, "c", "anna", text)):
        with pytest.raises(BadMessage):
            act()
    with pytest.raises(UnknownConversation):
        desk.chat(engine, "nothing")
    with pytest.raises(UnknownConversation):
        desk.take_over(engine, "nothing", "anna", "Anna")


def test_what_came_while_a_person_was_there_is_never_taken_for_unanswered(engine: Engine, store: Store):
    asked(store, "c")
    desk.take_over(engine, "c", "anna", "Anna")
    waiting = store.receive(Request("are you there?", "c", "customer-c"))
    assert store.left_to_person("c", waiting.message)
    desk.hand_back(engine, "c", "anna")
    assert store.unanswered() == ()
    left = store.receive(Request("and now?", "c", "customer-c"))
    assert not store.left_to_person("c", left.message)
    assert [received.message for received in store.unanswered()] == [left.message]
