"""Turns of one conversation stand in line; those of different conversations do not wait for each other."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class OneAtATime:
    """One holder of a name at a time in this process, in the order in which they came. Nothing is kept of a name that nobody holds."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._lines: dict[str, deque[threading.Event]] = {}

    @contextmanager
    def line(self, name: str) -> Iterator[threading.Event]:
        """A place in the line for the name, for the block: the event is set when it is one's turn, at once where nobody is before.

        The block may be left in another thread than it was entered in.
        """
        mine = threading.Event()
        with self._guard:
            line = self._lines.setdefault(name, deque())
            line.append(mine)
            line[0].set()
        try:
            yield mine
        finally:
            with self._guard:
                line.remove(mine)
                if line:
                    line[0].set()
                else:
                    del self._lines[name]

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Wait for the name and hold it for the block."""
        with self.line(name) as mine:
            mine.wait()
            yield
