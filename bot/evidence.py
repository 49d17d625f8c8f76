"""What is looked up for a message: its questions one by one, each with the lines it leans on, and what is found on them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from bot.expect import asked
from bot.followup import STORY, Topical, focus, leans_on, self_contained
from bot.messages import Message
from bot.subquestions import apart, clause
from knowledge.documents import Passage
from knowledge.query import Context
from knowledge.report import Found, SubQuestion


@dataclass(frozen=True, slots=True)
class Look:
    """A question as it is looked up. text: what is searched for; context: the lines that it leans on. question: as it is read and shown."""

    text: str
    context: tuple[Context, ...]
    question: str


def looks(message: str, history: Sequence[Message], topical: Topical) -> tuple[Look, ...]:
    """What a message asks: one look-up, or one for each of its questions, of which a later one may lean on those before it."""
    core, story = focus(message)
    asks = apart(core)
    if not asks:
        core, told = clause(core)
        story = (*story, Context(told, STORY, told=True)) if told else story
        context = (*story, *leans_on(message, history, topical))
        return (Look(core, context, core if asked(core) else self_contained(message, context)),)
    found = list[Look]()
    for number, ask in enumerate(asks):
        context = (*story, *leans_on(ask, (*history, *(Message("customer", one) for one in asks[:number])), topical))
        found.append(Look(ask, context, ask if asked(ask) else self_contained(ask, context)))
    return tuple(found)


def gathered(looks: Sequence[Look], find: Callable[[Look], Found]) -> Found:
    """What is found on all of them: the best of each first. With several questions each also keeps its own."""
    each = [find(look) for look in looks]
    if len(each) == 1:
        return each[0]
    passages: dict[str, Passage] = {}
    for row in zip_longest(*(found.passages for found in each)):
        for passage in filter(None, row):
            passages.setdefault(passage.chunk.id, passage)
    parts = tuple(SubQuestion(look.question, look.text, found.passages, found.gaps) for look, found in zip(looks, each, strict=True))
    nearest = max((passage.score for passage in passages.values()), default=0.0)  # whether anything is near is told by the first
    return Found(tuple(sorted(passages.values(), key=lambda passage: passage.score < nearest)), parts=parts)
