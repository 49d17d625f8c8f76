"""The circuit breaker."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.breaker import Breaker, Seen
from tests.bot.climbing import VirtualClock


@pytest.mark.parametrize(
    ("outcomes", "opens"),
    [
        ([False] * 4, False),
        ([False] * 5, True),
        ([True, True, False, False], False),
        ([True, True, False, False, False], True),
        ([True, True, True, False, False, False], False),
        ([True, True, True, False, False, False, False], True),
    ],
)
def test_the_breaker_opens_above_half_of_five_calls_or_more(outcomes: list[bool], opens: bool) -> None:
    breaker = Breaker(VirtualClock().now)
    for ok in outcomes:
        breaker.record(ok)
    assert breaker.allow() is not opens


def test_failures_older_than_the_window_do_not_count() -> None:
    clock = VirtualClock()
    breaker = Breaker(clock.now)
    for _ in range(9):
        breaker.record(ok=False)
        clock.advance(16)
    assert breaker.allow()


def test_a_probe_of_which_nothing_is_heard_is_followed_by_another() -> None:
    clock = VirtualClock()
    breaker = Breaker(clock.now)
    for _ in range(5):
        breaker.record(ok=False)
    clock.advance(30)
    assert [breaker.allow(), breaker.allow()] == [True, False]
    clock.advance(30)
    assert breaker.allow()


def test_of_many_threads_only_one_becomes_the_probe() -> None:
    clock = VirtualClock()
    breaker = Breaker(clock.now)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: breaker.record(ok=False), range(40)))
        assert not any(threads.map(lambda _: breaker.allow(), range(40)))
        clock.advance(30)
        assert sum(threads.map(lambda _: breaker.allow(), range(40))) == 1


def test_how_it_stands_is_told() -> None:
    clock = VirtualClock()
    breaker = Breaker(clock.now)
    assert breaker.seen() == Seen(0, 0, 0.0, probing=False)
    for ok in (True, False, False, False, False):
        breaker.record(ok)
    clock.advance(10)
    assert breaker.seen() == Seen(5, 4, 20.0, probing=False)
    clock.advance(20)
    assert breaker.seen() == Seen(5, 4, 0.0, probing=True)
    assert breaker.allow()
    breaker.record(ok=True)
    assert breaker.seen() == Seen(0, 0, 0.0, probing=False)
