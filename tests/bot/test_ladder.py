"""The fallback ladder, on scripted backends."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.fake import FakeBackend
from bot.errors import (
    BackendError,
    BackendRejected,
    BackendTimeout,
    BadReply,
    ContextOverflow,
    RateLimited,
)
from bot.ladder import Ladder, Rung
from bot.messages import Prompt
from bot.policy import Limits
from tests.bot.climbing import DOWN, PROMPT, Moody, climb, failing, good, same, virtual


def test_the_first_backend_that_answers_is_the_only_one_asked() -> None:
    first, last = good("One.", name="first"), good()
    assert climb([first, last]) == ("One.", [Rung("first")])
    assert (len(first.asked), len(last.asked)) == (1, 0)


@pytest.mark.parametrize(
    "error", [DOWN, BackendTimeout("late"), BackendRejected("key"), RateLimited("429"), ContextOverflow("long"), BadReply("bad")]
)
def test_a_failed_backend_is_reported_with_its_error_and_the_next_one_answers(error: BackendError) -> None:
    assert climb([failing(error), good()]) == ("Good.", [Rung("first", str(error)), Rung("last")])


@pytest.mark.parametrize("pieces", [(), ("",), (" ", "\n")])
def test_an_empty_reply_is_a_failure(pieces: tuple[str, ...]) -> None:
    text, rungs = climb([FakeBackend(pieces, name="first"), good()])
    assert text == "Good."
    assert "empty" in rungs[0].error


def test_an_empty_reply_of_the_extractive_backend_is_an_answer() -> None:
    assert climb([failing(), FakeBackend((), name="last", kind="extractive")]) == ("", [Rung("first", "down"), Rung("last")])


def test_after_the_first_word_the_reply_is_interrupted_and_nobody_else_is_asked() -> None:
    first, last = failing(script=("Half ", "a reply", "."), error_after=2), good()
    assert climb([first, last]) == ("Half a reply", [Rung("first", "down", interrupted=True)])
    assert last.asked == []


def test_blanks_are_no_first_word() -> None:
    assert climb([failing(script=("\n", " ", "x"), error_after=2), good()])[0] == "Good."
    assert climb([FakeBackend(("\n", "Hi", " ", "all")), good()])[0] == "\nHi all"


def test_when_all_fail_the_last_rung_holds_the_last_error() -> None:
    assert climb([failing(), failing(BadReply("bad"), name="last")]) == ("", [Rung("first", "down"), Rung("last", "bad")])


def test_a_backends_bug_is_one_more_failure_that_does_not_quote_it() -> None:
    text, rungs = climb([failing(KeyError("sk-secret")), good()])
    assert text == "Good."
    assert rungs[0].error == "first failed with an unexpected KeyError; the log has the details"


def test_no_backends_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one"):
        list(Ladder().climb([], same))


PIECES = st.lists(st.sampled_from(["", " ", "\n", "a", "bc ", "再见"]), max_size=4)
FAKES = st.builds(
    lambda pieces, kind, fails, after: (pieces, kind, min(after, len(pieces)) if fails else None),
    PIECES,
    st.sampled_from(["fake", "hosted", "extractive"]),
    st.booleans(),
    st.integers(0, 4),
)


@given(st.lists(FAKES, min_size=1, max_size=4), st.text("xyz", min_size=1))
def test_the_text_is_always_a_prefix_of_one_backends_script(scripts: list[tuple[list[str], str, int | None]], final: str) -> None:
    marked = [
        ([f"{n}{piece}" if piece.strip() else piece for piece in pieces], kind, after) for n, (pieces, kind, after) in enumerate(scripts)
    ]
    fakes = [
        FakeBackend(pieces, name=str(n), kind=kind, error=None if after is None else DOWN, error_after=after or 0)
        for n, (pieces, kind, after) in enumerate(marked)
    ]
    text, rungs = climb([*fakes, good(final)])

    for n, (pieces, kind, after) in enumerate(marked):  # what must be: the first that says anything, or may be silent, ends it
        said = "".join(pieces[:after])
        if said.strip():
            assert (text, rungs[-1]) == (said, Rung(str(n), "" if after is None else "down", interrupted=after is not None))
            break
        if kind == "extractive" and after is None:
            assert (text, rungs[-1]) == ("", Rung(str(n)))
            break
    else:
        assert (text, rungs[-1]) == (final, Rung("last"))
    assert [rung.backend for rung in rungs] == [*map(str, range(len(rungs) - 1)), rungs[-1].backend]
    assert all(rung.error and not rung.interrupted for rung in rungs[:-1])


def test_a_short_wait_is_kept_and_asked_again_at_most_twice() -> None:
    first = failing(RateLimited("429", retry_after=0.02))
    started = time.monotonic()
    assert climb([first, good()]) == ("Good.", [Rung("first", "429"), Rung("last")])
    assert len(first.asked) == 3
    assert time.monotonic() - started >= 0.04


def test_a_backend_that_answers_after_the_wait_is_the_one_that_answers() -> None:
    busy = Moody([RateLimited("429", retry_after=0.01)])
    assert climb([busy, good()]) == ("Moody.", [Rung("moody")])


@pytest.mark.parametrize("wait", [None, 6.0])
def test_a_long_or_unknown_wait_is_not_waited_for(wait: float | None) -> None:
    first = failing(RateLimited("429", retry_after=wait))
    assert climb([first, good()])[0] == "Good."
    assert len(first.asked) == 1


def test_a_wait_beyond_the_turns_time_is_not_waited_for() -> None:
    first = failing(RateLimited("429", retry_after=2))
    climb([first, good()], limits=Limits(turn_s=1))
    assert len(first.asked) == 1


def test_after_the_first_word_nothing_is_asked_again() -> None:
    first = failing(RateLimited("429", retry_after=0), script=("Half", "."), error_after=1)
    assert climb([first, good()]) == ("Half", [Rung("first", "429", interrupted=True)])
    assert len(first.asked) == 1


def test_a_prompt_that_is_too_long_is_shortened_once() -> None:
    shorter = Prompt((), "shorter", (), "en")
    first = failing(ContextOverflow("long"))
    events = list(Ladder().climb([first, good()], same, lambda _prompt, _backend: shorter))
    assert [prompt for prompt, _ in first.asked] == [PROMPT, shorter]
    assert events == [Rung("first", "long"), "Good.", Rung("last")]


def test_a_prompt_that_cannot_be_shortened_is_not_sent_again() -> None:
    first = failing(ContextOverflow("long"))
    list(Ladder().climb([first, good()], same, lambda _prompt, _backend: None))
    assert len(first.asked) == 1


def test_a_failing_backend_is_rested_probed_and_taken_back() -> None:
    clock, ladder = virtual()
    moody = Moody([DOWN] * 6)
    for _ in range(5):
        climb([moody, good()], ladder)
    assert ladder.breaker("moody").resting
    text, rungs = climb([moody, good()], ladder)
    assert (text, moody.asked) == ("Good.", 5)
    assert "not asked" in rungs[0].error
    clock.advance(30)
    climb([moody, good()], ladder)  # the probe, which fails
    climb([moody, good()], ladder)
    assert moody.asked == 6
    clock.advance(30)
    assert climb([moody, good()], ladder)[0] == "Moody."  # the probe, which does not
    assert climb([moody, good()], ladder)[0] == "Moody."
    assert not ladder.breaker("moody").resting


@pytest.mark.parametrize("leaves", ["closes the page", "presses stop"])
@pytest.mark.parametrize("heard", [True, False])
def test_a_probe_that_the_customer_leaves_does_not_keep_the_backend_resting(leaves: str, heard: bool) -> None:
    clock, ladder = virtual()
    moody, cancel = Moody([DOWN] * 5), threading.Event()
    for _ in range(5):
        climb([moody, good()], ladder)
    clock.advance(30)
    probe = ladder.climb([moody, good()], same, cancel=cancel)
    if not heard:
        cancel.set()
        list(probe)
    elif leaves == "presses stop":
        assert next(probe) == "Moody."
        cancel.set()
        list(probe)
    else:
        assert next(probe) == "Moody."
        probe.close()
    assert ladder.breaker("moody").resting is not heard
    assert climb([moody, good()], ladder)[0] == "Moody."


def test_the_last_backend_is_asked_whatever_its_breaker_says() -> None:
    moody = Moody([DOWN] * 6)
    ladder = Ladder()
    for _ in range(6):
        climb([moody], ladder)
    assert climb([moody], ladder)[0] == "Moody."


def test_prompts_that_are_too_long_are_not_held_against_the_backend() -> None:
    ladder = Ladder()
    first = failing(ContextOverflow("long"))
    for _ in range(9):
        climb([first, good()], ladder)
    assert len(first.asked) == 9


def test_eight_turns_at_once_do_not_mix() -> None:
    ladder = Ladder()

    def turn(number: int) -> str:
        return climb([failing(name=f"f{number % 3}"), good(f"Reply {number}.")], ladder)[0]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(turn, range(64))) == [f"Reply {number}." for number in range(64)]
