"""Threads that are used again: to start one costs more than most of what is given to it, and whoever starts it waits until it runs."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

_IDLE_S = 30.0  # how long a thread without work is kept


class Crew:
    """Does each job at once, on a thread that is free or on a new one: as many as there are jobs. The threads are daemons."""

    def __init__(self, name: str) -> None:
        """name: of the threads."""
        self._name = name
        self._lock = threading.Lock()
        self._free: list[SimpleQueue[Callable[[], None]]] = []

    def do(self, job: Callable[[], None]) -> None:
        """Begin the job, which raises nothing. Returns at once."""
        with self._lock:
            post = self._free.pop() if self._free else None
        if post:
            post.put(job)
            return
        post = SimpleQueue()
        post.put(job)
        threading.Thread(target=self._work, args=(post,), name=self._name, daemon=True).start()

    def _work(self, post: SimpleQueue[Callable[[], None]]) -> None:
        while True:
            try:
                job = post.get(timeout=_IDLE_S)
            except Empty:
                with self._lock:
                    if post in self._free:
                        self._free.remove(post)
                        return
                job = post.get()  # given to it at the last moment
            job()
            del job  # and what it holds, a model for one
            with self._lock:
                self._free.append(post)
