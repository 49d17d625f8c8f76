"""Work that no customer waits for, done after replies on one thread of its own."""

import logging
import threading
from collections.abc import Callable

from bot.crew import Crew

logger = logging.getLogger(__name__)


class Background:
    """Does jobs one after the other; of several with one name that wait only the newest. What fails is logged, the next job is done.

    The thread is a daemon: a process that ends does not wait for it, and what was not done is done after a later reply.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, Callable[[], object]] = {}
        self._changed = threading.Condition()
        self._working = False
        self._crew = Crew("background")

    def later(self, name: str, job: Callable[[], object]) -> None:
        """Do the job soon. Returns at once."""
        with self._changed:
            self._jobs[name] = job
            if not self._working:
                self._working = True
                self._crew.do(self._work)

    def settle(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is left to do. False when that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._working, timeout_s)

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._jobs:
                    self._working = False
                    self._changed.notify_all()
                    return
                name = next(iter(self._jobs))
                job = self._jobs.pop(name)
            try:
                job()
            except Exception:
                logger.exception("%s failed", name)
