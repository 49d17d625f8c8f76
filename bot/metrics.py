"""How good answers are: against expected ones by the rules of SQuAD and CMRC, and against the evidence they were given. Shares are 0..1.

Expected answers with Chinese characters are judged by CMRC's rules (characters, the longest common run), all others by SQuAD's
(words without articles and punctuation, as a bag).
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from difflib import SequenceMatcher
from itertools import pairwise

from knowledge.chunk import sentences
from knowledge.language import CJK

_CHINESE = re.compile(f"[{CJK}]")
_UNIT = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SUPPORT = 0.8  # of a sentence's words (pairs of characters in Chinese) that one piece of evidence must hold


def exact_match(answer: str, expected: Sequence[str]) -> float:
    """1 when the answer is one of the expected ones, spelling apart."""
    return float(any(_same(answer, gold) for gold in expected))


def f1(answer: str, expected: Sequence[str]) -> float:
    """The best token F1 against one of the expected answers."""
    return max((_chinese_f1(answer, gold) if _CHINESE.search(gold) else _squad_f1(answer, gold) for gold in expected), default=0.0)


def contains(answer: str, expected: Sequence[str]) -> float:
    """1 when one of the expected answers stands in the answer, spelling apart, as whole words where it has words."""
    return float(any(_holds(answer, gold) for gold in expected))


def abstention(abstained: Sequence[bool], impossible: Sequence[bool], doubt: Sequence[float]) -> dict[str, float | None]:
    """How well questions without an answer are told from the others. doubt: higher where the bot was less sure.

    precision: of what was left unanswered, the share that has no answer. recall: of what has none, the share left unanswered.
    auroc: that a question without an answer got more doubt than one with. None where there is nothing to divide by.
    """
    right = sum(a and i for a, i in zip(abstained, impossible, strict=True))
    without = [d for d, i in zip(doubt, impossible, strict=True) if i]
    with_one = [d for d, i in zip(doubt, impossible, strict=True) if not i]
    return {
        "precision": right / sum(abstained) if any(abstained) else None,
        "recall": right / len(without) if without else None,
        "auroc": _auroc(without, with_one) if without and with_one else None,
    }


def unsupported(answer: str, evidence: Sequence[str]) -> list[str]:
    """The answer's sentences that stand in no piece of evidence, neither word for word nor by their words and figures."""
    flat = [" ".join(_units(text)) for text in evidence]
    held = [_pairs(text) for text in evidence]
    numbers = [figures(text) for text in evidence]
    said = (sentence for line in answer.splitlines() for sentence in sentences(line))
    return [sentence for sentence in said if _units(sentence) and not _supported(sentence, flat, held, numbers)]


def unsupported_figures(answer: str, evidence: Sequence[str]) -> set[str]:
    """The numbers of the answer that stand nowhere in the evidence (the question belongs to it)."""
    return figures(answer) - set().union(*(figures(text) for text in evidence))


def figures(text: str) -> set[str]:
    """The numbers in a text in one spelling: 1,000.50 and 1000.5 are the same."""
    return {_plain_figure(found) for found in _FIGURE.findall(unicodedata.normalize("NFKC", text))}


def _plain_figure(found: str) -> str:
    if _GROUPED.fullmatch(found):
        found = found.replace(",", "")
    return format(Decimal(found).normalize(), "f") if re.fullmatch(r"\d+(\.\d+)?", found) else found


def _supported(sentence: str, flat: Sequence[str], held: Sequence[set[str]], numbers: Sequence[set[str]]) -> bool:
    verbatim, wanted, counted = f" {' '.join(_units(sentence))} ", _pairs(sentence), figures(sentence)
    return any(
        verbatim in f" {text} " or (len(wanted & pairs) >= _SUPPORT * len(wanted) and counted <= known)
        for text, pairs, known in zip(flat, held, numbers, strict=True)
    )


def _units(text: str) -> list[str]:
    """Words, and Chinese characters each by itself, in one spelling, without punctuation."""
    return _UNIT.findall(unicodedata.normalize("NFKC", text).lower())


def _pairs(text: str) -> set[str]:
    """What a sentence is made of: words, and pairs of neighbouring Chinese characters, as one of those alone says little."""
    units = _units(text)
    chinese = {a + b for a, b in pairwise(units) if _CHINESE.match(a) and _CHINESE.match(b)}
    return chinese | {unit for unit in units if not _CHINESE.match(unit)} or set(units)


def _squad(text: str) -> list[str]:
    """SQuAD's own normalisation: lower case, then without ASCII punctuation, then without articles."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def _same(answer: str, gold: str) -> bool:
    if _CHINESE.search(gold):
        return _units(answer) == _units(gold)
    return _squad(answer) == _squad(gold)


def _holds(answer: str, gold: str) -> bool:
    split = _units if _CHINESE.search(gold) else _squad
    wanted = f" {' '.join(split(gold))} "
    return bool(wanted.strip()) and wanted in f" {' '.join(split(answer))} "


def _squad_f1(answer: str, gold: str) -> float:
    got, wanted = _squad(answer), _squad(gold)
    if not got or not wanted:
        return float(got == wanted)
    return _harmonic(sum((Counter(got) & Counter(wanted)).values()), len(got), len(wanted))


def _chinese_f1(answer: str, gold: str) -> float:
    got, wanted = _units(answer), _units(gold)
    run = SequenceMatcher(None, got, wanted, autojunk=False).find_longest_match().size
    return _harmonic(run, len(got), len(wanted))


def _harmonic(common: int, got: int, wanted: int) -> float:
    return 2 * common / (got + wanted) if common else 0.0


def _auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The share of pairs in which the positive one is higher; equal ones count half."""
    ordered = sorted(set(positive) | set(negative))
    above, below = Counter(positive), Counter(negative)
    passed, won = 0, 0.0
    for value in ordered:
        won += above[value] * (passed + below[value] / 2)
        passed += below[value]
    return won / (len(positive) * len(negative))
