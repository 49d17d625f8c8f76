"""The fallback ladder: one backend after the other until one answers, each within its time limits."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from threading import Event, Lock

from bot.backends.base import Backend, Options
from bot.breaker import Breaker, Clock
from bot.crew import Crew
from bot.errors import BackendError, BackendTimeout, BadReply, ContextOverflow, RateLimited
from bot.messages import Prompt
from bot.policy import RESTED, Health, Limits, full

POLL_S = 0.05  # how soon a cancelled reply or a passed deadline is noticed
LAST_SHARE = 0.05  # of a turn's time, kept for the last backend
PATIENCE = Limits()

Ask = Callable[[Backend], tuple[Prompt, Options]]
Shrink = Callable[[Prompt, Backend], Prompt | None]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rung:
    """How it went with one backend.

    error: why it did not answer, or not to the end; empty for the one that answered.
    interrupted: the reply ends here, unfinished: it broke off after its first text, or was cancelled.
    """

    backend: str
    error: str = ""
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for all backends of a turn, but for the end of its time: the last one's is a little later."""

    limits: Limits
    shrink: Shrink | None
    cancel: Event
    turn_ends: float


class Ladder:
    """Climbs down from backend to backend. One for the whole process: it remembers which backends fail or are busy. Thread-safe."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._breakers: dict[str, Breaker] = {}
        self._running: Counter[str] = Counter()
        self._crew = Crew("answer")

    def breaker(self, name: str) -> Breaker:
        """The breaker of the backend of that name."""
        with self._lock:
            return self._breakers.setdefault(name, Breaker(self._clock))

    def health(self, names: Iterable[str]) -> dict[str, Health]:
        """How these backends are, as far as it shows here."""
        seen = {name: self.breaker(name).seen() for name in names}
        return {
            name: Health(one.rests_s > 0, self._running[name], 0, 0.0, one.calls, one.failed, one.rests_s, one.probing)
            for name, one in seen.items()
        }

    def climb(
        self,
        backends: Sequence[Backend],
        ask: Ask,
        shrink: Shrink | None = None,
        *,
        cancel: Event | None = None,
        limits: Limits = PATIENCE,
        at_once: Mapping[str, int] | None = None,
        spent_s: float = 0,
    ) -> Generator[str | Rung, None, None]:
        """Yield the reply piece by piece, and a `Rung` for every backend that was tried or passed over, when that is known.

        The last event is the rung of the backend that answered (no error; no text before it means that the extractive backend
        found no answer in the evidence), that broke off or was cancelled (interrupted), or the last one when all failed.
        The next backend is asked only while there is no visible text yet, so that the text is always one backend's.
        The last backend is always asked, whatever its breaker says, and a little of the turn's time is kept for it.
        ask: what a backend is asked, made when its turn comes; may raise `BackendError`, and its options' `cancel` is not used.
        shrink: may shorten a prompt that was too long, once a backend. spent_s: how much of the turn's time is gone.
        at_once: how many replies some backends may make at a time.
        Closing the iterator, or setting `cancel`, stops the work. Raises `ValueError` without backends.
        """
        if not backends:
            raise ValueError("climb() got no backends; give at least one, the one that always answers last")
        kept = LAST_SHARE * limits.turn_s
        turn_ends = self._clock() + limits.turn_s - spent_s - kept
        terms = _Terms(limits, shrink, cancel or Event(), turn_ends)
        *upper, last = backends
        for backend in upper:
            if self._clock() >= turn_ends:
                yield Rung(backend.name, f"not asked: the {limits.turn_s:g} s for a first word were used up")
                continue
            if refused := self._enter(backend.name, (at_once or {}).get(backend.name)):
                yield Rung(backend.name, refused)
                continue
            try:
                rung = yield from self._rung(backend, ask, terms)
            finally:
                self._leave(backend.name)
            yield rung
            if rung.interrupted or not rung.error:
                return
        yield (yield from self._rung(last, ask, replace(terms, turn_ends=max(turn_ends, self._clock()) + kept)))

    def _enter(self, name: str, most: int | None) -> str:
        """Take one of the backend's places; says why when it cannot be asked."""
        with self._lock:
            if most is not None and self._running[name] >= most:
                return full(self._running[name], most)
            self._running[name] += 1
        if self.breaker(name).allow():
            return ""
        self._leave(name)
        return RESTED

    def _leave(self, name: str) -> None:
        with self._lock:
            self._running[name] -= 1

    def _rung(self, backend: Backend, ask: Ask, terms: _Terms) -> Generator[str, None, Rung]:
        """One backend, with its retries."""
        breaker = self.breaker(backend.name)
        cancelled = Rung(backend.name, "cancelled", interrupted=True)
        prompt: Prompt | None = None
        retries, shrunk, said = 0, False, False
        while True:
            try:
                if prompt is None:
                    prompt, options = ask(backend)
                with closing(self._attempt(backend, prompt, options, terms)) as pieces:
                    for piece in pieces:
                        said = True
                        yield piece
            except BackendError as error:
                if isinstance(error, ContextOverflow) and prompt and not said and not shrunk and terms.shrink:
                    shrunk, shorter = True, terms.shrink(prompt, backend)
                    if shorter is not None:
                        prompt = shorter
                        continue
                asked_s = error.retry_after if isinstance(error, RateLimited) else None
                wait = terms.limits.retry_in(asked_s, retries, terms.turn_ends - self._clock(), said=said)
                if wait is not None:
                    retries += 1
                    if not terms.cancel.wait(wait):
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
            if terms.cancel.is_set():
                breaker.left(said)
                return cancelled
            breaker.record(ok=True)
            return Rung(backend.name)

    def _attempt(self, backend: Backend, prompt: Prompt, options: Options, terms: _Terms) -> Generator[str, None, None]:
        """One call and its time limits."""
        limits = terms.limits
        call = _Call(backend, prompt, options, terms.cancel, self._clock)
        asked = self._clock()
        self._crew.do(call.run)
        deadline, late = min(asked + limits.first_token_s, terms.turn_ends), "no first word"
        held, said = "", False  # blank pieces wait for visible text: until then the next backend may still be asked
        try:
            while True:
                arrival = call.next(deadline)
                if terms.cancel.is_set():
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
    cancel: Event
    clock: Clock
    stop: Event = field(default_factory=Event)
    arrivals: SimpleQueue[tuple[float, str | BackendError | None]] = field(default_factory=SimpleQueue)

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
        while not self.cancel.is_set():
            overdue = self.clock() > deadline  # read before looking, so that what came in time is not missed
            try:
                return self.arrivals.get(timeout=0 if overdue else POLL_S)
            except Empty:
                if overdue:
                    return None
        return None
