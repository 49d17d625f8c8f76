"""The turn: a customer's message in, a streamed and cited reply out, or a hand-over. `Router.turn` reads top to bottom."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot import checks, prompts
from bot.backends.base import Backend, Options
from bot.context import fit, leans_on, self_contained, shrink, size
from bot.errors import BadMessage, UnknownBackend
from bot.expect import asked
from bot.ladder import Ladder, Rung
from bot.messages import Answer, Delta, Message, Prompt, Request, Tokens
from bot.records import Received
from bot.store import Store
from bot.triage import Triage, triage
from knowledge.documents import Document, Language, Passage, Section
from knowledge.errors import KnowledgeError
from knowledge.ingest import Found, Index
from knowledge.language import detect, normalise

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """How turns are made. threshold: relevance, 0..1, under which no model is asked. passages: how many are looked at. shop, contact: as
    the customer reads them."""

    shop: str = "the shop"
    contact: str = ""
    default: str = "extractive"
    threshold: float = 0.1
    passages: int = 12
    told: int = 6
    max_chars: int = 4000
    max_tokens: int = 512
    temperature: float = 0.0


@dataclass(slots=True)
class _Turn:
    """What is known of a turn as it goes on."""

    received: Received
    request: Request
    triage: Triage
    began: float
    history: tuple[Message, ...] = ()
    question: str = ""
    prompt: Prompt | None = None
    saved: int = 0
    text: str = ""
    backend: str = ""
    rungs: tuple[tuple[str, str], ...] = ()
    interrupted: bool = False
    marks: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str) -> None:
        self.marks[stage] = round(1000 * (time.monotonic() - self.began), 1)


class Router:
    """Answers turns. Thread-safe; turns of one conversation go one after the other."""

    def __init__(self, store: Store, index: Index, backends: Mapping[str, Backend], ladder: Ladder, rules: Rules = Rules()) -> None:
        """backends: by name; `extractive` must be among them, it is the last rung of every ladder."""
        self._store = store
        self._index = index
        self._backends = backends
        self._ladder = ladder
        self._rules = rules
        self._queue = _Queue()

    def turn(self, request: Request, cancel: threading.Event | None = None) -> Iterator[Delta | Answer]:
        """Take one message through all stages; the last event is the `Answer`, the joined `Delta`s before it are its text.

        Raises `BadMessage`, `UnknownBackend` or `UnknownConversation` before the first event. Closing the iterator or setting `cancel`
        ends the generation; what was said until then is kept.
        """
        request = self._checked(request)
        return self._turn(request, cancel or threading.Event())

    def _turn(self, request: Request, cancel: threading.Event) -> Iterator[Delta | Answer]:
        began = time.monotonic()
        received = self._store.receive(request)  # durable before anything else
        with self._queue.turn(received.conversation):
            if (done := self._store.receive(replace(request, conversation=received.conversation, message=received.message))).answer:
                yield from (Delta(done.answer.text), done.answer)  # sent twice: one message, one answer
                return
            history = request.history if request.history is not None else self._store.history(received.conversation, received.position)
            spoken = next((found for message in reversed(history) if message.role == "customer" and (found := detect(message.text))), None)
            turn = _Turn(received, request, triage(request.text, request.language, spoken), began, tuple(history))
            turn.mark("triage")
            try:
                answer = yield from self._answered(turn, cancel)
            except GeneratorExit:
                cancel.set()
                turn.interrupted = True
                self._save(turn, self._answer(turn))
                raise
            yield self._save(turn, answer)

    def _answered(self, turn: _Turn, cancel: threading.Event) -> Iterator[Any]:
        if turn.triage.kind == "person":
            return (yield from self._handed_over(turn))
        if turn.triage.kind != "question":
            return (yield from self._said(turn, turn.triage.kind))
        try:
            found = self._retrieve(turn)
        except KnowledgeError as error:
            logger.exception("retrieval failed")
            return (yield from self._said(turn, "failed", rungs=(("retrieval", str(error)),), reason="tool_failure"))
        if not found.passages or found.passages[0].score < self._rules.threshold:
            return (yield from self._said(turn, "dont_know", abstained=True, reason="missing_knowledge"))
        ladder = self._ladder_for(turn.request.backend)
        self._fit(turn, found, ladder[0])
        yield from self._generate(turn, ladder, cancel)
        if not turn.text.strip() and not turn.interrupted:
            if turn.backend:
                return (yield from self._said(turn, "dont_know", abstained=True, reason="missing_knowledge"))
            return (yield from self._said(turn, "failed", reason="tool_failure"))
        return self._answer(turn)

    def _retrieve(self, turn: _Turn) -> Found:
        context = leans_on(turn.request.text, turn.history)
        turn.question = turn.request.text if asked(turn.request.text) else self_contained(turn.request.text, context)
        found = self._index.find(turn.request.text, self._rules.passages, turn.request.collection, turn.triage.language, context)
        turn.mark("retrieve")
        return found

    def _fit(self, turn: _Turn, found: Found, backend: Backend) -> None:
        def make(history: Sequence[Message], passages: int) -> Prompt:
            shown = found.passages if backend.kind == "extractive" else found.passages[:passages]
            prompt = prompts.build(turn.request.text, shown, history, turn.triage.language, self._rules.shop, datetime.now(UTC).date())
            return replace(prompt, question=turn.question, unknown=found.unknown)

        told = min(self._rules.told, len(found.passages))
        turn.prompt, _, turn.saved = fit(make, turn.history, told, backend.count, backend.window, self._rules.max_tokens)
        turn.mark("prompt")

    def _generate(self, turn: _Turn, ladder: Sequence[Backend], cancel: threading.Event) -> Iterator[Delta]:
        if turn.prompt is None:
            raise RuntimeError("a turn is generated from a prompt")
        options = Options(self._rules.max_tokens, self._rules.temperature, cancel)
        rungs: list[Rung] = []
        for event in self._ladder.climb(ladder, turn.prompt, options, lambda prompt, _: shrink(prompt)):
            if isinstance(event, Rung):
                rungs.append(event)
                continue
            if not turn.text:
                turn.mark("first_token")
            turn.text += event
            turn.backend = turn.backend or ladder[len(rungs)].name
            yield Delta(event)
        last = rungs[-1]
        turn.interrupted = last.interrupted
        turn.backend = last.backend if not last.error or last.interrupted else ""
        turn.rungs = tuple((rung.backend, rung.error) for rung in rungs if rung.error)

    def _said(self, turn: _Turn, key: str, **marks: Any) -> Iterator[Any]:
        """One of the bot's own sentences as the whole reply."""
        text = self._reply(turn.triage.language, key)
        if key in ("failed",) and self._rules.contact:
            text = f"{text} {self._reply(turn.triage.language, 'contact')}"
        turn.text = text
        turn.mark("first_token")
        yield Delta(text)
        turn.rungs = marks.pop("rungs", turn.rungs)
        return replace(self._answer(turn), citations=(), **marks)

    def _handed_over(self, turn: _Turn) -> Iterator[Any]:
        waiting = self._store.state(turn.received.conversation) in ("waiting", "agent")
        self._store.hand_over(turn.received.conversation, "customer_request")
        text = self._reply(turn.triage.language, "handover_already" if waiting else "handover")
        turn.text = f"{text} {self._reply(turn.triage.language, 'contact')}" if self._rules.contact else text
        turn.mark("first_token")
        yield Delta(turn.text)
        return replace(self._answer(turn), citations=(), route="human", reason="customer_request")

    def _answer(self, turn: _Turn) -> Answer:
        backend = self._backends.get(turn.backend)
        citations = checks.cite(turn.text, turn.prompt.passages) if turn.prompt and turn.backend else ()
        tokens = Tokens(size(turn.prompt, backend.count), backend.count(turn.text), turn.saved) if backend and turn.prompt else Tokens()
        return Answer(
            text=turn.text,
            conversation=turn.received.conversation,
            message=turn.received.message,
            citations=citations,
            backend=turn.backend,
            adapter=backend.adapter if backend else None,
            prompt_version=turn.prompt.version if turn.prompt else "",
            language=turn.triage.language,
            tokens=tokens,
            interrupted=turn.interrupted,
            rungs=turn.rungs,
        )

    def _save(self, turn: _Turn, answer: Answer) -> Answer:
        turn.mark("total")
        answer = replace(answer, latency_ms={"first_token": turn.marks.get("first_token", turn.marks["total"]), **turn.marks})
        passages = turn.prompt.passages if turn.prompt else ()
        evidence = " ".join((turn.request.text, *(message.text for message in turn.prompt.messages))) if turn.prompt else ""
        provenance = {
            "question": turn.question,
            "passages": [{"id": p.chunk.id, "source": p.chunk.source, "score": p.score, "legs": dict(p.legs)} for p in passages],
            "messages": [asdict(message) for message in turn.prompt.messages] if turn.prompt and answer.backend != "extractive" else [],
            "unsupported_figures": list(checks.unsupported_figures(answer.text, evidence)) if answer.backend else [],
            "embedder": self._index.embedder.name,
            "collection": turn.request.collection,
        }
        return replace(answer, reply=self._store.finish(answer, provenance))

    def answer_from(
        self,
        question: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] | None = None,
        collection: str = "default",
        backend: str | None = None,
    ) -> Answer:
        """Answer without a conversation and without saving anything, from given passages or from a collection: for evaluation."""
        request = self._checked(Request(question, backend=backend, collection=collection))
        turn = _Turn(Received("", "", "", 0), request, triage(question), time.monotonic(), tuple(history))
        if passages is not None:
            given = [Document(p.chunk.source, p.chunk.title, (Section(p.chunk.heading, p.chunk.text, p.chunk.kind),), "") for p in passages]
            context = leans_on(question, history)
            turn.question = question if asked(question) else self_contained(question, context)
            found = self._index.read(question, given, self._rules.passages, context)
        else:
            found = self._retrieve(turn)
        if found.passages and (passages is not None or found.passages[0].score >= self._rules.threshold):
            ladder = self._ladder_for(backend)
            self._fit(turn, found, ladder[0])
            for _ in self._generate(turn, ladder, threading.Event()):
                pass
        turn.mark("total")
        if not turn.text.strip():
            turn.text, turn.prompt = self._reply(turn.triage.language, "dont_know"), None
            answer = replace(self._answer(turn), abstained=True, reason="missing_knowledge")
        else:
            answer = self._answer(turn)
        return replace(answer, latency_ms={"first_token": turn.marks.get("first_token", turn.marks["total"]), **turn.marks})

    def _ladder_for(self, name: str | None) -> list[Backend]:
        first = self._backends[name or self._rules.default]
        last = self._backends["extractive"]
        return [first] if first is last else [first, last]

    def _checked(self, request: Request) -> Request:
        text = normalise_line(request.text)
        if not text:
            raise BadMessage(self._reply(request.language or "en", "empty"))
        if len(text) > self._rules.max_chars:
            raise BadMessage(self._reply(detect(text[:500]) or request.language or "en", "too_long"))
        if request.backend is not None and request.backend not in self._backends:
            raise UnknownBackend(f"There is no backend {request.backend!r}; allowed: {', '.join(self._backends)}.")
        return replace(request, text=text)

    def _reply(self, language: Language, key: str) -> str:
        values = {"shop": self._rules.shop, "contact": self._rules.contact, "limit": self._rules.max_chars}
        return prompts.texts(language).reply(key, **values)


class _Queue:
    """One turn of a conversation at a time, in this process; a lock is forgotten when nobody waits for it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, conversation: str) -> Iterator[None]:
        with self._guard:
            lock, waiting = self._locks.get(conversation, (threading.Lock(), 0))
            self._locks[conversation] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, waiting = self._locks[conversation]
                if waiting > 1:
                    self._locks[conversation] = (lock, waiting - 1)
                else:
                    del self._locks[conversation]


def normalise_line(text: str) -> str:
    """A message without control characters and without white space around it; its line breaks stay."""
    return "\n".join(line.rstrip() for line in normalise(text).strip().split("\n"))


