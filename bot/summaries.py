"""Conversations' summaries: made by the model that answers where it can, by rules where it cannot, and kept in the database."""

import logging
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib import resources
from typing import Literal

from sqlalchemy import Engine, bindparam, select
from sqlalchemy.exc import IntegrityError

from bot.backends.base import Backend, Options
from bot.context import Budget, Count, line_size, middle_out
from bot.errors import BackendError
from bot.messages import Message, Prompt
from bot.summarize import Summary, completed, language_of, overdue, own_words, summarize
from bot.tables import messages, summaries

logger = logging.getLogger(__name__)

_MODELS = ("hosted", "local")  # the kinds of backend that can write
_NEWEST = select(summaries.c.upto, summaries.c.text, summaries.c.made_by, summaries.c.tokens).where(
    summaries.c.conversation == bindparam("of")
)
# Said again after the lines: a small model told only before them goes on with the conversation instead.
_NOW = {
    "en": "Now write the notes anew, one short sentence a line. Do not copy the conversation.",
    "zh": "现在请重新写出要点，每行一个短句，不要照抄对话。",
}
_MOST = 2  # at most this many summaries' worth of a model's answer is read


class Summaries:
    """The table of summaries, one a conversation. A summary goes with its conversation."""

    def __init__(self, engine: Engine) -> None:
        """engine: as for `bot.store.Store`."""
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin

    def load(self, conversation: str) -> Summary:
        """The newest, an empty one where there is none."""
        with self._read() as connection:
            row = connection.execute(_NEWEST, {"of": conversation}).one_or_none()
        return Summary(*row) if row else Summary()

    def fold(self, conversation: str, backend: Backend, budget: Budget) -> Summary:
        """Summarize what is overdue, where anything is, and keep it. Returns the summary as it stands afterwards."""
        old = self.load(conversation)
        lines = self._lines(conversation, old.upto)
        older = overdue([line for _, line in lines], budget, backend.count)
        if not older:
            return old
        folded = [line for _, line in lines[:older]]
        text, made_by = summarized(backend, old.text, folded, budget)
        new = Summary(lines[older - 1][0], text, made_by, old.tokens + sum(line_size(line, backend.count) for line in folded))
        return new if self._save(conversation, old, new) else self.load(conversation)

    def _lines(self, conversation: str, after: int) -> list[tuple[int, Message]]:
        query = (
            select(messages.c.position, messages.c.role, messages.c.text)
            .where(messages.c.conversation == conversation, messages.c.position > after, messages.c.role.in_(("customer", "bot", "agent")))
            .order_by(messages.c.position)
        )
        with self._read() as connection:
            return [(row.position, Message(row.role, row.text)) for row in connection.execute(query)]

    def _save(self, conversation: str, old: Summary, new: Summary) -> bool:
        """False when another process was first, or the conversation has been erased meanwhile."""
        values = {"upto": new.upto, "text": new.text, "made_by": new.made_by, "tokens": new.tokens, "at": datetime.now(UTC)}
        replaced = summaries.update().where(summaries.c.conversation == conversation, summaries.c.upto == old.upto).values(values)
        try:
            with self._engine.begin() as connection:
                if old.upto:
                    return connection.execute(replaced).rowcount > 0
                connection.execute(summaries.insert().values(conversation=conversation, **values))
        except IntegrityError:
            return False
        return True


def summarized(backend: Backend, old: str, lines: Sequence[Message], budget: Budget) -> tuple[str, str]:
    """The old summary and the lines as a new one, and who made it. What a model leaves out that must not be lost is added by the rules."""
    if backend.kind in _MODELS:
        try:
            return completed(_by_model(backend, old, lines, budget), old, lines, budget, backend.count), backend.name
        except BackendError as error:
            logger.warning("%s made no summary (%s); made by rules instead", backend.name, error)
    return summarize(old, lines, budget, backend.count), "rules"


def _by_model(backend: Backend, old: str, lines: Sequence[Message], budget: Budget) -> str:
    language: Literal["zh", "en"] = "zh" if language_of(old, lines) == "zh" else "en"
    rules = resources.files("bot").joinpath(f"templates/summarize.{language}.txt").read_text("utf-8")
    options = Options(max(1, budget.of("summary") // _MOST))
    room = budget.room - backend.count(f"{rules}{_NOW[language]}") - budget.of("summary") - 64
    for piece in _pieces(lines, room, backend.count):
        asked = f"<notes>\n{old}\n</notes>\n<lines>\n{piece}\n</lines>\n\n{_NOW[language]}"
        prompt = Prompt((Message("system", rules), Message("customer", asked)), asked, (), language, "summarize")
        with closing(backend.stream(prompt, options)) as reply:  # type: ignore[type-var]
            old = own_words("".join(reply)) or old
    return old


def _pieces(lines: Sequence[Message], room: int, count: Count) -> list[str]:
    """The lines as text, in pieces of at most `room` tokens; of a line that is longer by itself, its two ends."""
    pieces: list[str] = []
    held = ""
    for line in lines:
        text = f"{line.role}: {line.text}"
        while count(text) > room and len(text) > 1:
            text = middle_out(text, len(text) // 2)
        if held and count(f"{held}\n{text}") > room:
            pieces.append(held)
            held = ""
        held = f"{held}\n{text}" if held else text
    return [*pieces, held] if held else pieces
