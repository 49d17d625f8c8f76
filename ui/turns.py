"""A running turn as a page can follow it: the router works in a thread of its own, so that leaving the page never cuts it half-way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import Protocol

from bot.messages import Answer, Delta, Request


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


def follow(router: Router, request: Request, cancel: threading.Event, every_s: float = 0.05, alive_s: float = 0.5) -> Iterator[str]:
    """Run the turn and yield its text so far, at most once in `every_s` and at least once in `alive_s` (a page that left shows then).

    Ends when the reply is saved. Raises what the router raises.
    """
    events: SimpleQueue[Delta | Answer | Exception | None] = SimpleQueue()

    def work() -> None:
        try:
            for event in router.turn(request, cancel):
                events.put(event)
        except Exception as error:  # noqa: BLE001  (raised again below, where the page waits)
            events.put(error)
        finally:
            events.put(None)

    threading.Thread(target=work, name="turn", daemon=True).start()
    text = shown = ""
    due = monotonic()
    while True:
        try:
            event = events.get(timeout=alive_s)
        except Empty:
            yield text
            continue
        if isinstance(event, Exception):
            raise event
        if isinstance(event, Delta):
            text += event.text
        if text != shown and (event is None or events.empty() or monotonic() >= due):
            sleep(max(0.0, due - monotonic()))
            yield text
            shown, due = text, monotonic() + every_s
        if event is None:
            return
