"""What Prometheus reads at `/metrics`: the turns, wherever they come from, counted where they pass."""

from collections.abc import Iterator
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest

from bot.messages import Answer, Delta, Request

if TYPE_CHECKING:
    from bot.router import Router

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60)


class Metrics:
    """The counters of one web app, in a registry of its own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._registry = registry
        self._turns = Counter("answerdesk_turns", "Finished turns.", ("route", "backend", "language"), registry=registry)
        self._abstained = Counter("answerdesk_abstained", "Questions left unanswered for want of evidence.", registry=registry)
        self._handovers = Counter("answerdesk_handovers", "Conversations handed over to a person.", ("reason",), registry=registry)
        self._interrupted = Counter("answerdesk_interrupted", "Replies that were stopped or broke off.", registry=registry)
        self._errors = Counter("answerdesk_backend_errors", "Backends that failed a turn.", ("backend",), registry=registry)
        self._first = Histogram("answerdesk_first_token_seconds", "Until the first token.", buckets=_SECONDS, registry=registry)
        self._total = Histogram("answerdesk_turn_seconds", "Until the end of the reply.", buckets=_SECONDS, registry=registry)

    def observe(self, answer: Answer) -> None:
        """Count one finished turn."""
        self._turns.labels(answer.route, answer.backend or "none", answer.language).inc()
        self._abstained.inc(answer.abstained)
        if answer.route == "human":
            self._handovers.labels(answer.reason or "unknown").inc()
        self._interrupted.inc(answer.interrupted)
        for backend, _ in answer.rungs:
            self._errors.labels(backend).inc()
        for stage, histogram in (("first_token", self._first), ("total", self._total)):
            if stage in answer.latency_ms:
                histogram.observe(answer.latency_ms[stage] / 1000)

    def text(self) -> bytes:
        """The counters in Prometheus' text format."""
        return generate_latest(self._registry)


class CountedRouter:
    """A router whose turns are counted; all else is the router's own."""

    def __init__(self, router: "Router", metrics: Metrics) -> None:
        self._router, self._metrics = router, metrics

    def turn(self, request: Request, cancel: Event | None = None) -> Iterator[Delta | Answer]:
        with closing(self._router.turn(request, cancel)) as events:  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Answer):
                    self._metrics.observe(event)
                yield event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)
