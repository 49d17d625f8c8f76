"""What a turn remembers: before it the conversation's summary and the customer's facts, after it both brought up to date."""

from dataclasses import dataclass, field

from sqlalchemy import Engine

from bot.backends.base import Backend
from bot.background import Background
from bot.context import Budget
from bot.records import Received
from bot.summaries import Summaries
from bot.summarize import Summary


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a turn. Lines up to `summary.upto` are in the summary and nowhere else in the prompt."""

    summary: Summary = field(default_factory=Summary)


class Recall:
    """Reads within a turn, writes after it. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        """engine: as for `bot.store.Store`."""
        self._summaries = Summaries(engine)
        self.background = Background()

    def before(self, conversation: str) -> Known:
        """What is known when a turn begins. Never waits for what is still being made."""
        return Known(self._summaries.load(conversation))

    def after(self, received: Received, backend: Backend, budget: Budget) -> None:
        """Bring it up to date, soon and in the background. backend: whose window the next prompt has to fit."""
        conversation = received.conversation
        self.background.later(f"the summary of {conversation}", lambda: self._summaries.fold(conversation, backend, budget))
