"""The embedded default: answers with the best supported sentences of the passages, word for word.

It needs no model of its own and never invents.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from bot.backends.base import Options
from bot.compare import compared, in_general
from bot.expect import asked
from bot.extract import Pick, confidence, rank
from bot.messages import Prompt
from bot.prompts import texts
from bot.select import choose
from bot.steps import steps
from knowledge.cells import cells
from knowledge.documents import Gaps, Language, Passage
from knowledge.language import CJK
from knowledge.retrieve import name_of

_HAN = re.compile(f"[{CJK}]")
_STEP = re.compile(r"^\s*\d{1,2}[.)、．]\s*\S")
_PARAGRAPH = "\n\n"
_QUOTED = 80  # characters of a question that are said back
_MARK = re.compile(r"^\s*(?:[-*+•·]\s+|\d{1,3}[.)]\s+)")


class ExtractiveBackend:
    """Keeps the `Backend` Protocol. Yields nothing when the passages do not seem to hold the answer."""

    kind = "extractive"
    adapter: str | None = None

    def __init__(self, name: str = "extractive", threshold: float = 0.5, window: int = 100_000) -> None:
        """threshold: the confidence, 0..1, under which it says nothing."""
        self.name = name
        self.window = window
        self._threshold = threshold

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        paragraphs = self._paragraphs(prompt)
        left = options.max_tokens
        for place, lines in enumerate(paragraphs, 1):
            for line, following in zip_longest(lines, lines[1:]):
                if (options.cancel and options.cancel.is_set()) or left <= 0:
                    return
                left -= self.count(line)
                yield f"{line}{_between(line, following) if following else _PARAGRAPH if place < len(paragraphs) else ''}"

    def _paragraphs(self, prompt: Prompt) -> list[list[str]]:
        """The lines that are said, of each of several questions by themselves; of one without an answer, where others have one, that."""
        if not prompt.parts:
            return [self._answer(prompt.question, prompt.passages, prompt.gaps, prompt.language)]
        answers = [self._answer(part.question, part.passages, part.gaps, prompt.language) for part in prompt.parts]
        if not any(answers):
            return []
        said: set[str] = set()
        found: list[list[str]] = []
        for part, answer in zip(prompt.parts, answers, strict=True):
            lines = answer or [texts(prompt.language).reply("part_unknown", question=_quoted(part.text))]
            found.append([line for line in lines if line not in said])
            said.update(lines)
        return [lines for lines in found if lines]

    def _answer(self, question: str, passages: Sequence[Passage], gaps: Gaps, language: Language) -> list[str]:
        if passages and passages[0].chunk.kind == "range":  # a list that was made for this question
            return [passages[0].chunk.text]
        picks = rank(question, passages)
        if not in_general(question, passages) and confidence(question, picks, language, gaps) < self._threshold:
            return []
        return (
            compared(question, passages, picks)
            or steps(question, picks, passages, figure=asked(question) is not None)
            or said(choose(picks, question=question), language)
        )

    def count(self, text: str) -> int:
        """One token for each Chinese character, one for four other bytes."""
        han = len(_HAN.findall(text))
        return han + math.ceil((len(text.encode("utf-8", "replace")) - 3 * han) / 4)


def _quoted(question: str) -> str:
    text = question.strip(" ,，.。?？!！;；")
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def said(picks: Sequence[Pick], language: Language) -> list[str]:
    """The sentences as they are said: a record's fields under the record's name, a list's items without their marks."""
    lines: list[str] = []
    named: str | None = None
    for pick in picks:
        chunk = pick.passage.chunk
        text = _MARK.sub("", pick.unit.text)
        if chunk.kind == "record":
            name = name_of(chunk)
            lines.append(text if name == named or name.lower() in text.lower() else f"{name}{'：' if language == 'zh' else ': '}{text}")
            named = name
        else:
            lines.append(text)
            named = None
    return list(dict.fromkeys(lines))


def _between(line: str, following: str) -> str:
    """What stands between two sentences: a new line around fields and table rows, a space or nothing in prose."""
    if (
        cells(line)
        or _STEP.match(line)
        or _STEP.match(following)
        or not re.search(r"[.!?。！？]$", line)
        or re.match(r"^[^.。!?]{1,40}[:：]", following)
    ):
        return "\n"
    return "" if _HAN.search(line[-2:]) or line.endswith(("。", "！", "？")) else " "
