"""Jobs that nobody waits for."""

import threading

from bot.background import Background

WAIT_S = 5.0


def test_of_one_name_the_newest_waiting_job_is_done_and_failures_do_not_stop_the_rest():
    work, gate, done = Background(), threading.Event(), []
    assert work.settle(0)
    work.later("first", lambda: gate.wait(WAIT_S))
    work.later("a", lambda: done.append(1))
    work.later("b", lambda: 1 / 0)
    work.later("a", lambda: done.append(2))
    work.later("c", lambda: done.append(3))
    assert not work.settle(0.01)
    gate.set()
    assert work.settle(WAIT_S)
    assert done == [2, 3]
    work.later("a", lambda: done.append(4))
    assert work.settle(WAIT_S)
    assert done == [2, 3, 4]
