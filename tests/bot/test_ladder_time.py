"""The ladder's time limits, and how a reply is stopped."""

import time
from threading import Event, Timer
from typing import Any

import pytest

from bot.backends.base import Options
from bot.backends.fake import FakeBackend
from bot.errors import (
    RateLimited,
)
from bot.ladder import Ladder, Rung
from bot.policy import Limits
from tests.bot.climbing import PROMPT, climb, failing, good, no_threads_left, same, virtual


@pytest.mark.parametrize(
    ("delay_s", "limits", "text", "late"),
    [
        (4, Limits(first_token_s=5, idle_s=5, total_s=60), "a b c ", None),
        (6, Limits(first_token_s=5, idle_s=9, total_s=60), "Good.", "no first word within 5 s"),
        (6, Limits(first_token_s=9, idle_s=5, total_s=60), "a ", "neither went on nor ended within 11 s"),
        (4, Limits(first_token_s=9, idle_s=9, total_s=10), "a b ", "neither went on nor ended within 10 s"),
        (6, Limits(first_token_s=9, idle_s=9, total_s=60, turn_s=5), "Good.", "no first word within 4.75 s"),
    ],
)
def test_time_limits(delay_s: float, limits: Limits, text: str, late: str | None) -> None:
    clock, ladder = virtual()
    first = FakeBackend(("a ", "b ", "c "), name="first", delay_s=delay_s, pause=clock.advance)
    got, rungs = climb([first, good()], ladder, limits=limits)
    assert got == text
    assert late in rungs[0].error if late else rungs == [Rung("first")]
    assert rungs[0].interrupted == (late is not None and text != "Good.")


def test_the_turns_time_is_shared_by_all_backends_but_the_last() -> None:
    clock, ladder = virtual()
    slow = [FakeBackend(name=name, delay_s=16, pause=clock.advance) for name in ("first", "second", "third")]
    last = good(delay_s=0.9, pause=clock.advance)
    text, rungs = climb([*slow, last], ladder, limits=Limits(first_token_s=15, turn_s=20))
    assert text == "Good."
    assert [rung.error for rung in rungs] == [
        "first: no first word within 15 s of being asked",
        "second: no first word within 3 s of being asked",
        "not asked: the 20 s for a first word were used up",
        "",
    ]
    assert slow[2].asked == []


def test_a_backend_that_blocks_and_cannot_be_cancelled_does_not_hold_up_the_turn() -> None:
    release = Event()
    stuck = FakeBackend(name="first", delay_s=1, pause=lambda _: (release.wait(20), None)[1])
    started = time.monotonic()
    try:
        text, rungs = climb([stuck, good()], limits=Limits(first_token_s=0.1))
    finally:
        release.set()
    assert time.monotonic() - started < 1
    assert text == "Good."
    assert "no first word" in rungs[0].error


def test_a_timed_out_backend_is_cancelled_and_its_thread_ends() -> None:
    slow = FakeBackend(name="slow", delay_s=20)
    climb([slow, good()], limits=Limits(first_token_s=0.05))
    assert slow.stopped.wait(2)
    no_threads_left("slow")


def test_a_customer_who_reads_slowly_makes_no_backend_late() -> None:
    text = ""
    for event in Ladder().climb([FakeBackend(("a", "b", "c"))], same, limits=Limits(first_token_s=0.2, idle_s=0.2, total_s=0.4)):
        if isinstance(event, Rung):
            assert event == Rung("fake")
        else:
            text += event
            time.sleep(0.25)
    assert text == "abc"


def test_options_are_passed_on_with_a_cancel_event_of_the_attempts_own() -> None:
    first = good()
    climb([first], ask=lambda _: (PROMPT, Options(max_tokens=7, temperature=1, cancel=Event())))
    asked = first.asked[0][1]
    assert (asked.max_tokens, asked.temperature) == (7, 1)


@pytest.mark.parametrize("pieces", [("a", "b"), ("a",)])
def test_cancelling_ends_the_reply_and_the_work(pieces: tuple[str, ...]) -> None:
    cancel = Event()
    slow, last = FakeBackend(pieces, name="slow", delay_s=0.2), good()
    Timer(0.2 * len(pieces) - 0.1, cancel.set).start()
    text, rungs = climb([slow, last], cancel=cancel)
    assert text == "".join(pieces[:-1])
    assert rungs == [Rung("slow", "cancelled", interrupted=True)]
    assert last.asked == []
    assert slow.stopped.wait(2)


def test_cancelling_ends_the_wait_for_a_busy_backend() -> None:
    cancel = Event()
    Timer(0.1, cancel.set).start()
    started = time.monotonic()
    _, rungs = climb([failing(RateLimited("429", retry_after=4)), good()], cancel=cancel)
    assert rungs == [Rung("first", "cancelled", interrupted=True)]
    assert time.monotonic() - started < 1


def test_closing_the_iterator_stops_the_work() -> None:
    slow = FakeBackend(("a", "b", "c"), name="slow", delay_s=0.05)
    events: Any = Ladder().climb([slow], same)
    assert next(events) == "a"
    events.close()
    assert slow.stopped.wait(2)
    no_threads_left("slow")
