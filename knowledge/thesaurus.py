"""What customers say and documents do not: groups of words that mean the same to a support team, from `thesaurus.toml`."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from knowledge.terms import stem


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """words: stem or Chinese word -> what means the same. phrases: as they are written, longest first."""

    groups: Mapping[str, frozenset[str]]
    phrases: tuple[str, ...]

    def alternatives(self, term: str) -> frozenset[str]:
        return self.groups.get(term, frozenset())


def parse(lines: Mapping[str, list[str]]) -> Thesaurus:
    """Groups by language, each line one group of words; a `-` inside a word stands for a space ("money-back")."""
    groups: dict[str, set[str]] = defaultdict(set)
    phrases: set[str] = set()
    for line in (line for group in lines.values() for line in group):
        members = {word.replace("-", " ") for word in line.lower().split()}
        keys = {member if " " in member else stem(member) for member in members}
        phrases |= {member for member in members if " " in member or (not member.isascii() and len(member) > 1)}
        for key in keys:
            groups[key] |= keys - {key}
    return Thesaurus({key: frozenset(others) for key, others in groups.items()}, tuple(sorted(phrases, key=lambda p: (-len(p), p))))


@lru_cache(maxsize=1)
def thesaurus() -> Thesaurus:
    """The product's own."""
    import tomllib

    return parse(tomllib.loads(resources.files("knowledge").joinpath("thesaurus.toml").read_text("utf-8")))
