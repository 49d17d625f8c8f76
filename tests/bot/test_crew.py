"""Every job is done at once, on threads that are used again."""

import threading
import weakref

import pytest

from bot.crew import Crew

WAIT_S = 10.0


def test_jobs_that_block_hold_up_no_other():
    crew, release, begun = Crew("test"), threading.Event(), threading.Semaphore(0)

    def block() -> None:
        begun.release()
        release.wait(WAIT_S)

    for _ in range(20):
        crew.do(block)
    assert all(begun.acquire(timeout=WAIT_S) for _ in range(20))
    release.set()


def test_a_free_thread_is_used_again():
    crew, done, ran = Crew("test"), threading.Semaphore(0), []
    for _ in range(50):
        crew.do(lambda: (ran.append(threading.get_ident()), done.release())[1])
        assert done.acquire(timeout=WAIT_S)
        while not crew._free:
            threading.Event().wait(0.001)
    assert len(ran) == 50
    assert len(set(ran)) == 1


def test_a_thread_that_had_nothing_to_do_for_long_goes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.crew._IDLE_S", 0.01)
    crew = Crew("idle-test")
    crew.do(lambda: None)
    for _ in range(1000):
        if not any(thread.name == "idle-test" for thread in threading.enumerate()):
            break
        threading.Event().wait(0.01)
    assert not any(thread.name == "idle-test" for thread in threading.enumerate())
    done = threading.Event()
    crew.do(done.set)
    assert done.wait(WAIT_S)


def test_a_thread_without_work_holds_nothing_of_the_last_job():
    class Heavy:
        def carry(self) -> None:
            done.release()

    crew, done = Crew("test"), threading.Semaphore(0)
    for _ in range(2):  # on a new thread, then on one that is used again
        heavy = Heavy()
        left = weakref.ref(heavy)
        crew.do(heavy.carry)
        del heavy
        assert done.acquire(timeout=WAIT_S)
        while not crew._free:
            threading.Event().wait(0.001)
        assert left() is None
