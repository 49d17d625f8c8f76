"""Which texts say nearly the same, found without comparing each with each."""

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Hashable
from functools import lru_cache

from bot.metrics import figures
from knowledge.terms import models, terms, words

NEAR = 0.8  # share of common terms, of all that either text has, from which two texts are near-duplicates

_NOT_EN = frozenset(["not", "no", "never", "without", "cannot", "can't", "cant", "don't", "dont", "won't", "isn't", "doesn't", "didn't"])
_NOT_ZH = re.compile(r"[不没未无非]")


@lru_cache(maxsize=100_000)
def meant(text: str) -> frozenset[str]:
    """What a text is compared by: its terms, its figures in one spelling, or all its words where it has none that mean something."""
    return frozenset(term for term in terms(text) if not term[0].isdigit()) | figures(text) or frozenset(words(text))


@lru_cache(maxsize=100_000)
def fixed(text: str) -> frozenset[str]:
    """What two texts must share whatever else they share: figures, names with a model number, codes."""
    return frozenset(figures(text)) | frozenset(models(text, loose=False))


@lru_cache(maxsize=100_000)
def negated(text: str) -> bool:
    """Whether a text says not: odd and even numbers of denials mean opposite things."""
    return (sum(word in _NOT_EN for word in words(text)) + len(_NOT_ZH.findall(text))) % 2 == 1


def alike(one: str, other: str, least: float = NEAR) -> bool:
    """Whether two texts say nearly the same: most terms in common (Jaccard), the same figures and models, both denied or neither."""
    a, b = meant(one), meant(other)
    if not a or not b:
        return one.split() == other.split()
    return len(a & b) >= least * len(a | b) and fixed(one) == fixed(other) and negated(one) == negated(other)


class Alike:
    """Texts by key, asked for those that are near-duplicates of another text.

    Exact, by prefix filtering (Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search"): two sets of terms that have a
    share t in common have one in common among the first n - ceil(t n) + 1 of either, in any one order of all terms.
    """

    def __init__(self, least: float = NEAR) -> None:
        self._least = least
        self._texts: dict[Hashable, str] = {}
        self._places: dict[Hashable, int] = {}
        self._by_term: dict[str, list[Hashable]] = defaultdict(list)

    def add(self, key: Hashable, text: str) -> None:
        """Keep a text. A key is given once."""
        self._texts[key] = text
        self._places[key] = len(self._places)
        for term in self._first(text):
            self._by_term[term].append(key)

    def find(self, text: str) -> list[Hashable]:
        """The keys of all near-duplicates of a text, in the order they were added."""
        met = {key for term in self._first(text) for key in self._by_term.get(term, ())}
        near = [key for key in met if alike(text, self._texts[key], self._least)]
        return sorted(near, key=self._places.__getitem__)

    def _first(self, text: str) -> list[str]:
        # Ordered by hash: rarest first would be faster, but the order must not change while texts are added.
        ordered = sorted(meant(text) or {""}, key=lambda term: hashlib.blake2b(term.encode(), digest_size=8).digest())
        return ordered[: len(ordered) - math.ceil(self._least * len(ordered)) + 1]
