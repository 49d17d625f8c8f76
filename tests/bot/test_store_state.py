"""Ratings, hand-overs, API keys and settings in the store; and what a crash leaves of it all."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, exc, func, select, text, update

from bot.errors import UnknownConversation
from bot.messages import Answer, Request
from bot.store import Store
from bot.tables import api_keys, conversations, messages
from tests.threads import in_threads
from ui.database import open_engine

pytest_plugins = ("tests.databases",)

ROOT = Path(__file__).parents[2]


def ask(store: Store, message: str | None = None):
    return store.receive(Request("hello", "c1", "anna", message))


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
    for name in ("unknown", "", "\x00", "\ud800"):
        for call in (store.state, lambda name: store.hand_over(name, "why"), lambda name: store.rate(name, "anna", 1)):
            with pytest.raises(UnknownConversation):
                call(name)


def test_the_database_itself_refuses_a_second_reply_and_an_unknown_state(store: Store, engine: Engine):
    ask(store, message="m1")
    store.finish(Answer("hi", "c1", "m1"), {})
    line = {"conversation": "c1", "role": "bot", "text": "", "at": datetime.now(UTC)}
    for bad in (
        messages.insert().values(**line, id="r2", position=3, in_reply_to="m1"),
        messages.insert().values(**line, id="r2", position=2),
        messages.insert().values(**line, id="r2", position=3, in_reply_to="unknown"),
        messages.insert().values(**{**line, "conversation": "unknown"}, id="r2", position=3),
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
    (key,) = store.keys()
    assert (key.name, key.revoked) == ("shop", True)


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
