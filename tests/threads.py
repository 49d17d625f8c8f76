"""Doing the same thing many times at once, and following from a thread what an event loop does."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


def in_threads(work: Callable[[int], object], count: int = 12) -> list[object]:
    """Run work(0), work(1) ... all at once."""
    gate = threading.Barrier(count)

    def start(number: int) -> object:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


class Stepped(Generic[T]):
    """An asynchronous generator as a plain one, on an event loop of its own that runs while a piece is waited for."""

    def __init__(self, pieces: AsyncGenerator[T, None]) -> None:
        self._pieces = pieces
        self._loop = asyncio.new_event_loop()

    def __iter__(self) -> "Stepped[T]":
        return self

    def __next__(self) -> T:
        try:
            return self._loop.run_until_complete(anext(self._pieces))
        except StopAsyncIteration:
            self.close()
            raise StopIteration from None

    def close(self) -> None:
        """Leave it where it is."""
        if not self._loop.is_closed():
            self._loop.run_until_complete(self._pieces.aclose())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
