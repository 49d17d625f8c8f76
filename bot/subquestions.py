"""A message that asks several things at once: the questions in it, one by one. Pure; by the form of the words, from `subquestions.toml`."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from knowledge.chunk import sentences
from knowledge.language import detect
from knowledge.terms import STOP, words

MOST = 8  # beyond which nobody reads the answers
_MARKS = ("?", "？")
_MARK = re.compile(r"(?<=[?？])\s+")
_ALONE = 4  # words that mean something, in a clause that can be read without what stands before it
_EDGES = " ,，;；、"


@dataclass(frozen=True, slots=True)
class _Forms:
    """asks: what a question has; joint: where one may end; idle: a whole one that asks for nothing of its own."""

    asks: re.Pattern[str]
    joint: re.Pattern[str]
    idle: re.Pattern[str]


def apart(text: str) -> tuple[str, ...]:
    """The questions of a message in their order, `MOST` at most; none where it asks one thing only, or nothing.

    A second question may lean on the first, as a follow-up leans on what was asked before it: "how much is it and does it have a case".
    What only asks for help ("what can I do?") is no question of its own.
    """
    asks: list[str] = []
    for sentence in sentences(text):
        found = questions(sentence)
        if asks and found and _again().match(found[0]):
            asks[-1] = f"{asks[-1]} {found.pop(0)}"
        asks += found
    return tuple(asks[:MOST]) if len(asks) > 1 else ()


def questions(sentence: str) -> list[str]:
    """The questions of a sentence, none where it asks nothing.

    What stands before the first belongs to it, and what follows a question, to that.
    """
    return [ask for part in _MARK.split(sentence) for ask in _of_one(part)]


def idle(question: str) -> bool:
    """Whether a question asks for nothing of its own: "what can I do?"."""
    return bool(_forms("zh" if detect(question) == "zh" else "en").idle.match(question.strip()))


def clause(question: str) -> tuple[str, str]:
    """The clause of a Chinese question that asks, to its end, and what is told before it: commas part what full stops do in English."""
    if detect(question) == "zh":
        forms = _forms("zh")
        for start, end in _pieces(question, forms.joint):
            if start and forms.asks.search(question[start:end].strip()):
                ask = question[start:].strip(_EDGES)
                return (ask, question[:start].strip(_EDGES)) if sum(word not in STOP for word in words(ask)) >= _ALONE else (question, "")
    return question, ""


def _of_one(sentence: str) -> list[str]:
    forms = _forms("zh" if detect(sentence) == "zh" else "en")
    spans: list[tuple[int, int]] = []
    asked = False
    for start, end in _pieces(sentence, forms.joint):
        piece = sentence[start:end].strip()
        is_one = bool(forms.asks.search(piece)) and not forms.idle.match(piece)
        if not spans or (asked and is_one):
            spans.append((start, end))
        else:
            spans[-1] = spans[-1][0], end
        asked |= is_one
    marked = sentence.rstrip().endswith(_MARKS) and len(words(sentence)) > 1 and not forms.idle.match(sentence.strip())
    return [_opening().sub("", sentence[start:end]).strip(_EDGES) for start, end in spans] if asked or marked else []


def _pieces(sentence: str, joint: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Where what stands between the joints begins and ends."""
    start = 0
    for match in joint.finditer(sentence):
        if sentence[start : match.start()].strip():
            yield start, match.start()
            start = match.end()
    yield start, len(sentence)


@lru_cache(maxsize=2)
def _forms(language: str) -> _Forms:
    lists = _lists()
    before, after = lists["around"][language]
    asks, joint, idle = (_filled(lists[name][language]) for name in ("asks", "joint", "idle"))
    return _Forms(_one_of(asks), _one_of(joint), _one_of(idle, rf"^{before}(?:", rf"){after}\W*$"))


@lru_cache(maxsize=1)
def _again() -> re.Pattern[str]:
    return _one_of([*_lists()["again"]["en"], *_lists()["again"]["zh"]], r"^\W*(?:", ")")


@lru_cache(maxsize=1)
def _opening() -> re.Pattern[str]:
    return _one_of([*_lists()["opening"]["en"], *_lists()["opening"]["zh"]], r"^\W*(?:(?:", r")(?![a-z])[,，]?\s*)+")


def _filled(patterns: Sequence[str]) -> list[str]:
    """With the words that {wh}, {aux} and {whom} stand for."""
    named = {f"{{{name}}}": f"(?:{'|'.join(several)})" for name, several in _lists()["words"].items()}
    return [re.sub(r"\{[a-z]+\}", lambda match: named[match[0]], pattern) for pattern in patterns]


def _one_of(patterns: Sequence[str], before: str = "", after: str = "") -> re.Pattern[str]:
    return re.compile(f"{before}{'|'.join(patterns)}{after}", re.IGNORECASE)


@lru_cache(maxsize=1)
def _lists() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(resources.files("bot").joinpath("subquestions.toml").read_text("utf-8"))
