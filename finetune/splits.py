"""What may train, what validates, what evaluates: whole customers on one side, near-duplicates too, and a check of that."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.alike import Alike
from bot.messages import Example


@dataclass(frozen=True, slots=True)
class Leak:
    """A training example that says nearly what one of the evaluation does."""

    train: str
    held: str


def by_time(examples: Sequence[Example], share: float = 0.1) -> tuple[list[Example], list[Example]]:
    """(older, newest): the newest conversations, `share` of all and one at least, watch over the training as tomorrow's would.

    A customer's conversations stay together, at the time of the newest. Undated ones are ordered by their id, which is random.
    """
    newest: dict[str, tuple[str, str]] = {}
    for example in examples:
        key = owner(example)
        newest[key] = max(newest.get(key, ("", "")), (example.at, key))
    ordered = sorted(newest, key=lambda key: newest[key])
    kept = max(1, round(len(ordered) * share)) if len(ordered) > 1 else 0
    late = set(ordered[len(ordered) - kept :])
    return [one for one in examples if owner(one) not in late], [one for one in examples if owner(one) in late]


def owner(example: Example) -> str:
    """Whose example it is: examples of one owner are never on two sides."""
    return example.customer or example.conversation or example.id


def leaks(train: Sequence[Example], held: Sequence[Example]) -> list[Leak]:
    """Where evaluation would see what was trained on: the same owner, or a near-duplicate of both the question and the answer."""
    known = Alike()
    owners: dict[str, str] = {}
    for number, example in enumerate(train):
        known.add(number, _said(example))
        owners.setdefault(owner(example), example.id)
    found = []
    for example in held:
        if (same := owners.get(owner(example))) is not None:
            found.append(Leak(same, example.id))
        elif near := known.find(_said(example)):
            found.append(Leak(train[near[0]].id if isinstance(near[0], int) else "", example.id))
    return found


def without_leaks(train: Sequence[Example], held: Sequence[Example]) -> list[Example]:
    """The evaluation examples that the training has nothing of."""
    leaking = {leak.held for leak in leaks(train, held)}
    return [example for example in held if example.id not in leaking]


def _said(example: Example) -> str:
    return f"{example.question}\n{example.answer}"
