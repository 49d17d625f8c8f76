"""What is known of a turn as it goes on, and what is kept of it when it ends."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from bot import checks, direct, guard
from bot.backends.base import Backend
from bot.context import Fitted, size
from bot.direct import Match
from bot.evidence import Look
from bot.labels import UNKNOWN, Labels
from bot.lessons import Lesson, Taught
from bot.messages import Answer, Message, Prompt, Request, Route, Tokens
from bot.policy import Plan
from bot.recall import Known
from bot.records import Received
from bot.triage import Triage
from knowledge.report import Found


@dataclass(frozen=True, slots=True)
class Rules:
    """How turns are made. threshold: relevance, 0..1, under which no model is asked. passages: how many are looked at. shop, contact: as
    the customer reads them; empty where there is none. exchanges: of one conversation until a person is asked to go on, 0 for no limit."""

    shop: str = ""
    contact: str = ""
    threshold: float = 0.1
    passages: int = 12
    told: int = 6
    max_chars: int = 4000
    max_tokens: int = 512
    temperature: float = 0.0
    exchanges: int = 0


@dataclass(slots=True)
class Turn:
    """What is known of a turn as it goes on."""

    received: Received
    request: Request
    triage: Triage
    history: tuple[Message, ...]
    began: float
    known: Known = field(default_factory=Known)
    labels: Labels = UNKNOWN
    question: str = ""
    looks: tuple[Look, ...] = ()
    found: Found | None = None
    prompt: Prompt | None = None
    fitted: Fitted | None = None
    taught: Taught | None = None
    lesson: Lesson | None = None
    match: Match | None = None
    text: str = ""
    plan: Plan | None = None
    by: Backend | None = None  # who was asked last, which is who answers
    rungs: tuple[tuple[str, str], ...] = ()
    interrupted: bool = False
    abstained: bool = False
    route: Route = "answer"
    reason: str | None = None
    marks: dict[str, float] = field(default_factory=dict)

    @property
    def spent_s(self) -> float:
        """Seconds since the turn's work began: not those that it waited for an earlier turn of its conversation."""
        return time.monotonic() - self.began - self.marks.get("triage", 0) / 1000

    def mark(self, stage: str) -> None:
        self.marks[stage] = round(1000 * (time.monotonic() - self.began), 1)


def answer_of(turn: Turn) -> Answer:
    """The turn's end as it is saved and printed."""
    turn.mark("total")
    backend, prompt, saved = turn.by, turn.prompt, turn.fitted.saved if turn.fitted else 0
    if turn.match:
        cited = direct.citation(turn.match)
        return Answer(
            turn.text,
            turn.received.conversation,
            turn.received.message,
            (cited,) if cited else (),
            backend=direct.NAME,
            language=turn.triage.language,
            intent=turn.match.example.intent or turn.labels.intent,
            sentiment=turn.labels.sentiment,
            latency_ms=dict(turn.marks),
            why="an approved answer to the same question",
        )
    return Answer(
        text=turn.text,
        conversation=turn.received.conversation,
        message=turn.received.message,
        citations=checks.cite(turn.text, prompt.passages) if prompt and backend and not turn.abstained else (),
        abstained=turn.abstained,
        route=turn.route,
        reason=turn.reason,
        backend=backend.name if backend else "",
        adapter=backend.adapter if backend else None,
        prompt_version=prompt.version if prompt else "",
        language=turn.triage.language,
        intent=turn.labels.intent,
        sentiment=turn.labels.sentiment,
        tokens=Tokens(size(prompt, backend.count), backend.count(turn.text), saved) if prompt and backend else Tokens(),
        latency_ms={"first_token": turn.marks["total"], **turn.marks},
        interrupted=turn.interrupted,
        rungs=turn.rungs,
        why=_why(turn.plan, backend.name) if turn.plan and backend else "",
    )


def _why(plan: Plan, backend: str) -> str:
    """Why it was this backend that answered."""
    return plan.why if backend == plan.rungs[0] else f"{plan.why}, then the next on the ladder"


def provenance(turn: Turn, answer: Answer, embedder: str) -> dict[str, Any]:
    """All that the answer was made from, as JSON: enough to show what the bot saw and to ask another backend the same."""
    prompt = turn.prompt
    passages = prompt.passages if prompt else ()
    told = (line.text for line in turn.history)  # an example's figures are no evidence, so the prompt's messages are not
    evidence = " ".join((turn.request.text, *told, *(passage.chunk.titled for passage in passages)))
    known = [evidence, *(turn.fitted.parts.facts if turn.fitted else ())]
    return {
        "question": turn.question,
        "searched": [asdict(look) for look in turn.looks],
        "passages": [{"id": p.chunk.id, "source": p.chunk.source, "score": p.score, "legs": dict(p.legs)} for p in passages],
        "prompt": prompt.version if prompt else "",
        "direct": {"example": turn.match.example.id, "cosine": turn.match.cosine} if turn.match else None,
        "examples": [example.id for example in turn.fitted.parts.examples] if turn.fitted else [],
        "cot": turn.lesson.cot if turn.lesson else "off",
        "summary": turn.fitted.parts.summary if turn.fitted else "",
        "facts": list(turn.fitted.parts.facts) if turn.fitted else [],
        "tokens": dict(turn.fitted.tokens) if turn.fitted else {},
        "messages": [{"role": message.role, "text": message.text} for message in prompt.messages] if prompt else [],
        "faults": list(guard.faults(answer.text, answer.language, prompt.messages[0].text, known)) if prompt and answer.backend else [],
        "unsupported_figures": list(checks.unsupported_figures(answer.text, evidence)) if answer.backend and not turn.match else [],
        "embedder": embedder,
        "collection": turn.request.collection,
        "intents": list(turn.labels.intents),
        "policy": turn.plan.version if turn.plan else None,
        "rungs": list(turn.plan.rungs) if turn.plan else [],
        "why": answer.why,
        "failed": [list(rung) for rung in turn.rungs],
    }
