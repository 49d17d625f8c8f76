"""How many examples each kind of question is shown, as it was measured on held-out ones, and kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select

from bot.messages import Cot
from bot.tables import shot_choices
from knowledge.documents import Language


@dataclass(frozen=True, slots=True)
class Choice:
    """gain: of this setting over no examples and no reasoning, in the measured score; 0 where that is the choice.

    intent: empty for all questions of the language. details: what it was measured on.
    """

    language: Language
    intent: str
    shots: int
    cot: Cot = "off"
    gain: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)


class Choices:
    """The choices in force, one for each language and intent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin

    def find(self, language: Language, intent: str) -> Choice | None:
        """For an intent, else for its language; None where nothing was measured."""
        query = select(shot_choices).where(shot_choices.c.language == language, shot_choices.c.intent.in_((intent, "")))
        with self._read() as connection:
            rows = connection.execute(query.order_by(shot_choices.c.intent.desc())).all()
        return Choice(*(getattr(rows[0], name) for name in Choice.__dataclass_fields__)) if rows else None

    def all(self) -> tuple[Choice, ...]:
        """Every choice, by language and intent."""
        with self._read() as connection:
            rows = connection.execute(select(shot_choices).order_by(shot_choices.c.language, shot_choices.c.intent)).all()
        return tuple(Choice(*(getattr(row, name) for name in Choice.__dataclass_fields__)) for row in rows)

    def replace(self, measured: tuple[Choice, ...]) -> None:
        """Put new choices in force: those of a language that was measured go, all of them, for the new ones."""
        now = datetime.now(UTC)
        with self._engine.begin() as connection:
            connection.execute(shot_choices.delete().where(shot_choices.c.language.in_({choice.language for choice in measured})))
            for choice in measured:
                row = {name: getattr(choice, name) for name in Choice.__dataclass_fields__}
                connection.execute(shot_choices.insert().values(**row, at=now))
