"""The fallback ladder: one backend after the other until one answers, each within its time limits."""

import logging
import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from bot.backends.base import Backend, Options
from bot.breaker import Breaker, Clock
from bot.errors import BackendError, BackendTimeout, BadReply, ContextOverflow, RateLimited
from bot.messages import Prompt

POLL_S = 0.05  # how soon a cancelled reply or a passed deadline is noticed
RETRIES = 2  # on a backend that asks to wait
RETRY_AFTER_MAX_S = 5.0  # the longest such wait a customer is made to sit through

Shrink = Callable[[Prompt, Backend], Prompt | None]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds, all above 0.

    first_token_s: from asking one backend to its first visible text. idle_s: between two pieces. total_s: for one whole reply.
    turn_s: over all backends but the last; once it is used up, only the last one is still asked.
    """

    first_token_s: float = 15
    idle_s: float = 10
    total_s: float = 60
    turn_s: float = 20


@dataclass(frozen=True, slots=True)
class Rung:
    """How it went with one backend.

    error: why it did not answer, or not to the end; empty for the one that answered.
    interrupted: the reply ends here, unfinished: it broke off after its first text, or was cancelled.
    """

    backend: str
    error: str = ""
    interrupted: bool = False


class Ladder:
    """Climbs down from backend to backend. One for the whole process: it remembers which backends fail. Thread-safe."""

    def __init__(self, limits: Limits = Limits(), clock: Clock = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = Lock()
        self._breakers: dict[str, Breaker] = {}

    def breaker(self, name: str) -> Breaker:
        """The breaker of the backend of that name."""
        with self._lock:
            return self._breakers.setdefault(name, Breaker(self._clock))

    def climb(
        self, backends: Sequence[Backend], prompt: Prompt, options: Options, shrink: Shrink | None = None
    ) -> Generator[str | Rung, None, None]:
        """Yield the reply piece by piece, and a `Rung` for every backend that was tried or passed over, when that is known.

        The last event is the rung of the backend that answered (no error; no text before it means that the extractive backend
        found no answer in the evidence), that broke off or was cancelled (interrupted), or the last one when all failed.
        The next backend is asked only while there is no visible text yet, so that the text is always one backend's.
        The last backend is always asked, whatever its breaker says. `shrink` may shorten a prompt that was too long, once a backend.
        Closing the iterator, or setting `options.cancel`, stops the work. Raises `ValueError` without backends.
        """
        if not backends:
            raise ValueError("climb() got no backends; give at least one, the one that always answers last")
        turn_ends = self._clock() + self._limits.turn_s
        *upper, last = backends
        for backend in upper:
            if self._clock() >= turn_ends:
                yield Rung(backend.name, f"not asked: the {self._limits.turn_s:g} s for a first word were used up")
                continue
            if not self.breaker(backend.name).allow():
                yield Rung(backend.name, "not asked: it failed too often within the last minute and is rested")
                continue
            rung = yield from self._rung(backend, prompt, options, turn_ends, shrink)
            yield rung
            if rung.interrupted or not rung.error:
                return
        yield (yield from self._rung(last, prompt, options, math.inf, shrink))

    def _rung(
        self, backend: Backend, prompt: Prompt, options: Options, turn_ends: float, shrink: Shrink | None
    ) -> Generator[str, None, Rung]:
        """One backend, with its retries."""
        breaker = self.breaker(backend.name)
        cancelled = Rung(backend.name, "cancelled", interrupted=True)
        retries, shrunk, said = 0, False, False
        while True:
            try:
                with closing(self._attempt(backend, prompt, options, turn_ends)) as pieces:
                    for piece in pieces:
                        said = True
                        yield piece
            except BackendError as error:
                if isinstance(error, ContextOverflow) and not said and not shrunk and shrink:
                    shrunk, shorter = True, shrink(prompt, backend)
                    if shorter is not None:
                        prompt = shorter
                        continue
                if isinstance(error, RateLimited) and not said and retries < RETRIES and self._soon(error.retry_after, turn_ends):
                    retries += 1
                    if not (options.cancel or Event()).wait(error.retry_after):
                        continue
                    breaker.left(answering=False)
                    return cancelled
                if isinstance(error, ContextOverflow):  # which is the prompt's fault
                    breaker.left(answering=False)
                else:
                    breaker.record(ok=False)
                logger.warning("backend %s failed: %s", backend.name, error)
                return Rung(backend.name, str(error) or type(error).__name__, interrupted=said)
            except GeneratorExit:
                breaker.left(said)
                raise
            if options.cancel and options.cancel.is_set():
                breaker.left(said)
                return cancelled
            breaker.record(ok=True)
            return Rung(backend.name)

    def _soon(self, retry_after: float | None, turn_ends: float) -> bool:
        return retry_after is not None and retry_after <= min(RETRY_AFTER_MAX_S, turn_ends - self._clock())

    def _attempt(self, backend: Backend, prompt: Prompt, options: Options, turn_ends: float) -> Generator[str, None, None]:
        """One call and its time limits."""
        limits = self._limits
        call = _Call(backend, prompt, options, self._clock)
        asked = self._clock()
        Thread(target=call.run, name=f"answer-{backend.name}", daemon=True).start()
        deadline, late = min(asked + limits.first_token_s, turn_ends), "no first word"
        held, said = "", False  # blank pieces wait for visible text: until then the next backend may still be asked
        try:
            while True:
                arrival = call.next(deadline)
                if call.cancelled:
                    return
                if arrival is None or arrival[0] > deadline:
                    raise BackendTimeout(f"{backend.name}: {late} within {deadline - asked:.3g} s of being asked")
                at, item = arrival
                if isinstance(item, BackendError):
                    raise item
                if item is None:
                    break
                held += item
                if held.strip() or (said and held):
                    deadline, late = min(at + limits.idle_s, asked + limits.total_s), "the reply neither went on nor ended"
                    said = True
                    yield held
                    held = ""
        finally:
            call.stop.set()
        if not said and backend.kind != "extractive":
            raise BadReply(f"{backend.name} sent an empty reply; expected text")


@dataclass(frozen=True, slots=True)
class _Call:
    """A backend's stream in a thread of its own, so that one that blocks cannot hold up the turn.

    Arrivals are stamped by that thread: a customer who reads slowly makes no backend late. None is the end of the reply.
    """

    backend: Backend
    prompt: Prompt
    options: Options
    clock: Clock
    stop: Event = field(default_factory=Event)
    arrivals: SimpleQueue[tuple[float, str | BackendError | None]] = field(default_factory=SimpleQueue)

    @property
    def cancelled(self) -> bool:
        return self.options.cancel is not None and self.options.cancel.is_set()

    def run(self) -> None:
        """Read the stream to its end, or to the first piece after `stop`."""
        end: BackendError | None = None
        try:
            for piece in self.backend.stream(self.prompt, replace(self.options, cancel=self.stop)):
                if self.stop.is_set():
                    return
                self.arrivals.put((self.clock(), piece))
        except BackendError as error:
            end = error
        except Exception as error:  # a backend's bug must not cost the customer the answer
            logger.exception("backend %s raised what no backend may raise", self.backend.name)
            end = BadReply(f"{self.backend.name} failed with an unexpected {type(error).__name__}; the log has the details")
        self.arrivals.put((self.clock(), end))

    def next(self, deadline: float) -> tuple[float, str | BackendError | None] | None:
        """The next arrival, or None when there is none by the deadline or the reply was cancelled."""
        while not self.cancelled:
            overdue = self.clock() > deadline  # read before looking, so that what came in time is not missed
            try:
                return self.arrivals.get(timeout=0 if overdue else POLL_S)
            except Empty:
                if overdue:
                    return None
        return None
