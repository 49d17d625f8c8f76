"""The turn: a customer's message in, a streamed and cited reply out, or a hand-over. `Router.turn` reads top to bottom."""

import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from copy import copy
from dataclasses import replace

from bot import prompts
from bot.aside import Aside
from bot.backends.base import Backend, Options
from bot.claims import Place
from bot.compose import Composer
from bot.context import shrink
from bot.declines import declines, offers_person
from bot.dispatch import Dispatch
from bot.errors import BadMessage, UnknownBackend
from bot.escalate import next_step
from bot.evidence import gathered, looks
from bot.extract import sure
from bot.guard import disarmed
from bot.labels import Labeller
from bot.ladder import Ask, Rung
from bot.lessons import Lessons
from bot.messages import Answer, Cot, Delta, Message, Prompt, Request, Shots
from bot.own import PERSON, OwnWords
from bot.policy import Asked
from bot.recall import Known, Recall
from bot.records import Received
from bot.store import Store
from bot.triage import language_of, triage, typed
from bot.turn import Rules, Turn, answer_of, provenance
from bot.wording import Wording
from knowledge.documents import Document, Passage, document_of
from knowledge.errors import KnowledgeError
from knowledge.ingest import Index
from knowledge.language import detect
from knowledge.report import Found

logger = logging.getLogger(__name__)
WITH_PERSON = "with_person"  # why the bot says nothing
_LOOK_S = 0.5  # how often, while it streams, it looks whether a person has taken over


