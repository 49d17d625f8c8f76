"""The turn's prompt for one backend: what is known, found and taught, cut to that backend's window and written out."""

from dataclasses import replace
from datetime import UTC, datetime

from bot import prompts
from bot.backends.base import Backend, Options
from bot.context import Budget, fit
from bot.lessons import Lesson, Lessons
from bot.messages import Parts, Prompt
from bot.summarize import compact
from bot.turn import Rules, Turn
from bot.wording import shipped
from knowledge.report import Found

_EACH = 4  # passages for each of several questions, as far as the window holds them
_LONGEST_REPLY = 8192  # tokens, as far as `Options` go


class Composer:
    """Writes prompts. lessons: what they teach beside the shipped wording."""

    def __init__(self, rules: Rules, lessons: Lessons | None = None) -> None:
        self._rules = rules
        self._lessons = lessons

    def compose(self, turn: Turn, found: Found, backend: Backend) -> Prompt:
        """The very messages that this backend gets; the turn keeps what they were made of. Raises `ContextOverflow`, `BadPrompt`."""
        rules, language, today = self._rules, turn.triage.language, datetime.now(UTC).date()
        lesson = turn.lesson = self._lesson(turn, backend)

        def make(parts: Parts) -> Prompt:
            prompt = prompts.build(parts, language=language, shop=rules.shop, today=today, wording=lesson.wording, cot=lesson.cot)
            return replace(prompt, question=turn.question, gaps=found.gaps, parts=found.parts)

        budget, summary, history = self.budget(backend, lesson), turn.known.summary, turn.history
        if turn.request.history is not None:  # brought along, so nobody has summarized it
            summary, history = compact(summary, history, budget, backend.count)
        shown = found.passages if backend.kind == "extractive" else found.passages[: max(rules.told, _EACH * len(found.parts))]
        parts = Parts(turn.request.text, tuple(shown), lesson.examples, turn.known.texts, summary.text, history)
        fitted = fit(parts, make, budget, backend.count)
        turn.fitted = replace(fitted, saved=fitted.saved + max(0, summary.tokens - fitted.tokens["summary"]))
        turn.mark("prompt")
        return turn.fitted.prompt

    def options(self, turn: Turn, backend: Backend) -> Options:
        """How this backend makes the reply to the prompt that was composed for it."""
        return Options(min(_LONGEST_REPLY, self.budget(backend, turn.lesson).reply), self._rules.temperature)

    def budget(self, backend: Backend, lesson: Lesson | None = None) -> Budget:
        """The backend's window, shared out. A reply that begins with reasoning is given twice the room."""
        return Budget(backend.window, self._rules.max_tokens * (2 if lesson and lesson.cot != "off" else 1))

    def _lesson(self, turn: Turn, backend: Backend) -> Lesson:
        if self._lessons is None or backend.kind == "extractive":  # which reads no messages
            return Lesson(shipped(turn.triage.language))
        request = turn.request
        if backend.adapter and request.shots is None:  # a tuned model gets the prompt it was trained and judged with: without examples
            request = replace(request, shots=0)
        return self._lessons.plan(request, turn.triage.language, self.budget(backend).room // 3, backend.count, turn.taught)
