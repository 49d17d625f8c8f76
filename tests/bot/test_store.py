"""What is saved stays saved, once, in order, and is shown to nobody else."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, exc, func, select, text, update

from bot.errors import BadMessage, UnknownConversation
from bot.messages import Answer, Citation, Message, Request, Tokens
from bot.records import answer_from_json, answer_to_json
from bot.store import Store
from bot.tables import api_keys, conversations, messages
from knowledge.tables import Moment
from ui.database import open_engine

pytest_plugins = ("tests.databases",)

ROOT = Path(__file__).parents[2]
FULL = Answer(
    text="Thirty days. 三十天。",
    conversation="c1",
    message="m1",
    citations=(Citation("k1", "returns.md", "Returns", "Send it back within 30 days.", 0.91, "within 30 days"),),
    abstained=True,
    route="human",
    reason="asked",
    backend="extractive",
    adapter="a@1",
    prompt_version="v1",
    language="zh",
    intent="return",
    sentiment="neutral",
    tokens=Tokens(10, 5, 2),
    latency_ms={"first_token": 1.5, "total": 20.0},
    interrupted=True,
    rungs=(("hosted", "timeout"),),
    suggestions=("Who pays?",),
)


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


def ask(store: Store, said: str = "hello", message: str | None = None, conversation: str | None = "c1", customer: str = "anna"):
    return store.receive(Request(said, conversation, customer, message))


def in_threads(work: Callable[[int], object], count: int = 12) -> list[object]:
    """Run work(0), work(1) ... all at once."""
    gate = threading.Barrier(count)

    def start(number: int) -> object:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


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


def test_an_answer_of_another_version_is_read_as_far_as_it_is_known():
    stored = {"citations": [{"id": "k1", "novelty": 1}], "tokens": {"prompt": 3, "cached": 1}, "novelty": True}
    answer = answer_from_json(stored, text="t", conversation="c", message="m", reply="r", interrupted=False)
    assert answer == Answer("t", "c", "m", citations=(Citation("k1", "", "", "", 0.0),), tokens=Tokens(prompt=3), reply="r")
    assert answer_from_json({}, text="t", conversation="c", message="m", reply="r", interrupted=True).interrupted


def test_the_json_of_an_answer_is_plain_and_holds_nothing_twice():
    stored = answer_to_json(FULL)
    again = answer_from_json(json.loads(json.dumps(stored)), text=FULL.text, conversation="c1", message="m1", reply="", interrupted=True)
    assert again == FULL
    assert not {"text", "conversation", "message", "reply", "interrupted"} & set(stored)


# --- reading


def test_history_ends_before_a_position(store: Store):
    for number in range(3):
        store.finish(Answer(f"a{number}", "c1", ask(store, f"q{number}").message), {})
    assert [line.text for line in store.history("c1")] == ["q0", "a0", "q1", "a1", "q2", "a2"]
    assert [line.text for line in store.history("c1", before=3)] == ["q0", "a0"]
    assert store.history("c1", before=1) == store.history("unknown") == ()


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
    for conversation, customer in [("c1", "ben"), ("c1", ""), ("unknown", "anna")]:
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


# --- ratings and hand-over


def test_a_rating_can_be_given_and_changed(store: Store, engine: Engine):
    reply = store.finish(Answer("hi", "c1", ask(store).message), {})
    store.rate(reply, "anna", -1, "wrong figure")
    store.rate(reply, "anna", 1)
    assert [line.rating for line in store.transcript("c1", "anna")] == [None, 1]
    with engine.connect() as connection:
        assert connection.scalar(select(messages.c.rating_why).where(messages.c.id == reply)) == ""


def test_a_rating_of_what_is_not_theirs_is_refused(store: Store):
    message = ask(store, message="m1").message
    reply = store.finish(Answer("hi", "c1", message), {})
    for what, who in [(reply, "ben"), (message, "anna"), ("unknown", "anna")]:
        with pytest.raises(UnknownConversation):
            store.rate(what, who, 1)
    with pytest.raises(ValueError, match="allowed: 1 for good, -1 for bad"):
        store.rate(reply, "anna", 0)  # type: ignore[arg-type]
    assert store.transcript("c1", "anna")[1].rating is None


def test_a_hand_over_is_recorded_once_while_waiting(store: Store, engine: Engine):
    ask(store)
    store.hand_over("c1", "asked for a person")
    store.hand_over("c1", "angry")
    assert store.state("c1") == "waiting"
    with engine.begin() as connection:
        assert connection.execute(select(conversations.c.handover_reason, conversations.c.handover_at)).one()[0] == "asked for a person"
        connection.execute(update(conversations).values(state="closed"))
    store.hand_over("c1", "again")
    assert store.state("c1") == "waiting"


def test_an_unknown_conversation_has_no_state_and_no_hand_over(store: Store):
    for call in (lambda: store.state("unknown"), lambda: store.hand_over("unknown", "why")):
        with pytest.raises(UnknownConversation):
            call()


def test_the_database_itself_refuses_a_second_reply_and_an_unknown_state(store: Store, engine: Engine):
    ask(store, message="m1")
    store.finish(Answer("hi", "c1", "m1"), {})
    line = {"conversation": "c1", "role": "bot", "text": "", "at": datetime.now(UTC)}
    for bad in (
        messages.insert().values(**line, id="r2", position=3, in_reply_to="m1"),
        messages.insert().values(**line, id="r2", position=2),
        messages.insert().values(**line, id="r2", position=3, in_reply_to="unknown"),
        messages.insert().values({**line, "conversation": "unknown"}, id="r2", position=3),
        update(conversations).values(state="lost"),
    ):
        with pytest.raises(exc.IntegrityError), engine.begin() as connection:
            connection.execute(bad)


# --- keys and settings


def test_a_key_opens_until_it_is_revoked(store: Store):
    secret = store.add_key("shop")
    assert secret.startswith("ad_")
    assert len(secret) > 40
    assert store.check_key(secret) == "shop"
    assert [store.check_key(wrong) for wrong in ("", "ad_", secret[:-1], "\ud800", "a\x00")] == [None] * 5
    assert [store.revoke_key("shop"), store.revoke_key("shop"), store.revoke_key("unknown")] == [True, False, False]
    assert store.check_key(secret) is None
    assert [(key.name, key.revoked) for key in store.keys()] == [("shop", True)]


def test_a_key_name_is_taken_for_good(store: Store):
    store.add_key("shop")
    with pytest.raises(ValueError, match="named 'shop'"):
        store.add_key("shop")
    store.revoke_key("shop")
    with pytest.raises(ValueError, match="named 'shop'"):
        store.add_key("shop")
    with pytest.raises(ValueError, match="allowed: 1 to 64"):
        store.add_key("no spaces")


def test_the_use_of_a_key_is_noted_to_the_minute(store: Store, engine: Engine):
    secret = store.add_key("shop")
    assert store.keys()[0].last_used is None
    store.check_key(secret)
    first = store.keys()[0].last_used
    store.check_key(secret)
    assert first is not None
    assert store.keys()[0].last_used == first
    with engine.begin() as connection:
        connection.execute(update(api_keys).values(last_used=first - timedelta(minutes=2)))
    store.check_key(secret)
    assert (store.keys()[0].last_used or first) >= first


def test_the_secret_of_a_key_is_in_no_file(tmp_path: Path):
    engine = open_engine(tmp_path)
    api_keys.metadata.create_all(engine)
    secret = Store(engine).add_key("shop")
    Store(engine).check_key(secret)
    engine.dispose()
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert any(b"shop" in content for content in files)
    assert not any(secret.encode() in content or secret[3:].encode() in content for content in files)


def test_settings_are_json_and_the_last_one_counts(store: Store):
    assert store.get_setting("policy") is None
    for value in ({"default": "extractive", "canary": 0.1}, [1, "二", None], True, "text", 0, None):
        store.set_setting("policy", value)
        assert store.get_setting("policy") == value
    in_threads(lambda number: store.set_setting("shared", number))
    assert store.get_setting("shared") in range(12)
    with pytest.raises(ValueError, match="setting 'bad' is not JSON"):
        store.set_setting("bad", {1, 2})


# --- a crash


def test_everything_acknowledged_survives_kill_9(engine: Engine, address: str):
    code = """if True:
        import sys
        from bot.messages import Answer, Request
        from bot.store import Store
        from ui.database import open_engine
        store = Store(open_engine(sys.argv[1]))
        for number in range(1_000_000):
            received = store.receive(Request(f"question {number}", f"c{number % 3}", "anna"))
            print("received", received.conversation, received.message, flush=True)
            reply = store.finish(Answer(f"answer {number}", received.conversation, received.message), {"number": number})
            print("finished", received.conversation, reply, flush=True)
    """
    writer = subprocess.Popen([sys.executable, "-c", code, address], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline() for _ in range(101)]
    writer.kill()
    acknowledged += writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    store = Store(engine)
    saved = {line.id for number in range(3) for line in store.transcript(f"c{number}", "anna")}
    assert {line.split()[2] for line in acknowledged if line.endswith("\n")} <= saved
    assert len(store.unanswered()) <= 1
    with engine.connect() as connection:
        for last, count in connection.execute(select(func.max(messages.c.position), func.count()).group_by(messages.c.conversation)):
            assert last == count
        if engine.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
