"""Who answers a turn: the policy that support leads set, and `choose`, the one pure function that holds what it means.

Nothing here asks a clock, a database or a backend: what is known of them comes in as `State`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from bot.errors import BadPolicy

LAST = "extractive"  # the backend that always answers, at once and from the evidence alone: the last rung of every ladder
RESTED = "not asked: it failed too often within the last minute and is rested"

_FORBID: dict[str, Any] = {"extra": "forbid"}  # pydantic's, which reads these classes from JSON
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def checked_name(name: str, what: str) -> str:
    """A backend's or adapter's name as it is, or `BadPolicy`."""
    if not _NAME.fullmatch(name):
        raise BadPolicy(f"{what} is {name[:80]!r}; allowed: 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit")
    return name


def _within(value: float, least: float, most: float, what: str) -> None:
    if not least <= value <= most:  # false for NaN too
        raise BadPolicy(f"{what} is {value:g}; allowed: {least:g} to {most:g}")


@dataclass(frozen=True, slots=True)
class Limits:
    """A turn's time, in seconds, and its patience.

    first_token_s: from asking one backend to its first visible text. idle_s: between two pieces. total_s: for one whole reply.
    turn_s: from the turn's begin to its first visible text, whichever backend says it, or to a plain refusal.
    retries: of one backend that asks to wait, for at most retry_after_s each time; always before the first visible text.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    first_token_s: float = 15
    idle_s: float = 10
    total_s: float = 60
    turn_s: float = 20
    retries: int = 2
    retry_after_s: float = 5

    def __post_init__(self) -> None:
        for name, most in (("first_token_s", 600), ("idle_s", 600), ("total_s", 3600), ("turn_s", 600)):
            _within(getattr(self, name), 0.01, most, f"limits.{name}")
        _within(self.retries, 0, 5, "limits.retries")
        _within(self.retry_after_s, 0, 60, "limits.retry_after_s")

    def retry_in(self, asked_s: float | None, retries: int, left_s: float, *, said: bool) -> float | None:
        """Seconds to wait before a backend that said "not now" is asked again, None when it is not.

        asked_s: its Retry-After, None when it gave none. retries: made before. left_s: of the turn's time to a first text. said: whether
        text of this turn is out already.
        """
        again = not said and retries < self.retries and asked_s is not None and 0 <= asked_s <= min(self.retry_after_s, left_s)
        return asked_s if again else None


@dataclass(frozen=True, slots=True)
class Canary:
    """A share, 0..1, of the conversations goes to `backend` first. A conversation stays on its side, also when the share grows."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    backend: str
    share: float

    def __post_init__(self) -> None:
        checked_name(self.backend, "canary.backend")
        _within(self.share, 0, 1, "canary.share")


@dataclass(frozen=True, slots=True)
class Route:
    """Turns of this intent and language go to `backend` first. An empty intent or language fits every turn."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    backend: str
    intent: str = ""
    language: Literal["", "zh", "en", "other"] = ""

    def __post_init__(self) -> None:
        checked_name(self.backend, "routes.backend")
        if not self.intent and not self.language:
            raise BadPolicy("a route has neither intent nor language; give one, or change `default`")

    def fits(self, intent: str | None, language: str) -> bool:
        """Whether a turn goes this way."""
        return self.intent in {"", intent} and self.language in {"", language}


@dataclass(frozen=True, slots=True)
class Caps:
    """What one backend may be used for; None is without limit.

    at_once: replies being made at a time, in one server process. tokens_a_day: prompt and reply, over all processes, by the day in UTC.
    cost_a_day: in the currency of the backend's own prices.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    at_once: int | None = None
    tokens_a_day: int | None = None
    cost_a_day: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("at_once", 1), ("tokens_a_day", 0), ("cost_a_day", 0)):
            if (value := getattr(self, name)) is not None:
                _within(value, least, 1e15, f"caps.{name}")


@dataclass(frozen=True, slots=True)
class Adapter:
    """The adapter that a local backend answers with. folder: absolute. sha256: of its weights, in hexadecimal."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    name: str
    folder: str
    sha256: str

    def __post_init__(self) -> None:
        checked_name(self.name, "an adapter's name")
        if not _SHA256.fullmatch(self.sha256):
            raise BadPolicy(f"the sha256 of adapter {self.name} is {self.sha256[:80]!r}; allowed: 64 hexadecimal digits in small letters")


