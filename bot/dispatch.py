"""Who answers, while turns are running: the policy in force, applied to what is known of the backends at this moment."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from threading import Event

from bot.backends.base import Backend
from bot.ladder import Ask, Ladder, Rung, Shrink
from bot.messages import Tokens
from bot.policy import Asked, Health, Plan, Policy, choose

Spent = Mapping[str, tuple[int, float]]
"""Tokens and cost of today, by backend."""


class Dispatch:
    """Plans turns and has them answered. Thread-safe."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        policy: Callable[[], Policy] = Policy,
        ladder: Ladder | None = None,
        spent: Callable[[], Spent] = dict,
        cost: Callable[[str, Tokens], float] = lambda _name, _tokens: 0.0,
    ) -> None:
        """backends: by name, `extractive` among them; may come and go while turns are running. policy: the one in force.

        cost: of so many tokens of a backend.
        """
        self.backends = backends
        self._policy = policy
        self._ladder = ladder or Ladder()
        self.cost = cost
        self._spent = spent

    def health(self) -> dict[str, Health]:
        """How each backend is."""
        spent = self._spent()
        seen = self._ladder.health(self.backends)
        return {
            name: replace(health, tokens=spent[name][0], cost=spent[name][1]) if name in spent else health for name, health in seen.items()
        }

    def plan(self, turn: Asked) -> Plan:
        """Who answers a turn that begins now, in which order, and why."""
        return choose(self._policy(), self.health(), turn)

    def answer(
        self, plan: Plan, ask: Ask, shrink: Shrink | None = None, cancel: Event | None = None, spent_s: float = 0
    ) -> Generator[str | Rung, None, None]:
        """The reply by the plan, as `Ladder.climb` yields it. spent_s: how much of the turn's time is gone."""
        rungs = [found for name in plan.rungs if (found := self.backends.get(name))]
        return self._ladder.climb(rungs, ask, shrink, cancel=cancel, limits=plan.limits, at_once=plan.at_once, spent_s=spent_s)
