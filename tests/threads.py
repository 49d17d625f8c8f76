"""Doing the same thing many times at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def in_threads(work: Callable[[int], object], count: int = 12) -> list[object]:
    """Run work(0), work(1) ... all at once."""
    gate = threading.Barrier(count)

    def start(number: int) -> object:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))
