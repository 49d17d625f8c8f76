"""What a turn remembers: before it the conversation's summary and the customer's facts, after it both brought up to date."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Engine

from bot import memory
from bot.backends.base import Backend
from bot.background import Background
from bot.context import MARKS, Budget
from bot.memory import Memory
from bot.messages import Message
from bot.records import Received
from bot.summaries import Summaries
from bot.summarize import FULL, Summary


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a turn. Lines up to `summary.upto` are in the summary and nowhere else in the prompt.

    facts: of this customer, the most relevant first.
    """

    summary: Summary = field(default_factory=Summary)
    facts: tuple[memory.Known, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The facts as a prompt shows them."""
        return tuple(fact.text for fact in self.facts)


class Recall:
    """Reads within a turn, writes after it. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        """engine: as for `bot.store.Store`."""
        self._summaries = Summaries(engine)
        self._memory = Memory(engine)
        self.background = Background()

    def before(self, received: Received, *, alone: bool = False) -> Known:
        """What is known when a turn begins; it never waits for what is still being made. alone: without the conversation's summary."""
        summary = Summary() if alone else self._summaries.load(received.conversation)
        return Known(summary, () if received.stranger else self._memory.recall(received.customer, received.text))

    def after(self, received: Received, backend: Backend | None, reply: int, said: Sequence[Message] | None = None) -> None:
        """Bring it up to date, soon and in the background.

        backend: what the next prompt and a reply of so many tokens have to fit; None where there is nothing to fold.
        said: the lines after the summary but for the message, the reply's the last; where they are few, nothing is folded.
        """
        customer, conversation, message = received.customer, received.conversation, received.message
        learn = partial(self._memory.learn, customer, conversation, message, received.text)
        self.background.later(f"facts of {conversation} {message}", learn)
        budget = Budget(backend.window, reply) if backend else None
        if backend and budget and (said is None or _may_be_overdue((*said, Message("customer", received.text)), budget)):
            self.background.later(f"the summary of {conversation}", lambda: self._summaries.fold(conversation, backend, budget))


def _may_be_overdue(said: Sequence[Message], budget: Budget) -> bool:
    """Whether lines could be more than may stand in a prompt as they are: no tokenizer makes more tokens than there are bytes."""
    return sum(len(line.text.encode()) + MARKS for line in said) > FULL * budget.of("history")
