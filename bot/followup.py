"""What a question leaves out: the earlier lines that it leans on, and what a long message asks."""

import re
from collections.abc import Callable, Sequence

from bot.expect import asked
from bot.messages import Message
from bot.subquestions import idle, questions
from knowledge.chunk import sentences
from knowledge.language import detect
from knowledge.query import NAMING, Context
from knowledge.terms import STOP, words

_LEANING_EN = re.compile(
    r"^(?:and|so|but|or|then|also|what about|how about|what if|ok(?:ay)?|in that case|even if|not)\b"
    r"|\b(?:it|its|it's|that|this|these|those|them|they|one|ones|there|then|instead|either|both|else|too|same|other|another)\b",
    re.IGNORECASE,
)
_LEANING_ZH = re.compile(
    r"^(?:那|还|也|要是|如果|万一|然后|所以|但|可是|不过|再|就|另外|换|放|和)"
    r"|它|这个|那个|这款|那款|这种|该|呢[?？。!！~]*$|同样|一样|另外|其他"
)
ASKED, SAID, STORY = (0.6, 0.3), 0.12, 0.4  # what words of earlier questions, of the last reply and of a story count beside the question's
MEANT = 0.85  # what words of a story count where the question points back at it
_ASIDE = 0.15  # what those shares come to for a short question that names a topic itself
_CLAUSE = 3, 4  # words, or Chinese characters, that a question of its own has at least
_SHORT = 4  # words that mean something; a question with no more may well leave out what it is about

Topical = Callable[[str, str], bool]
"""Whether a text has a topic of its own, rather than that of the lines before it."""


def leans_on(question: str, history: Sequence[Message], topical: Topical = lambda *_: False) -> tuple[Context, ...]:
    """The earlier lines that make `question` self-contained, newest first, each with its share; none for a question that stands alone.

    What the customer asked before counts most: it names the thing. The bot's last reply counts little: it names much beside it.
    A short question that has a topic of its own, and does not point back, hardly leans: "how much is the shipping" after "how much is
    Product B".
    """
    earlier = [message for message in history if message.role in ("customer", "bot", "agent") and message.text.strip()]
    if not earlier or not leaning(question):
        return ()
    before = [message.text for message in earlier if message.role == "customer"][-2:][::-1]
    said = [message.text for message in earlier if message.role != "customer"][-1:]
    least = _ASIDE if not _points_back(question) and _is_clause(question) and topical(question, " ".join(before)) else 1.0
    lines = (*zip(before, ASKED, strict=False), *((text[:300], SAID) for text in said))
    return tuple(Context(line, least * share) for line, share in lines)


def focus(message: str) -> tuple[str, tuple[Context, ...]]:
    """What a long message asks, and the story around it: the sentences with a question in them, or else the last one.

    The story tells which thing is meant, but a dozen of its words must not outweigh the three that ask.
    """
    parts = sentences(message)
    if len(parts) < 2:
        return message, ()
    asks = [part for part in parts if part.rstrip().endswith(("?", "？")) or asked(part) or questions(part)]
    if all(map(idle, asks)):  # "my vacuum says E5. what's wrong with it?" asks with all of it
        asks = parts if asks else parts[-1:]
    story = " ".join(part for part in parts if part not in asks)
    ask = " ".join(asks)
    share = MEANT if _points_back(ask) and leaning(ask) else STORY  # "my only card is an Amex. Is this accepted?"
    return (ask, (Context(story, share, told=True),)) if story else (message, ())


def leaning(question: str) -> bool:
    """Whether a question seems to leave out what it is about: short, or pointing back."""
    meant = [word for word in words(question) if word not in STOP]
    if len(meant) <= _SHORT:
        return True
    if len(meant) > 4 * _SHORT:
        return False
    return _points_back(question)


def _points_back(question: str) -> bool:
    return bool((_LEANING_ZH if detect(question) == "zh" else _LEANING_EN).search(question.strip()))


def _is_clause(question: str) -> bool:
    return len(question) >= _CLAUSE[1] if detect(question) == "zh" else len(question.split()) >= _CLAUSE[0]


def self_contained(question: str, context: Sequence[Context]) -> str:
    """The question with the lines it leans on, as provenance shows it and as the extractive backend reads it."""
    lines = [" ".join(line.split())[:200] for line, share, _ in context if share >= NAMING]
    return f"{question} ({' / '.join(lines)})" if lines else question
