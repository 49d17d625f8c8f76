"""Turns at the same time, turns that are left, turns of whatever backends: one answer each, and the pieces are its text."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.backends.fake import FakeBackend
from bot.errors import BackendUnavailable, BadReply
from bot.messages import Answer, Delta, Message, Prompt, Request
from tests.bot.turning import ASKED, ASKED_ZH, OFF_TOPIC, Desk, desk, reopened
from tests.threads import in_threads

WAIT_S = 5.0
WORDS = tuple(f"word{n} " for n in range(50))


def until(true: Callable[[], object]) -> None:
    ends = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.005)


class Gate:
    """Holds a backend's every piece until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def pause(self, _: float) -> None:
        self.reached.set()
        self._open.wait(WAIT_S)

    def open(self) -> None:
        self._open.set()


def gated(pieces: tuple[str, ...] = WORDS[:3]) -> tuple[FakeBackend, Gate]:
    gate = Gate()
    return FakeBackend(pieces, pause=gate.pause), gate


# --- at the same time


def test_the_same_message_at_the_same_time_is_answered_once(tmp_path: Path):
    model = FakeBackend(WORDS[:5], delay_s=0.002)
    with desk(tmp_path, model) as shop:
        answers = in_threads(lambda _: shop.ask(ASKED, conversation="c1", message="m1"))
        assert len({str(answer) for answer in answers}) == 1
        assert len(model.asked) == 1
        assert len(shop.store.transcript("c1", "anna")) == 2


def test_turns_of_one_conversation_do_not_interleave(tmp_path: Path):
    running, most = [0], [0]

    def script(_: Prompt) -> list[str]:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.005)
        running[0] -= 1
        return ["Done."]

    with desk(tmp_path, FakeBackend(script)) as shop:
        in_threads(lambda number: shop.ask(f"{ASKED} {number}", conversation="c1"), 8)
        assert most == [1]
        assert len(shop.store.transcript("c1", "anna")) == 16
        assert shop.store.unanswered() == ()


def test_a_message_sent_while_another_is_answered_knows_that_answer(tmp_path: Path):
    model, gate = gated()
    with desk(tmp_path, model) as shop:
        first = threading.Thread(target=shop.ask, args=(ASKED,), kwargs={"conversation": "c1"})
        first.start()
        assert gate.reached.wait(WAIT_S)
        second = threading.Thread(target=shop.ask, args=(f"{ASKED} again",), kwargs={"conversation": "c1"})
        second.start()
        until(lambda: len(shop.store.history("c1")) == 2)
        gate.open()
        first.join(WAIT_S)
        second.join(WAIT_S)
        said = "".join(WORDS[:3])
        assert model.asked[1][0].messages[1:] == (Message("customer", ASKED), Message("bot", said), Message("customer", f"{ASKED} again"))


def test_another_conversation_is_not_blocked(tmp_path: Path):
    model, gate = gated()
    with desk(tmp_path, model) as shop:
        waiting = threading.Thread(target=shop.ask, args=(ASKED,), kwargs={"conversation": "c1"})
        waiting.start()
        assert gate.reached.wait(WAIT_S)
        assert shop.ask(OFF_TOPIC, conversation="c2").abstained
        assert len(shop.store.history("c1")) == 1
        gate.open()
        waiting.join(WAIT_S)
        assert len(shop.store.history("c1")) == 2


def test_many_customers_at_once_get_their_own_answers(tmp_path: Path):
    model = FakeBackend(lambda prompt: ["You asked: ", prompt.messages[-1].text])
    with desk(tmp_path, model) as shop:

        def talk(number: int) -> None:
            for turn in range(3):
                text = f"{ASKED} {number}.{turn}"
                assert shop.ask(text, customer=f"customer{number}", conversation=f"c{number}").text == f"You asked: {text}"

        in_threads(talk, 8)
        assert all(len(shop.store.history(f"c{number}")) == 6 for number in range(8))


# --- leaving


def test_a_customer_who_leaves_stops_the_work_and_keeps_what_came(tmp_path: Path):
    model = FakeBackend(WORDS, delay_s=0.005)
    with desk(tmp_path, model) as shop:
        events: Any = shop.request(ASKED, conversation="c1", message="m1")
        came = [next(events).text for _ in range(3)]
        events.close()
        assert model.stopped.wait(WAIT_S)
        _, reply = shop.store.transcript("c1", "anna")
        assert reply.text == "".join(came)
        assert reply.answer is not None
        assert (reply.answer.interrupted, reply.answer.backend, reply.answer.rungs) == (True, "fake", ())
        assert shop.store.unanswered() == ()
        assert shop.ask(ASKED, conversation="c1", message="m1") == reply.answer
        assert shop.ask(f"{ASKED} again", conversation="c1").text == "".join(WORDS)  # the conversation is free


