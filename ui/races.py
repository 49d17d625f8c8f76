"""One question to several backends at once: each answer is shown as soon as it is there, and a slow one holds up nobody."""

from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Any

from ui.errors import failure

Json = dict[str, Any]
Answering = Callable[[str], Json]


class Races:
    """What each person has asked last, in memory: nothing of it is saved. Thread-safe."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._of: dict[str, dict[str, Json]] = {}  # by person: what came of each backend so far, empty before it did

    def begin(self, who: str, names: Sequence[str], answering: Answering) -> None:
        """Ask them all, in place of what `who` had asked before."""
        found: dict[str, Json] = {name: {} for name in names}
        with self._changed:
            self._of[who] = found
        for name in found:
            Thread(target=self._ask, args=(found, name, answering), name=f"race-{name}", daemon=True).start()

    def wait(self, who: str, told: int, most_s: float) -> list[Json]:
        """What each has answered, once more than `told` have, or after `most_s`: {"asked"} alone of one that still works."""
        with self._changed:
            found = self._of.get(who, {})
            self._changed.wait_for(lambda: sum(map(bool, found.values())) > min(told, len(found) - 1), most_s)
            return [{**answer, "asked": name} for name, answer in found.items()]

    def _ask(self, found: dict[str, Json], name: str, answering: Answering) -> None:
        try:
            answer = answering(name)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told in words)
            answer = {"failed": str(failure(error))}
        with self._changed:
            found[name] = answer
            self._changed.notify_all()
