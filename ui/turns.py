"""A running turn as a page can follow it: the router works in a thread of its own, so that leaving the page never cuts it half-way."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Protocol

from bot.crew import Crew
from bot.messages import Answer, Delta, Request

_CREW = Crew("turn")


class Router(Protocol):
    """What answers: `bot.router.Router`."""

    def turn(self, request: Request, cancel: threading.Event | None = None) -> Iterator[Delta | Answer]:
        """Pieces of text, and the answer at the end."""
        ...


class Running:
    """Which turns are running, by customer, so that a customer can stop their own and nobody else's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[str, set[threading.Event]] = {}

    @contextmanager
    def turn(self, customer: str) -> Iterator[threading.Event]:
        """The event that stops the turn; it is set when the block is left, as then nobody follows the turn any more."""
        cancel = threading.Event()
        with self._lock:
            self._turns.setdefault(customer, set()).add(cancel)
        try:
            yield cancel
        finally:
            cancel.set()
            with self._lock:
                self._turns[customer].discard(cancel)
                if not self._turns[customer]:
                    del self._turns[customer]

    def stop(self, customer: str) -> None:
        """Stop what is running for this customer. Only sets events: the turns end by themselves, in their threads."""
        with self._lock:
            for cancel in self._turns.get(customer, ()):
                cancel.set()


async def follow(
    router: Router, request: Request, cancel: threading.Event, every_s: float = 0.05, alive_s: float = 0.5
) -> AsyncGenerator[str, None]:
    """Run the turn and yield its text so far, at most once in `every_s` and at least once in `alive_s` (a page that left shows then).

    Ends when the reply is saved: what was said since the last piece is then found there. Raises what the router raises. No thread waits
    here for what comes; the router has one, and wakes the event loop once for each piece that is yielded.
    """
    loop, growing, news = asyncio.get_running_loop(), _Growing(), asyncio.Event()

    def tell(text: str = "", *, over: bool = False, error: Exception | None = None) -> None:
        if growing.add(text, over=over, error=error):
            with suppress(RuntimeError):  # the loop is closed: the server is going down and nobody listens
                loop.call_soon_threadsafe(news.set)

    def work() -> None:
        error = None
        try:
            for event in router.turn(request, cancel):
                if isinstance(event, Delta):
                    tell(event.text)
        except Exception as raised:  # noqa: BLE001  (raised again below, where the page waits)
            error = raised
        tell(over=True, error=error)

    _CREW.do(work)
    shown, due = "", monotonic()
    while True:
        try:
            await asyncio.wait_for(news.wait(), alive_s)
        except TimeoutError:
            yield shown
            continue
        if not growing.over:
            await asyncio.sleep(max(0.0, due - monotonic()))
        news.clear()
        text, over, error = growing.take()
        if error:
            raise error
        if over:
            return
        if text != shown:
            yield text
            shown, due = text, monotonic() + every_s


class _Growing:
    """A text that a thread adds to and the event loop takes."""

    def __init__(self) -> None:
        self.over = False
        self._lock = threading.Lock()
        self._text = ""
        self._error: Exception | None = None
        self._told = False

    def add(self, text: str, *, over: bool, error: Exception | None) -> bool:
        """Whether the other side has to be told: it has taken what it was told of last."""
        with self._lock:
            self._text += text
            self.over, self._error = over, error
            told, self._told = self._told, True
            return not told

    def take(self) -> tuple[str, bool, Exception | None]:
        """The text so far, whether it is whole, and what went wrong."""
        with self._lock:
            self._told = False
            return self._text, self.over, self._error
