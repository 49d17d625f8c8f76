"""One backend's reply as it is set beside another's: in the shadow of a turn, and where backends are compared."""

import time
from contextlib import closing
from dataclasses import dataclass

from bot import checks
from bot.backends.base import Backend, Options
from bot.context import shrink, size
from bot.declines import declines
from bot.dispatch import Dispatch
from bot.ladder import Ask, Rung
from bot.messages import Citation, Prompt, Tokens
from bot.policy import LAST, Limits, Plan


@dataclass(frozen=True, slots=True)
class Side:
    """What a backend said. error: why it did not, or not to the end. latency_ms: `first_token` and `total`, in milliseconds.

    cost: of these tokens, in the currency of the backend's prices; 0 where it has none.
    """

    backend: str
    adapter: str | None
    text: str
    citations: tuple[Citation, ...]
    abstained: bool
    error: str
    tokens: Tokens
    latency_ms: dict[str, float]
    cost: float


def side(dispatch: Dispatch, backend: Backend, ask: Ask, limits: Limits) -> Side:
    """Have this one backend answer, within the limits, whatever its breaker says."""
    began = time.monotonic()
    sent: list[Prompt] = []
    text, error, first_ms = "", "", 0.0

    def remembered(asked: Backend) -> tuple[Prompt, Options]:
        prompt, options = ask(asked)
        sent.append(prompt)
        return prompt, options

    def shorter(prompt: Prompt, _: Backend) -> Prompt | None:
        if less := shrink(prompt):
            sent.append(less)
        return less

    with closing(dispatch.answer(Plan((backend.name,), "beside", limits=limits), remembered, shorter)) as events:
        for event in events:
            if isinstance(event, Rung):
                error = event.error
            else:
                first_ms = first_ms or _since(began)
                text += event
    prompt = sent[-1] if sent else None
    tokens = Tokens(size(prompt, backend.count), backend.count(text)) if prompt else Tokens()
    abstained = not error and (declines(text) if backend.kind != LAST else not text)
    return Side(
        backend=backend.name,
        adapter=backend.adapter,
        text=text,
        citations=checks.cite(text, prompt.passages) if prompt and not abstained else (),
        abstained=abstained,
        error=error,
        tokens=tokens,
        latency_ms={"first_token": first_ms or _since(began), "total": _since(began)},
        cost=dispatch.cost(backend.name, tokens),
    )


def _since(began: float) -> float:
    return round(1000 * (time.monotonic() - began), 1)
