import asyncio
import threading
from contextlib import aclosing
from typing import Any

import pytest

from ui.workers import Busy, Workers


async def _all(workers: Workers, work: Any) -> list[Any]:
    return [event async for event in workers.events(work)]


def test_events_come_in_order_and_off_the_loop():
    threads: list[int] = []

    def work(emit: Any, cancel: threading.Event) -> None:
        threads.append(threading.get_ident())
        for number in range(100):
            emit(number)

    assert asyncio.run(_all(Workers(), work)) == list(range(100))
    assert threads != [threading.get_ident()]


def test_errors_come_out_after_the_events():
    def work(emit: Any, cancel: threading.Event) -> None:
        emit(1)
        raise KeyError("x")

    async def read() -> None:
        events = Workers().events(work)
        assert await anext(events) == 1
        with pytest.raises(KeyError):
            await anext(events)

    asyncio.run(read())


def test_no_more_than_may_wait_and_places_come_back():
    workers, release = Workers(most=1, waiting=1), threading.Event()

    def work(emit: Any, cancel: threading.Event) -> None:
        release.wait(10)
        emit("done")

    async def flood() -> None:
        tasks = [asyncio.create_task(_all(workers, work)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="1 replies are being made and 1 more"):
            await _all(workers, work)
        release.set()
        assert await asyncio.gather(*tasks) == [["done"], ["done"]]
        while True:  # the place is given back just after the last event
            try:
                assert await _all(workers, work) == ["done"]
                return
            except Busy:
                await asyncio.sleep(0.01)

    asyncio.run(flood())


def test_leaving_tells_the_work():
    told = threading.Event()

    def work(emit: Any, cancel: threading.Event) -> None:
        emit(1)
        if cancel.wait(10):
            told.set()

    async def leave() -> None:
        async with aclosing(Workers().events(work)) as events:
            async for _ in events:
                break

    asyncio.run(leave())
    assert told.wait(5)
