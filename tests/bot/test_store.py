"""What is saved stays saved, once, in order, and is shown to nobody else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from bot.errors import BadMessage, UnknownConversation
from bot.messages import Answer, Message, Request
from bot.store import Store
from bot.tables import conversations, messages
from knowledge.tables import Moment
from tests.bot.test_records import FULL
from tests.threads import in_threads

pytest_plugins = ("tests.databases",)


def ask(store: Store, said: str = "hello", message: str | None = None, conversation: str | None = "c1", customer: str = "anna"):
    return store.receive(Request(said, conversation, customer, message))


# --- receive


def test_a_new_conversation_gets_ids_and_a_customer(store: Store):
    received = store.receive(Request("hello"))
    assert (received.position, received.answer, received.text) == (1, None, "hello")
    assert all(len(value) == 32 for value in (received.conversation, received.customer, received.message))
    assert store.state(received.conversation) == "bot"


def test_ids_from_outside_are_kept(store: Store):
    received = ask(store, message="m-1_A", conversation="from_outside-1")
    assert (received.conversation, received.customer, received.message) == ("from_outside-1", "anna", "m-1_A")


def test_the_same_message_again_is_the_same_message(store: Store):
    first = ask(store, "hello", "m1")
    assert ask(store, "something else", "m1") == first
    reply = store.finish(Answer("hi", "c1", "m1"), {})
    assert ask(store, "hello", "m1") == replace(first, answer=Answer("hi", "c1", "m1", reply=reply))
    assert store.history("c1") == (Message("customer", "hello"), Message("bot", "hi"))


def test_a_first_message_sent_twice_opens_one_conversation(store: Store):
    received = in_threads(lambda _: ask(store, message="m1", conversation=None))
    assert len(set(received)) == 1
    assert ask(store, message="m2", conversation=None).conversation != ask(store, message="m1", conversation=None).conversation


def test_message_ids_of_different_conversations_and_customers_do_not_collide(store: Store):
    places = {ask(store, message="1", conversation=None, customer=who).conversation for who in ("anna", "ben")}
    places |= {ask(store, message="1", conversation=which).conversation for which in ("c1", "c2")}
    assert len(places) == 4


def test_a_message_cannot_take_the_id_of_a_reply(store: Store):
    reply = store.finish(Answer("hi", "c1", ask(store).message), {})
    with pytest.raises(BadMessage, match="belongs to a reply"):
        ask(store, message=reply)


def test_another_customers_conversation_is_refused(store: Store):
    ask(store)
    for stranger in ("ben", None):
        with pytest.raises(UnknownConversation):
            store.receive(Request("let me in", "c1", stranger))
    assert len(store.history("c1")) == 1


@pytest.mark.parametrize("name", ["", "a" * 65, "a b", "../etc", "é", "a\n"])
def test_an_id_that_is_not_allowed_is_refused(store: Store, name: str):
    with pytest.raises(BadMessage, match="allowed: 1 to 64"):
        ask(store, conversation=name)
    with pytest.raises(BadMessage, match="allowed: 1 to 64"):
        ask(store, message=name)


@pytest.mark.parametrize("name", ["", "x" * 257, "a\x00b", "a\nb"])
def test_a_customer_that_is_not_allowed_is_refused(store: Store, name: str):
    with pytest.raises(BadMessage, match="allowed: 1 to 256"):
        ask(store, customer=name)


@pytest.mark.parametrize("said", ["a\x00b", "half \ud83d of a pair"])
def test_what_no_database_can_hold_is_refused(store: Store, said: str):
    with pytest.raises(ValueError, match="at character"):
        ask(store, said)
    ask(store, message="m1")
    with pytest.raises(ValueError, match="at character"):
        store.finish(Answer(said, "c1", "m1"), {})


def test_odd_but_allowed_text_comes_back_the_same(store: Store):
    said = "零\u200d👩‍🚀 'quote\" -- ; \r\n\ttab \x01 " + "x" * 50_000
    assert ask(store, said, customer="anna@example.com 安娜").text == said
    assert store.history("c1") == (Message("customer", said),)


def test_positions_have_no_gaps_under_load(store: Store, engine: Engine):
    def talk(number: int) -> None:
        for turn in range(5):
            received = ask(store, f"{number}.{turn}")
            store.finish(Answer("reply", "c1", received.message), {})

    in_threads(talk)
    with engine.connect() as connection:
        assert list(connection.scalars(select(messages.c.position).order_by(messages.c.position))) == list(range(1, 121))
    assert store.unanswered() == ()


def test_the_same_message_from_many_threads_is_saved_once(store: Store):
    assert len(set(in_threads(lambda number: ask(store, f"by {number}", "m1")))) == 1
    assert len(store.history("c1")) == 1


# --- finish


def test_an_answer_comes_back_whole(store: Store):
    ask(store, message="m1")
    reply = store.finish(FULL, {"prompt": "v1"})
    assert ask(store, message="m1").answer == replace(FULL, reply=reply)
    assert store.transcript("c1", "anna")[1].answer == replace(FULL, reply=reply)


def test_provenance_and_language_are_kept(store: Store, engine: Engine):
    ask(store, message="m1")
    reply = store.finish(FULL, {"passages": ["k1"], "seconds": 0.5})
    with engine.connect() as connection:
        assert connection.scalar(select(messages.c.provenance).where(messages.c.id == reply)) == {"passages": ["k1"], "seconds": 0.5}
        assert connection.scalar(select(conversations.c.language)) == "zh"


def test_a_second_reply_is_ignored(store: Store):
    ask(store, message="m1")
    first = store.finish(Answer("first", "c1", "m1"), {})
    assert store.finish(Answer("second", "c1", "m1"), {}) == first
    assert store.history("c1")[-1] == Message("bot", "first")


def test_two_replies_at_once_are_one(store: Store):
    ask(store, message="m1")
    assert len(set(in_threads(lambda number: store.finish(Answer(f"reply {number}", "c1", "m1"), {})))) == 1
    assert len(store.history("c1")) == 2


def test_a_reply_id_from_outside_is_kept(store: Store):
    ask(store, message="m1")
    assert store.finish(Answer("hi", "c1", "m1", reply="r1"), {}) == "r1"


def test_a_reply_to_nothing_is_refused(store: Store):
    reply = store.finish(Answer("hi", "c1", ask(store).message), {})
    for conversation, message in [("c1", "never"), ("nowhere", "m1"), ("c1", reply)]:
        with pytest.raises(UnknownConversation):
            store.finish(Answer("hi", conversation, message), {})


def test_what_is_not_json_is_refused(store: Store):
    ask(store, message="m1")
    for bad in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(ValueError, match="the provenance is not JSON"):
            store.finish(Answer("hi", "c1", "m1"), bad)
    assert len(store.unanswered()) == 1


# --- reading


def test_history_ends_before_a_position(store: Store):
    for number in range(3):
        store.finish(Answer(f"a{number}", "c1", ask(store, f"q{number}").message), {})
    assert [line.text for line in store.history("c1")] == ["q0", "a0", "q1", "a1", "q2", "a2"]
    assert [line.text for line in store.history("c1", before=3)] == ["q0", "a0"]
    assert store.history("c1", before=1) == store.history("unknown") == ()


def test_history_before_a_message_holds_the_replies_that_came_after_it(store: Store):
    first, second, third = (ask(store, f"q{number}") for number in range(3))
    for number, received in enumerate((first, second, third)):
        store.finish(Answer(f"a{number}", "c1", received.message), {})
    said = [[line.text for line in store.history("c1", before=received.position)] for received in (first, second, third)]
    assert said == [[], ["q0", "a0"], ["q0", "q1", "a0", "a1"]]


def test_order_is_the_position_even_when_the_clock_is_set_back(store: Store, engine: Engine):
    later = datetime.now(UTC) + timedelta(days=1)
    for number in range(3):
        ask(store, f"{number}", conversation="old")
    with engine.begin() as connection:
        connection.execute(update(conversations).values(updated=later))
        connection.execute(update(messages).where(messages.c.position == 1).values(at=later))
    assert [line.text for line in store.transcript("old", "anna")] == ["0", "1", "2"]
    ask(store, conversation="new")
    assert store.latest("anna") == "new"


def test_latest_is_the_conversation_written_in_last(store: Store):
    assert store.latest("anna") is None
    for conversation in ("c1", "c2", "c1"):
        ask(store, conversation=conversation)
    ask(store, conversation="c3", customer="ben")
    assert (store.latest("anna"), store.latest("ben")) == ("c1", "c3")


def test_a_transcript_is_the_owners_only(store: Store):
    ask(store)
    for conversation, customer in [("c1", "ben"), ("c1", ""), ("unknown", "anna"), ("\x00", "anna"), ("\ud800", "anna")]:
        with pytest.raises(UnknownConversation):
            store.transcript(conversation, customer)


def test_times_are_in_utc(store: Store, engine: Engine):
    before = datetime.now(UTC)
    ask(store)
    at = store.transcript("c1", "anna")[0].at
    assert before <= at <= datetime.now(UTC)
    assert at.tzinfo is UTC
    with pytest.raises(ValueError, match="has no time zone"):
        Moment().process_bind_param(datetime(2026, 1, 1), engine.dialect)  # noqa: DTZ001


def test_unanswered_finds_what_a_crash_left(store: Store):
    answered, open_ = ask(store, "one", "m1"), ask(store, "two", "m2")
    other = ask(store, "three", "m3", "c2", "ben")
    store.finish(Answer("hi", "c1", answered.message), {})
    assert store.unanswered() == (open_, other)
