"""When to train again: enough that is new has been approved, or what an adapter learned from was erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.examples import Pool
from finetune.registry import Registry


@dataclass(frozen=True, slots=True)
class Retraining:
    """new: examples to train on that were approved since the newest adapter was made. after: from how many on it is due, 0 for never.

    last: that adapter, empty where there is none. erased: adapters that answer customers and learned from a customer who was erased since.
    """

    new: int
    after: int
    last: str = ""
    erased: tuple[str, ...] = ()

    @property
    def due(self) -> bool:
        """Whether somebody should train again."""
        return bool(self.reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why; empty where nothing speaks for it."""
        found = [f"{name} answers, and learned from a customer who was erased since: train anew without" for name in self.erased]
        if self.last and 0 < self.after <= self.new:
            found.append(
                f"{self.new} examples were approved since {self.last} was trained; from {self.after} on it is worth training again"
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """As `finetune advise` prints it."""
        about = {"due": self.due, "new": self.new, "after": self.after, "last": self.last or None}
        return {**about, "erased": list(self.erased), "reasons": list(self.reasons)}


def retraining(pool: Pool, registry: Registry, active: Sequence[str], after: int) -> Retraining:
    """What is known of it now. active: the adapters that answer customers, by name."""
    entries = registry.entries()
    last = entries[-1] if entries else None
    erased = tuple(sorted(entry.name for entry in entries if entry.erased and entry.name in active))
    return Retraining(pool.approved_since(last.created if last else None), after, last.name if last else "", erased)
