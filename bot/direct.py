"""Answers that people approved, given again word for word where the same is asked: before any model, and only where nothing differs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.expect import asked
from bot.messages import Citation, Example
from bot.metrics import figures
from knowledge.embed import Vectors
from knowledge.language import normalise
from knowledge.terms import STOP, stem, words
from knowledge.thesaurus import thesaurus

NAME = "examples"  # as the backend of such an answer

# How alike the meanings (cosine) of two questions must be for the same answer, by how their words differ. Calibrated on the even pairs of
# tests/evals/direct.jsonl so that no near-miss passes, with a margin; the odd pairs are held out.
SAME_WORDS, MORE_WORDS, OTHER_WORDS = 0.84, 0.9, 0.955

_CODE = re.compile(r"[a-z]{1,4}-?\d{1,5}", re.IGNORECASE)
_A_NOT_A = re.compile(r"(能|会|可|可以|是|有|要)[不没]\1(?:以)?|还?有没有|能否|可否|是否")
_NOT = re.compile(
    r"\b(?:no|not|never|without|cannot|can't|cant|don't|dont|won't|isn't|doesn't|didn't)\b|[不没未无非]|(?<=\bun)opened", re.IGNORECASE
)
_NUMBERS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|half|twice)\b|[二两三四五六七八九十半](?=[个张件天台年月次块元条])", re.IGNORECASE
)
_DOES = re.compile(r"\b(?:use|get)\b")
_POINTS_BACK = re.compile(
    r"\b(?:it|its|it's|they|them|these|those|this one|that one|the same|instead|too|else|another)\b"
    r"|^(?:and|so|but|then|or|also|what about|how about|what if)\b|它|这个|那个|这款|那款|这种|该商品|呢[?？]?$|^(?:那|还|也|要是)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Match:
    """An approved example that answers the question, and how alike the two questions are, 0..1."""

    example: Example
    cosine: float


def stands_alone(question: str) -> bool:
    """Whether a question says what it is about, as far as its words tell."""
    return not _POINTS_BACK.search(question.strip())


def best(question: str, approved: Sequence[Example], cosines: Vectors) -> Match | None:
    """The example whose question is most alike, if it asks the very same; cosines: shape (n,), of its question with each example's."""
    for row in sorted(range(len(approved)), key=lambda row: -cosines[row])[:5]:
        if stands_alone(approved[row].question) and same(question, approved[row].question, float(cosines[row])):
            return Match(approved[row], round(float(cosines[row]), 4))
    return None


def same(question: str, other: str, cosine: float) -> bool:
    """Whether two questions have the same answer: alike in meaning, with the same figures, codes, numbers, denials and kind of thing."""
    if _fixed(question) != _fixed(other) or asked(question) != asked(other):
        return False
    done, does = (set(_DOES.findall(text.lower())) for text in (question, other))
    if done and does and done != does:  # to get a code and to use it are two things, and both words say nothing by themselves
        return False
    ours, theirs = _content(question), _content(other)
    missing = (bool(_unmatched(ours, theirs)), bool(_unmatched(theirs, ours)))
    return cosine >= (OTHER_WORDS if all(missing) else MORE_WORDS if any(missing) else SAME_WORDS)


def citation(match: Match) -> Citation | None:
    """The example's evidence as a source; None where it has none."""
    example = match.example
    if not (example.evidence or example.source):
        return None
    return Citation(f"example-{example.id}"[:64], example.source or NAME, example.source or NAME, example.evidence, match.cosine, "")


def _fixed(text: str) -> tuple[frozenset[str], ...]:
    """What may not differ at all."""
    plain = _A_NOT_A.sub("能", normalise(text))
    denied = len(_NOT.findall(plain)) % 2
    codes = (code.lower().replace("-", "") for code in _CODE.findall(plain))
    counted = (number.lower() for number in _NUMBERS.findall(plain))
    return frozenset(figures(plain)), frozenset(codes), frozenset(counted), frozenset({str(denied)})


def _content(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words(_A_NOT_A.sub("能", text)) if word not in STOP and (word.isascii() or len(word) > 1))


def _unmatched(some: frozenset[str], others: frozenset[str]) -> set[str]:
    """Words that the others hold neither themselves, nor as a synonym, nor (in Chinese) as a part of a longer word."""
    known = thesaurus()
    meant = others.union(*(known.alternatives(word) for word in others))
    return {
        word
        for word in some - meant
        if not known.alternatives(word) & others and (word.isascii() or not any(word in other or other in word for other in others))
    }
