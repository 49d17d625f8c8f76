"""What customers say and documents do not: groups of words that mean the same to a support team, from `thesaurus.toml`."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from knowledge.terms import stem

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """words: stem or Chinese word -> what means the same. phrases: as they are written, longest first.

    hints: stem, Chinese word or phrase that customers use -> what documents say of it, which does not mean the same the other way round.
    """

    groups: Mapping[str, frozenset[str]]
    phrases: tuple[str, ...]
    hints: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _by_start: dict[str, list[int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts: dict[str, list[int]] = defaultdict(list)
        for place, phrase in enumerate(self.phrases):
            starts[_start(phrase)].append(place)
        object.__setattr__(self, "_by_start", dict(starts))

    def alternatives(self, term: str) -> frozenset[str]:
        """What means the same."""
        return self.groups.get(term, _NONE)

    def taken(self, text: str) -> tuple[list[str], str]:
        """The phrases in a text of lower-case words with a space around each, the longest first, and the text without them."""
        starts = (*text.split(), *map("".join, pairwise(text)))  # there are thousands of phrases, and a question begins few of them
        found = []
        for place in sorted({place for start in starts for place in self._by_start.get(start, ())}):
            phrase = self.phrases[place]
            pattern = f" {phrase} " if phrase.isascii() else phrase
            if pattern in text:
                text = text.replace(pattern, "  ")
                found.append(phrase)
        return found, text


def _start(phrase: str) -> str:
    """What a text must hold to hold the phrase: its first word, or for a Chinese one its first two characters."""
    return phrase.split(maxsplit=1)[0] if phrase.isascii() else phrase[:2]


def parse(lines: Mapping[str, list[str]]) -> Thesaurus:
    """Groups and hints by language, one to a line; a `-` inside a word stands for a space ("money-back").

    A group is some words that all mean the same; a hint is `words of customers -> words of documents`.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    hints: dict[str, set[str]] = defaultdict(set)
    phrases: set[str] = set()
    for line in (line for group in lines.values() for line in group):
        said, _, meant = line.lower().partition("->")
        known = hints if meant else groups
        left, right = ([word.replace("-", " ") for word in half.split()] for half in (said, meant or said))
        phrases |= {word for word in (left if meant else right) if " " in word or (not word.isascii() and len(word) > 1)}
        others = {_key(word) for word in right}
        for key in map(_key, left):
            known[key] |= others - {key}
    longest_first = tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase)))
    return Thesaurus(_frozen(groups), longest_first, _frozen(hints))


def _frozen(known: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {key: frozenset(others) for key, others in known.items()}


def _key(word: str) -> str:
    return word if " " in word else stem(word)


@lru_cache(maxsize=1)
def thesaurus() -> Thesaurus:
    """The product's own."""
    import tomllib

    return parse(tomllib.loads(resources.files("knowledge").joinpath("thesaurus.toml").read_text("utf-8")))
