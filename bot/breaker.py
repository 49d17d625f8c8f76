"""Remembers how calls went, to spare whoever keeps failing."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Seen:
    """calls, failed: of the last window. rests_s: for so long no call may be made. probing: it rested, and the next call tries again."""

    calls: int
    failed: int
    rests_s: float
    probing: bool


class Breaker:
    """Spares a failing backend: rests it for `rest_s` when of the last `window_s` seconds' calls, at least `calls`, over half failed.

    After the rest one call is let through as a probe; its success ends the rest. A probe of which nothing is heard is
    followed by another after `rest_s`. Thread-safe.
    """

    def __init__(self, clock: Clock = time.monotonic, *, window_s: float = 60, calls: int = 5, rest_s: float = 30) -> None:
        self._clock = clock
        self._window_s = window_s
        self._calls = calls
        self._rest_s = rest_s
        self._lock = Lock()
        self._past: deque[tuple[float, bool]] = deque()
        self._rests_until: float | None = None

    @property
    def resting(self) -> bool:
        return self._rests_until is not None

    @property
    def refuses(self) -> bool:
        """Whether no call may be made now: it rests and no probe is due."""
        with self._lock:
            return self._rests_until is not None and self._clock() < self._rests_until

    def seen(self) -> Seen:
        """How it stands."""
        with self._lock:
            now = self._clock()
            recent = [ok for at, ok in self._past if at >= now - self._window_s]
            rests = 0.0 if self._rests_until is None else max(0.0, self._rests_until - now)
            return Seen(len(recent), recent.count(False), rests, self._rests_until is not None and rests == 0)

    def allow(self) -> bool:
        """Whether a call may be made now; True during a rest makes the caller the probe."""
        with self._lock:
            if self._rests_until is None:
                return True
            if self._clock() < self._rests_until:
                return False
            self._rests_until = self._clock() + self._rest_s
            return True

    def left(self, answering: bool) -> None:
        """Tell that the customer left or stopped the reply, answering: after its first text, which was a success until then.

        Where nothing had come yet nothing was learned: if the call was the probe, the next one is.
        """
        if answering:
            self.record(ok=True)
            return
        with self._lock:
            if self._rests_until is not None:
                self._rests_until = self._clock()

    def record(self, ok: bool) -> None:
        """Tell how a call went."""
        with self._lock:
            now = self._clock()
            if self._rests_until is not None:
                self._past.clear()
                self._rests_until = None if ok else now + self._rest_s
                return
            self._past.append((now, ok))
            while self._past[0][0] < now - self._window_s:
                self._past.popleft()
            failed = sum(not ok for _, ok in self._past)
            if len(self._past) >= self._calls and failed * 2 > len(self._past):
                self._rests_until = now + self._rest_s