class Router:
    """Answers turns. Thread-safe; turns of one conversation go one after the other."""

    def __init__(
        self,
        store: Store,
        index: Index,
        dispatch: Dispatch,
        rules: Rules | None = None,
        *,
        lessons: Lessons | None = None,
        recall: Recall | None = None,
        aside: Aside | None = None,
        labels: Labeller | None = None,
    ) -> None:
        """lessons: what prompts teach beside the shipped wording. recall: without it only the lines themselves outlast a turn.

        aside: counts tokens and casts shadows. labels: without it intents and sentiments are unknown.
        """
        self._store = store
        self._index = index
        self._dispatch = dispatch
        self._rules = rules or Rules()
        self._own = OwnWords(store, self._rules)
        self._lessons = lessons
        self._composer = Composer(self._rules, lessons)
        self._recall = recall
        self._aside = aside
        self._labels = labels

    def turn(self, request: Request, cancel: threading.Event | None = None) -> Iterator[Delta | Answer]:
        """Take one message through all stages; the last event is the `Answer`, the joined `Delta`s before it are its text.

        Raises `BadMessage`, `UnknownBackend` or `UnknownConversation` before the first event. Closing the iterator or setting `cancel`
        ends the generation; what was said until then is kept.
        """
        request = self._checked(request)
        return self._turn(request, cancel or threading.Event())

    def _turn(self, request: Request, cancel: threading.Event) -> Iterator[Delta | Answer]:
        began = time.monotonic()
        stranger, request = request.customer is None, self._store.named(request)
        with self._store.claims.line(str(request.conversation)) as place:
            received = self._store.receive(request, place, stranger=stranger)  # durable before anything else
            if received.answer is None and not place.held:
                place.wait()
                received = self._store.again(received)
            if done := received.answer:
                yield from (Delta(done.text), done)  # sent twice: one message, one answer
                return
            turn = self._begin(received, replace(request, text=received.text), began)  # sent again, it is the first one's text
            try:
                yield from self._until_taken_over(turn, cancel)
            except GeneratorExit:
                self._save(turn, place)
                raise
            yield self._save(turn, place) if turn.text or turn.reason != WITH_PERSON else answer_of(turn)

    def _begin(self, received: Received, request: Request, began: float) -> Turn:
        known = self._recall.before(received, alone=request.history is not None) if self._recall else Known()
        if request.history is None:
            history = self._store.history(received.conversation, received.position, known.summary.upto)
        else:
            history = tuple(Message(line.role, typed(line.text)) for line in request.history if line.role in ("customer", "bot", "agent"))
        spoken = next((found for line in reversed(history) if line.role == "customer" and (found := language_of(line.text))), None)
        offered = bool(history) and (prompts.offers_person(history[-1].text) or offers_person(history[-1].text))
        turn = Turn(received, request, triage(request.text, request.language, spoken, offered=offered), history, began, known)
        turn.mark("triage")
        return turn

    def _until_taken_over(self, turn: Turn, cancel: threading.Event) -> Iterator[Delta]:
        """The reply, for as long as no person has the conversation: the bot is silent then, and a stream ends where it is."""
        looked = -math.inf
        with closing(self._answered(turn, cancel)) as pieces:  # type: ignore[type-var]
            if turn.received.state == "agent" and self._taken_over(turn):
                return
            for piece in pieces:
                if time.monotonic() - looked >= _LOOK_S:
                    looked = time.monotonic()
                    if self._taken_over(turn):
                        turn.text = turn.text.removesuffix(piece.text)
                        turn.interrupted = bool(turn.text)
                        return
                yield piece

    def _taken_over(self, turn: Turn) -> bool:
        taken = self._store.left_to_person(turn.received.conversation, turn.received.message)
        if taken:
            turn.route, turn.reason = "human", WITH_PERSON
        return taken

    def _answered(self, turn: Turn, cancel: threading.Event) -> Iterator[Delta]:
        if self._labels:
            turn.labels = self._labels.of(turn.request.text)
        waiting, spent = turn.received.state in PERSON, 0 < self._rules.exchanges <= turn.received.position // 2
        step = next_step(turn.request.text, turn.triage.kind, turn.labels, turn.history, waiting=waiting, spent=spent)
        if step.kind == "person" and step.reason:
            yield self._own.hand_over(turn, step.reason)
            return
        if step.kind != "question":
            turn.route = "clarify" if step.kind == "clarify" else "answer"
            yield self._own.say(turn, step.kind, step.reason)
            return
        try:
            turn.taught = self._lessons.look() if self._lessons else None
            if self._lessons and (match := self._lessons.direct(turn.request, turn.triage.language, turn.taught)):
                turn.match, turn.text = match, match.example.answer
                turn.mark("first_token")
                yield Delta(turn.text)
                return
            found = self._retrieve(turn)
        except Exception as error:  # whatever is wrong with the index, the customer reads a calm sentence
            logger.exception("retrieval failed")
            turn.rungs = (("retrieval", str(error) if isinstance(error, KnowledgeError) else f"an unexpected {type(error).__name__}"),)
            yield self._own.without_answer(turn, "no_search", "tool_failure")
            return
        if found.passages and found.passages[0].score >= self._rules.threshold:
            yield from self._generate(turn, found, cancel)
            if turn.text or turn.interrupted:
                return
            if not turn.by:
                yield self._own.without_answer(turn, "failed", "tool_failure")
                return
        yield self._own.without_answer(turn, "dont_know", "missing_knowledge")

    def _retrieve(self, turn: Turn, given: Sequence[Document] | None = None) -> Found:
        collection, language, most = turn.request.collection, turn.triage.language, self._rules.passages
        turn.looks = looks(turn.request.text, turn.history, lambda text, before: self._index.topical(text, before, collection))
        turn.question = " / ".join(look.question for look in turn.looks)
        if given is None:
            found = gathered(turn.looks, lambda look: self._index.find(look.text, most, collection, language, look.context))
        else:
            found = gathered(turn.looks, lambda look: self._index.read(look.text, given, most, look.context))
        turn.mark("retrieve")
        return found

    def _generate(self, turn: Turn, found: Found, cancel: threading.Event) -> Iterator[Delta]:
        turn.plan = self._dispatch.plan(Asked(turn.received.conversation, turn.triage.language, turn.labels.intent, turn.request.backend))
        turn.rungs, turn.interrupted = turn.plan.passed, True  # until the reply is whole

        def shorter(prompt: Prompt, _: Backend) -> Prompt | None:
            if less := shrink(prompt):
                turn.prompt = less  # what is recorded is what was sent
            return less

        found = found.each(disarmed)
        rung = Rung("")
        with closing(self._dispatch.answer(turn.plan, self._asker(turn, found), shorter, cancel, turn.spent_s)) as events:
            for event in events:
                if isinstance(event, Rung):
                    rung = event
                    if rung.error and not (rung.interrupted and cancel.is_set()):
                        turn.rungs += ((rung.backend, rung.error),)
                    continue
                if not turn.text:
                    turn.mark("first_token")
                turn.text += event
                yield Delta(event)
        turn.interrupted, turn.found = rung.interrupted, found
        if rung.error and not rung.interrupted:
            turn.by = None  # nobody answered
        elif turn.by and turn.by.kind != "extractive" and not turn.interrupted and declines(turn.text):
            turn.abstained, turn.reason = True, "missing_knowledge"

    def _asker(self, turn: Turn, found: Found) -> Ask:
        def ask(backend: Backend) -> tuple[Prompt, Options]:
            turn.by, turn.prompt = backend, None
            turn.prompt = self._composer.compose(turn, found, backend)
            return turn.prompt, self._composer.options(turn, backend)

        return ask

    def _save(self, turn: Turn, place: Place | None = None) -> Answer:
        answer = answer_of(turn)
        counting = self._aside.counting(answer) if self._aside and turn.plan and turn.found else None
        reply = self._store.finish(answer, provenance(turn, answer, self._index.embedder.name), place, counting)
        saved = replace(answer, reply=reply)
        if self._recall:
            backend, said = turn.by if turn.request.history is None else None, (*turn.history, Message("bot", turn.text))
            self._recall.after(turn.received, backend, self._rules.max_tokens, said)
        if self._aside and turn.plan and turn.found:
            self._aside.finished(saved, turn.plan, self._asker(copy(turn), turn.found))
        return saved

    def resume(self) -> int:
        """Tell the customers whose turns a crash cut off that it did, and say how many they are. Only while nothing else answers.

        They are not answered again: what brought the process down would do so at every start.
        """
        self._store.claims.forget()
        left = self._store.unanswered()
        for received in left:
            turn = self._begin(received, Request(received.text), time.monotonic())
            turn.interrupted = True
            self._own.say(turn, "failed", "tool_failure")
            self._save(turn)
        return len(left)

    def answer_from(
        self,
        question: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] | None = None,
        collection: str = "default",
        backend: str | None = None,
        *,
        shots: Shots | None = None,
        cot: Cot | None = None,
        prompt: str | None = None,
        wording: Wording | None = None,
    ) -> Answer:
        """Answer without a conversation and without saving anything, from given passages or from a collection: for evaluation.

        Raises `BadPrompt` for a prompt version that does not exist.
        """
        asked_for = Request(question, None, None, None, backend, collection, tuple(history), shots=shots, cot=cot, prompt=prompt)
        request = self._checked(replace(asked_for, wording=wording))
        turn = self._begin(Received("", "", "", 0), request, time.monotonic())
        given = None if passages is None else [document_of(passage.chunk) for passage in passages]
        found = self._retrieve(turn, given)
        if found.passages and (given is not None or found.passages[0].score >= self._rules.threshold):
            list(self._generate(turn, found, threading.Event()))
        confidence = sure(turn.prompt) if turn.prompt else 0.0  # before the prompt goes
        if not turn.text:
            turn.abstained, turn.prompt = True, None
            self._own.say(turn, "dont_know", "missing_knowledge")
        return replace(answer_of(turn), confidence=confidence)

    def preview(self, request: Request, position: int = 2**31 - 1) -> Turn:
        """A turn up to the prompt that the backend asked first would get; nothing is saved and nothing generated. Raises as `turn`.

        position: where in its conversation the message stands.
        """
        request = self._checked(request if request.conversation else replace(request, history=()))
        received = Received(request.conversation or "", request.customer or "", "", position, None, request.text)
        turn = self._begin(received, request, time.monotonic())
        found = self._retrieve(turn)
        plan = turn.plan = self._dispatch.plan(Asked(turn.received.conversation, turn.triage.language, backend=request.backend))
        turn.by = self._dispatch.backends[plan.rungs[0]]
        turn.prompt = self._composer.compose(turn, found, turn.by)
        return turn

    def _checked(self, request: Request) -> Request:
        text = typed(request.text)
        if not text:
            raise BadMessage(self._own.reply(request.language or "en", "empty"))
        if len(text) > self._rules.max_chars:
            raise BadMessage(self._own.reply(detect(text[:500]) or request.language or "en", "too_long"))
        if request.backend is not None and request.backend not in self._dispatch.backends:
            raise UnknownBackend(f"There is no backend {request.backend!r}; allowed: {', '.join(self._dispatch.backends)}.")
        return replace(request, text=text)
