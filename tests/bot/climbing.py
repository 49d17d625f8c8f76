"""What the tests of the ladder share: a clock of their own, scripted backends, one climb."""

import threading
import time
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

import pytest

from bot.backends.base import Backend, Options
from bot.backends.fake import FakeBackend
from bot.errors import (
    BackendError,
    BackendUnavailable,
)
from bot.ladder import Ladder, Rung
from bot.messages import Message, Prompt

PROMPT = Prompt((Message("customer", "Hello"),), "Hello", (), "en")
DOWN = BackendUnavailable("down")


class VirtualClock:
    """Seconds that pass only when somebody passes them."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = Lock()

    def now(self) -> float:
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


def same(_: Backend) -> tuple[Prompt, Options]:
    """Every backend is asked the same."""
    return PROMPT, Options()


def climb(backends: Sequence[Backend], ladder: Ladder | None = None, ask: Any = same, **more: Any) -> tuple[str, list[Rung]]:
    """The whole text, and the rungs."""
    events = list((ladder or Ladder()).climb(backends, ask, **more))
    assert isinstance(events[-1], Rung)
    return "".join(e for e in events if isinstance(e, str)), [e for e in events if isinstance(e, Rung)]


def good(text: str = "Good.", **more: Any) -> FakeBackend:
    return FakeBackend((text,), **{"name": "last", **more})


def failing(error: Exception = DOWN, **more: Any) -> FakeBackend:
    return FakeBackend(**{"name": "first", "error": error, **more})


def virtual() -> tuple[VirtualClock, Ladder]:
    clock = VirtualClock()
    return clock, Ladder(clock.now)


class Moody:
    """Fails with each of `moods` in turn, then answers."""

    name, kind, window = "moody", "fake", 100

    def __init__(self, moods: list[BackendError]) -> None:
        self.adapter: str | None = None
        self.moods = moods
        self.asked = 0

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        self.asked += 1
        if self.moods:
            raise self.moods.pop(0)
        yield "Moody."

    def count(self, text: str) -> int:
        return len(text)


def no_threads_left(name: str) -> None:
    for _ in range(100):
        if not any(thread.name == f"answer-{name}" for thread in threading.enumerate()):
            return
        time.sleep(0.02)
    pytest.fail(f"the thread of {name} goes on")