@dataclass(frozen=True, slots=True)
class Policy:
    """Which backend answers which turn. Every version of it is kept; a change is a new one.

    default: asked first. ladder: asked after it, in this order, when it does not answer; `extractive` comes last whatever stands here.
    canary: takes a share of what would go to the default. shadow: answers too, unseen by customers, on record.
    routes: the first that fits wins. caps: by backend. adapters: the active one of each local backend.
    version: its number in the history, 0 for one that was never saved; no part of the JSON.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _FORBID

    default: str = LAST
    ladder: tuple[str, ...] = ()
    canary: Canary | None = None
    shadow: str | None = None
    routes: tuple[Route, ...] = ()
    limits: Limits = Limits()
    caps: Mapping[str, Caps] = field(default_factory=dict)
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    version: int = 0

    def __post_init__(self) -> None:
        checked_name(self.default, "default")
        for what, names in (("ladder", self.ladder), ("caps", self.caps), ("adapters", self.adapters)):
            for name in names:
                checked_name(name, f"a name in {what}")
        if self.shadow is not None:
            checked_name(self.shadow, "shadow")
        if len(set(self.ladder)) != len(self.ladder):
            raise BadPolicy(f"ladder is {', '.join(self.ladder)}; allowed: each backend once")
        if LAST in self.caps:
            raise BadPolicy(f"caps name {LAST!r}, which is the last rung and always answers; allowed: other backends")

    def names(self) -> dict[str, str]:
        """Every backend that it speaks of, each with its part in it."""
        parts = {self.default: "the default"}
        named = [(name, "on the ladder") for name in self.ladder]
        named += [(self.canary.backend, "the canary")] if self.canary else []
        named += [(self.shadow, "the shadow")] if self.shadow else []
        named += [(route.backend, "the backend of a route") for route in self.routes]
        for name, part in named:
            parts.setdefault(name, part)
        return parts


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a backend at one moment. resting: its breaker is open and not yet due for a probe. running: replies being made.

    tokens, cost: spent today. calls, failed, rests_s, probing: as its breaker has seen it (`bot.breaker.Seen`).
    """

    resting: bool = False
    running: int = 0
    tokens: int = 0
    cost: float = 0.0
    calls: int = 0
    failed: int = 0
    rests_s: float = 0.0
    probing: bool = False


State = Mapping[str, Health]
"""The backends that there are, by name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a turn counts here. backend: who was asked for by name, if anyone."""

    conversation: str
    language: str = "en"
    intent: str | None = None
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How a turn is answered.

    rungs: who is asked, in order; the last is always `extractive`, which is nowhere else. why: the first of them was chosen.
    passed: who would have been asked and is not, each with the reason. shadow: who answers too, unseen.
    at_once: the most replies at a time, of those rungs that have a limit; looked at once more when a rung is asked.
    """

    rungs: tuple[str, ...]
    why: str
    passed: tuple[tuple[str, str], ...] = ()
    shadow: str | None = None
    limits: Limits = Limits()
    at_once: Mapping[str, int] = field(default_factory=dict)
    version: int = 0


def choose(policy: Policy, state: State, turn: Asked) -> Plan:
    """The whole policy: who answers this turn, in which order, and why."""
    first, why = _first(policy, turn)
    wanted = (first,) if first == LAST or turn.backend else (first, policy.default, *policy.ladder)
    passed = {name: reason for name in wanted if name != LAST and (reason := refusal(policy.caps.get(name), state.get(name)))}
    rungs = (*dict.fromkeys(name for name in wanted if name != LAST and name not in passed), LAST)
    if rungs[0] != first:
        why = f"{why} ({first}) was passed over"
    shadow = policy.shadow
    if shadow is not None and (shadow == rungs[0] or refusal(policy.caps.get(shadow), state.get(shadow))):
        shadow = None
    at_once = {name: most for name in rungs if (caps := policy.caps.get(name)) and (most := caps.at_once) is not None}
    return Plan(rungs, why, tuple(passed.items()), shadow, policy.limits, at_once, policy.version)


def _first(policy: Policy, turn: Asked) -> tuple[str, str]:
    """Who should be asked first, and why: what is more particular counts more."""
    if turn.backend:
        return turn.backend, "asked for"
    for route in policy.routes:
        if route.fits(turn.intent, turn.language):
            return route.backend, f"route for {' '.join(filter(None, (route.intent, route.language)))}"
    if policy.canary and position(policy.canary.backend, turn.conversation) < policy.canary.share:
        return policy.canary.backend, "canary"
    return policy.default, "default"


def position(backend: str, conversation: str) -> float:
    """Where a conversation stands, 0 <= x < 1, evenly spread and always the same; each backend has an order of its own."""
    digest = hashlib.sha256(f"{backend}\n{conversation}".encode("utf-8", "replace")).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def refusal(caps: Caps | None, health: Health | None) -> str:
    """Why a backend is not asked now; empty when it may be."""
    caps = caps or Caps()
    if health is None:
        return "not asked: there is no backend of this name"
    if health.resting:
        return RESTED
    if caps.at_once is not None and health.running >= caps.at_once:
        return full(health.running, caps.at_once)
    if caps.tokens_a_day is not None and health.tokens >= caps.tokens_a_day:
        return f"not asked: {health.tokens} tokens are spent today, allowed are {caps.tokens_a_day}"
    if caps.cost_a_day is not None and health.cost >= caps.cost_a_day:
        return f"not asked: {health.cost:g} is spent today, allowed is {caps.cost_a_day:g}"
    return ""


def full(running: int, at_once: int) -> str:
    """Why a backend that makes as many replies as it may is not asked."""
    return f"not asked: it is making {running} replies already, allowed are {at_once} at once"
