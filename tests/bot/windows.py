"""Prompts of any size and tokenizers of several kinds, for tests of what fits a window."""

import re
from collections.abc import Callable, Sequence
from datetime import date

from bot import prompts
from bot.messages import Example, Message, Parts, Prompt
from knowledge.documents import Chunk, Passage

_MERGES = ("th", "in", "er", "the", "ing", "qu", "an", " a", "的", "订单")  # a tiny byte-pair encoding's, longest match first


def bpe(text: str) -> int:
    """Tokens of a tiny byte-pair encoding: its merges, and one a byte for the rest."""
    rest, merged = re.subn("|".join(sorted(_MERGES, key=len, reverse=True)), "", text)
    return merged + len(rest.encode("utf-8", "surrogatepass"))


TOKENIZERS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "words": lambda text: len(text.split()),
    "bytes": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "bpe": bpe,
}


def passage(text: str) -> Passage:
    return Passage(Chunk(text, f"{text}.md", "", (), text, (text,), "text", "en", 0), 1.0)


def worded(parts: Parts) -> Prompt:
    """All pieces by their own words, so that a test reads what was kept: facts, summary, passages, examples, history, question."""
    system = " ".join(
        [*parts.facts, *parts.summary.split(), *(one.chunk.text for one in parts.passages), *(one.question for one in parts.examples)]
    )
    return Prompt((Message("system", system), *parts.history, Message("customer", parts.question)), parts.question, parts.passages, "en")


def real(parts: Parts) -> Prompt:
    """As a turn writes them out."""
    return prompts.build(parts, language="en", shop="TechCorp", today=date(2026, 1, 2))


def lines(number: int) -> tuple[Message, ...]:
    return tuple(Message("customer" if n % 2 == 0 else "bot", f"l{n}") for n in range(number))


def examples(questions: Sequence[str]) -> tuple[Example, ...]:
    return tuple(Example(question, question, "") for question in questions)
