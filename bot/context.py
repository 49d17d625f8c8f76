"""What of the conversation a turn needs: which earlier lines a question leans on, and how much of everything fits the window."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.messages import Message, Prompt
from knowledge.language import detect
from knowledge.query import Context
from knowledge.terms import STOP, words

Count = Callable[[str], int]

_LEANING_EN = re.compile(
    r"^(?:and|so|but|or|then|also|what about|how about|what if|ok(?:ay)?|in that case|even if|not)\b"
    r"|\b(?:it|its|it's|that|this|these|those|them|they|one|ones|there|then|instead|either|both|else|too|same|other|another)\b",
    re.I,
)
_LEANING_ZH = re.compile(r"^(?:那|还|也|要是|如果|万一|然后|所以|但|可是|不过|再|就|另外|换|放|和)|它|这个|那个|这款|那款|这种|该|呢[?？。!！~]*$|同样|一样|另外|其他")
_SHORT = 4  # words that mean something; a question with no more may well leave out what it is about


def leans_on(question: str, history: Sequence[Message]) -> tuple[Context, ...]:
    """The earlier lines that make `question` self-contained, newest first, each with its share; none for a question that stands alone.

    What the customer asked before counts most: it names the thing. The bot's replies count little: they name much beside it.
    """
    earlier = [message for message in history if message.role in ("customer", "bot", "agent") and message.text.strip()]
    if not earlier or not leaning(question):
        return ()
    asked = [message.text for message in earlier if message.role == "customer"][-2:][::-1]
    said = [message.text for message in earlier if message.role != "customer"][-1:]
    shares = (0.6, 0.3)
    return (*zip(asked, shares, strict=False), *((text[:300], 0.25) for text in said))


def leaning(question: str) -> bool:
    """Whether a question seems to leave out what it is about: short, or pointing back."""
    meant = [word for word in words(question) if word not in STOP]
    if len(meant) <= _SHORT:
        return True
    if len(meant) > 4 * _SHORT:
        return False
    return bool((_LEANING_ZH if detect(question) == "zh" else _LEANING_EN).search(question.strip()))


def self_contained(question: str, context: Sequence[Context]) -> str:
    """The question with the lines it leans on, as provenance shows it and as the extractive backend reads it."""
    if not context:
        return question
    return f"{question} ({' / '.join(' '.join(line.split())[:200] for line, _ in context)})"


def fit(
    make: Callable[[Sequence[Message], int], Prompt], history: Sequence[Message], passages: int, count: Count, window: int, reply: int
) -> tuple[Prompt, int, int]:
    """A prompt that fits `window` tokens with `reply` tokens left for the answer: (prompt, its tokens, tokens left out).

    make: builds the prompt from some newest turns and the best so many passages. Dropped in this order, until it fits: the oldest turns
    down to the last exchange, the least relevant passages down to one, then the rest of the history. Of every window 5 % is held back
    for what the counter does not see, such as a chat template's own marks.
    """
    room = int(window * 0.95) - reply
    turns, kept = list(history), passages
    full = size(make(turns, kept), count)
    while (prompt := make(turns, kept)) and (tokens := size(prompt, count)) > room:
        if len(turns) > 2:
            turns = turns[2:] if len(turns) > 3 else turns[-2:]
        elif kept > 1:
            kept -= 1
        elif turns:
            turns = []
        else:
            break
    return prompt, tokens, max(0, full - tokens)


def size(prompt: Prompt, count: Count) -> int:
    """Tokens of all messages of a prompt."""
    return sum(count(message.text) for message in prompt.messages)


def shrink(prompt: Prompt) -> Prompt | None:
    """The prompt with the older half of its history gone, for a model that refused it as too long; None when nothing is left to drop."""
    system, *turns, question = prompt.messages
    return replace(prompt, messages=(system, *turns[len(turns) // 2 + 1 :], question)) if turns else None
