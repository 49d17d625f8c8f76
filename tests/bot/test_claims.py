"""One turn at a time in a conversation, over all routers on one database."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select, update

from bot.backends.fake import FakeBackend
from bot.claims import taken
from bot.errors import UnknownConversation
from bot.messages import Answer, Prompt, Request
from bot.store import Store
from bot.tables import claims, messages
from tests.bot.turning import ASKED, desk, reopened

pytest_plugins = ("tests.databases",)

WAIT_S = 10.0


def test_two_processes_take_turns(engine: Engine, store: Store):
    """Two stores are as two processes: they share nothing but the database."""
    other = Store(engine)
    store.receive(Request("Hello", "c", "anna"))
    entered, held = threading.Event(), []

    def enter() -> None:
        with other.claims.turn("c"):
            held.append("other")
            entered.set()

    waiting = threading.Thread(target=enter)
    with store.claims.turn("c"):
        waiting.start()
        assert not entered.wait(0.2)
        held.append("first")
    assert entered.wait(WAIT_S)
    waiting.join(WAIT_S)
    assert held == ["first", "other"]
    with engine.connect() as connection:
        assert connection.execute(select(claims)).all() == []


def test_the_claim_of_a_process_that_died_runs_out(engine: Engine, store: Store):
    store.receive(Request("Hello", "c", "anna"))
    with engine.begin() as connection:
        assert taken(connection, "c", "dead")
        assert not taken(connection, "c", "other")
        connection.execute(update(claims).values(until=datetime.now(UTC) - timedelta(seconds=1)))
        assert taken(connection, "c", "other")
    store.claims.forget()
    with store.claims.turn("c"):
        pass


def test_a_conversation_that_is_gone_keeps_nobody_waiting(store: Store):
    with store.claims.turn("gone"):
        pass


class Watchful(FakeBackend):
    """Notes who is asked in which conversation at the same time as another."""

    def __init__(self) -> None:
        super().__init__(self._reply, name="watchful")
        self.inside: Counter[str] = Counter()
        self.overlaps: list[str] = []
        self.times: Counter[str] = Counter()
        self._guard = threading.Lock()

    def _reply(self, prompt: Prompt) -> list[str]:
        said = prompt.messages[-1].text
        conversation = said.split()[-2]
        with self._guard:
            self.times[said] += 1
            self.inside[conversation] += 1
            if self.inside[conversation] > 1:
                self.overlaps.append(conversation)
        threading.Event().wait(0.002)
        with self._guard:
            self.inside[conversation] -= 1
        return ["Thirty", " days."]


def pairs(folder: Path, number: int) -> None:
    """`number` pairs of messages, both of a pair into one conversation at once and each sent to two routers at once."""
    model = Watchful()
    with desk(folder, model) as one:
        other = reopened(one, model)
        other.router._store = Store(one.engine)
        jobs = [
            (router, f"c{pair % (number // 4)}", f"m{pair}-{half}")
            for pair in range(number)
            for half in range(2)
            for router in (one.router, other.router)
        ]

        def send(job: tuple) -> str:
            router, conversation, message = job
            *_, answer = router.turn(Request(f"{ASKED} {conversation} {message}", conversation, "anna", message))
            return answer.reply

        with ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(send, jobs))
        assert model.overlaps == []
        assert set(model.times.values()) == {1}
        assert len(model.times) == 2 * number
        with one.engine.connect() as connection:
            rows = connection.execute(select(messages).order_by(messages.c.conversation, messages.c.position)).all()
        answered = Counter((row.conversation, row.in_reply_to) for row in rows if row.role == "bot")
        assert set(answered.values()) == {1}
        assert len(answered) == 2 * number
        assert set(replies) == {row.id for row in rows if row.role == "bot"}


def test_forty_pairs_at_once(tmp_path: Path):
    pairs(tmp_path, 40)


@pytest.mark.long
def test_a_thousand_pairs_at_once(tmp_path: Path):
    pairs(tmp_path, 1000)


def test_a_new_message_takes_its_conversation_where_nobody_is_before_it(store: Store):
    with store.claims.line("c") as first, store.claims.line("c") as second:
        one = store.receive(Request("one", "c", "anna", "m1"), first)
        store.receive(Request("two", "c", "anna", "m2"), second)
        assert (first.held, second.held) == (True, False)
        other = Store(store._engine)
        with other.claims.line("c") as elsewhere:
            other.receive(Request("three", "c", "anna", "m3"), elsewhere)
            assert not elsewhere.held
        store.finish(Answer("done", "c", one.message), {}, first)
        assert not first.held


def test_the_reply_gives_the_conversation_back_and_nothing_else_does(engine: Engine, store: Store):
    with store.claims.line("c") as place:
        store.receive(Request("one", "c", "anna", "m1"), place)
        with pytest.raises(UnknownConversation):
            store.finish(Answer("done", "c", "never"), {}, place)
        assert place.held
        with engine.connect() as connection:
            assert len(connection.execute(select(claims)).all()) == 1
        store.finish(Answer("done", "c", "m1"), {}, place)
        with engine.connect() as connection:
            assert connection.execute(select(claims)).all() == []


def test_a_message_sent_again_takes_no_conversation(store: Store):
    store.receive(Request("one", "c", "anna", "m1"))
    with store.claims.line("c") as place:
        assert store.receive(Request("one", "c", "anna", "m1"), place).text == "one"
        assert not place.held
        place.wait()
        assert place.held


def test_what_belongs_to_a_reply_is_written_with_it_or_not_at_all(engine: Engine, store: Store):
    store.receive(Request("one", "c", "anna", "m1"))

    def also(connection: Connection) -> None:
        connection.execute(update(messages).where(messages.c.id == "m1").values(rating_why="counted"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.finish(Answer("done", "c", "m1"), {}, also=also)
    assert len(store.unanswered()) == 1
    with engine.connect() as connection:
        assert connection.scalar(select(messages.c.rating_why).where(messages.c.id == "m1")) is None
