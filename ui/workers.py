"""Blocking work in threads, its events in the event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

from starlette.requests import Request

from ui.errors import Failure

T = TypeVar("T")
Work = Callable[[Callable[[T], None], threading.Event], None]
"""Blocking work: hands each event to its first argument and ends soon after its second one is set."""


class Busy(Failure):
    """As much work is waiting as may wait."""


class Gone(Exception):
    """The client went away before there was anything to send."""


class _End(Generic[T]):
    """Ends the events of a piece of work. error: what it raised."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Workers:
    """Threads for blocking work: `most` at once, `waiting` more in line, and no more than that."""

    def __init__(self, most: int = 32, waiting: int = 64) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="turn")
        self._places = threading.BoundedSemaphore(most + waiting)
        self._full = f"{most} replies are being made and {waiting} more are waiting. Try again in a moment."

    async def events(self, work: Work[T]) -> AsyncIterator[T]:
        """What `work` hands out, as it comes; whatever it raises comes out here. Leaving the iteration tells the work to end.

        Raises `Busy` at once when there is no place.
        """
        if not self._places.acquire(blocking=False):
            raise Busy(self._full)
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[T | _End[T]] = asyncio.Queue()
        cancel = threading.Event()

        def put(item: T | _End[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the server is going down and nobody listens
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def run() -> None:
            try:
                if not cancel.is_set():
                    work(put, cancel)
                put(_End())
            except BaseException as error:  # noqa: BLE001  (it is raised again where the events are read)
                put(_End(error))
            finally:
                self._places.release()

        self._pool.submit(run)
        try:
            while not isinstance(item := await queue.get(), _End):
                yield item
            if item.error:
                raise item.error
        finally:
            cancel.set()


async def while_connected(request: Request, awaitable: Awaitable[T]) -> T:
    """The awaitable's result. When the client goes first, the awaitable is cancelled and `Gone` raised.

    The request's body must have been read: what its channel brings after that is the disconnect.
    """

    async def disconnect() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    work, gone = asyncio.ensure_future(awaitable), asyncio.ensure_future(disconnect())
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Gone
        return work.result()
    finally:
        gone.cancel()
        if not work.done():
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
