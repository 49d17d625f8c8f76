"""One at a time, in order, and nothing left behind."""

import threading

from bot.waiting import OneAtATime
from tests.threads import in_threads

WAIT_S = 5.0


def test_a_name_has_one_holder_at_a_time():
    queue, inside, most = OneAtATime(), [0], [0]

    def work(_: int) -> None:
        for _ in range(20):
            with queue.turn("a"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    in_threads(work)
    assert (inside, most) == ([0], [1])
    assert not queue._lines


def test_they_come_in_the_order_in_which_they_stood_in_line():
    queue, order = OneAtATime(), []

    def work(number: int) -> None:
        with queue.turn("a"):
            order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    with queue.turn("a"):
        for place, thread in enumerate(threads, 2):
            thread.start()
            while len(queue._lines["a"]) < place:
                threading.Event().wait(0.001)
    for thread in threads:
        thread.join(WAIT_S)
    assert order == list(range(6))


def test_other_names_do_not_wait():
    queue = OneAtATime()
    with queue.turn("a"), queue.turn("b"):
        assert queue._lines.keys() == {"a", "b"}


def test_it_may_be_left_in_another_thread():
    queue = OneAtATime()
    held = queue.turn("a")
    held.__enter__()
    in_threads(lambda _: held.__exit__(None, None, None), 1)
    with queue.turn("a"):
        pass
    assert not queue._lines