def test_leaving_after_a_fallback_keeps_the_failure_on_record(tmp_path: Path):
    last = FakeBackend(WORDS, name="extractive", kind="extractive", delay_s=0.005)
    with desk(tmp_path, FakeBackend(error=BackendUnavailable("down")), last) as shop:
        events: Any = shop.request(ASKED, conversation="c1")
        next(events)
        events.close()
        answer = shop.store.transcript("c1", "anna")[1].answer
        assert answer is not None
        assert (answer.interrupted, answer.backend, answer.rungs) == (True, "extractive", (("fake", "down"),))


@pytest.mark.parametrize("text", ["I want to talk to a person", "hello", OFF_TOPIC])
def test_leaving_after_a_sentence_of_the_bots_own_keeps_it_as_it_is(tmp_path: Path, text: str):
    with desk(tmp_path) as shop:
        whole = shop.ask(text, conversation="c1")
        events: Any = shop.request(text, conversation="c2")
        next(events)
        events.close()
        kept = shop.store.transcript("c2", "anna")[1].answer
        assert kept is not None
        assert (kept.text, kept.route, kept.reason, kept.abstained) == (whole.text, whole.route, whole.reason, whole.abstained)
        assert not kept.interrupted


def test_leaving_when_the_answer_is_there_changes_nothing(tmp_path: Path):
    with desk(tmp_path, FakeBackend(WORDS[:3])) as shop:
        events: Any = shop.request(ASKED, conversation="c1")
        answer = [next(events) for _ in range(4)][-1]
        events.close()
        assert isinstance(answer, Answer)
        assert shop.store.transcript("c1", "anna")[1].answer == answer
        assert not answer.interrupted


def test_stop_ends_the_reply_and_is_nobodys_failure(tmp_path: Path):
    model, cancel = FakeBackend(WORDS, delay_s=0.005), threading.Event()
    with desk(tmp_path, model) as shop:
        events = shop.router.turn(_asked("c1"), cancel)
        first = next(events)
        cancel.set()
        *more, answer = events
        assert isinstance(answer, Answer)
        assert answer.text == "".join(delta.text for delta in (first, *more) if isinstance(delta, Delta))
        assert (answer.interrupted, answer.backend, answer.rungs) == (True, "fake", ())
        assert len(answer.text) < len("".join(WORDS))
        assert model.stopped.wait(WAIT_S)
        assert shop.store.history("c1")[-1] == Message("bot", answer.text)


def test_stop_before_the_first_word_keeps_an_empty_reply(tmp_path: Path):
    cancel = threading.Event()
    cancel.set()
    with desk(tmp_path, FakeBackend(WORDS)) as shop:
        (answer,) = shop.router.turn(_asked("c1"), cancel)
        assert isinstance(answer, Answer)
        assert (answer.text, answer.interrupted, answer.abstained) == ("", True, False)
        assert shop.store.unanswered() == ()


def _asked(conversation: str) -> Request:
    return Request(ASKED, conversation, "anna")


# --- whatever the backends do


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("base")) as made:
        yield made


PIECES = st.lists(st.sampled_from(["", " ", "\n", "a", "30 days. ", "可以退货。", "<b>", "${x}"]), max_size=5)
ERRORS = st.none() | st.sampled_from([BackendUnavailable("down"), BadReply("bad"), KeyError("a bug")])
BACKENDS = st.builds(
    lambda pieces, error, after: FakeBackend(pieces, name="hosted", error=error, error_after=min(after, len(pieces))),
    PIECES, ERRORS, st.integers(0, 5),
)  # fmt: skip
LAST = st.builds(lambda pieces, error: FakeBackend(pieces, name="extractive", kind="extractive", error=error), PIECES, ERRORS)
TEXTS = st.sampled_from([ASKED, ASKED_ZH, OFF_TOPIC, "hello", "ok", "转人工", "123", "a\x00b", "<b>hi</b>", "那呢？"])


@settings(max_examples=50, deadline=None)
@given(backends=st.tuples(LAST) | st.tuples(BACKENDS, LAST), texts=st.lists(TEXTS, min_size=1, max_size=3), leave=st.integers(0, 6))
def test_the_pieces_are_the_answer_and_the_answer_is_saved(base: Desk, backends: tuple[FakeBackend, ...], texts: list[str], leave: int):
    shop = reopened(base, *backends)
    conversation = None
    for text in texts:
        pieces, answer = shop.turn(text, conversation=conversation)
        conversation = answer.conversation
        assert shop.store.transcript(conversation, "anna")[-1].answer == answer
        assert answer.text.strip() or answer.interrupted
        assert all(pieces)
        assert not (answer.abstained and answer.citations)
        assert {name for name, _ in answer.rungs} <= {backend.name for backend in backends}
    events: Any = shop.request(ASKED, conversation=conversation)
    came = [event for _, event in zip(range(leave), events, strict=False)]
    events.close()
    if came:
        said = "".join(delta.text for delta in came if isinstance(delta, Delta))
        assert shop.store.transcript(conversation or "", "anna")[-1].text == said
    assert shop.store.unanswered() == ()
