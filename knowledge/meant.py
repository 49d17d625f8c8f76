"""What the words of a question mean to a catalogue: which of its items each names, and which say so."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from knowledge.catalogue import Catalogue
from knowledge.language import CJK
from knowledge.terms import STOP, stem, words
from knowledge.thesaurus import Thesaurus, parse
from knowledge.wants import lists

_HAN = re.compile(f"[{CJK}]")
_APART = re.compile(r"[^\w'’$%&+-]+")
_NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Key:
    """A word or phrase of a question, where it stands, and what means the same. called, says: the items, by number, that it is the name
    of, and those whose rows say it. of_field: it is the name of a field, such as `weight`."""

    text: str
    place: int
    ways: tuple[str, ...]
    called: frozenset[int]
    says: frozenset[int]
    of_field: bool = False


@lru_cache(maxsize=1)
def same_kind() -> Thesaurus:
    """What customers and catalogues call the same kind of thing, from `kinds.toml`."""
    return parse(tomllib.loads(resources.files("knowledge").joinpath("kinds.toml").read_text("utf-8")))


class Reader:
    """Reads texts against one catalogue."""

    def __init__(self, catalogue: Catalogue, thesaurus: Thesaurus) -> None:
        self.catalogue = catalogue
        self._thesaurus = thesaurus

    def keys(self, text: str) -> tuple[Key, ...]:
        """What a text speaks of, in its order: the category that it names, phrases, then words that mean something."""
        plain = text.lower()
        found: dict[str, Key] = {}
        for one in self._pieces(plain):
            if one not in found and one not in lists().fillers:
                place = plain.find(one)
                found[one] = self._key(one, place if place >= 0 else len(plain))
        in_order = sorted(found.values(), key=lambda key: key.place)
        ends = {key.place + len(key.text) for key in in_order if key.called}
        # A lone Chinese character says little, unless it makes another thing of the kind before it: 手机壳.
        return tuple(key for key in in_order if key.called or len(key.text) > 1 or not _HAN.match(key.text) or key.place in ends)

    def _pieces(self, plain: str) -> Iterable[str]:
        named = [found for name in self.catalogue.categories if (found := re.search(rf"(?<![a-z]){re.escape(name)}(?![a-z])", plain))]
        category = max(named, key=lambda match: len(match[0]), default=None)
        left = f"{plain[: category.start()]} {plain[category.end() :]}" if category else plain
        things, rest = same_kind().taken(_APART.sub(" ", f" {left} "))
        phrases, rest = self._thesaurus.taken(rest)
        # A phrase that no row has is taken word by word: "in blue", "where is the charger".
        held = [phrase for phrase in (*things, *phrases) if any(map(self._known, self._ways(phrase)))]
        rest = " ".join((rest, *(phrase for phrase in (*things, *phrases) if phrase not in held)))
        return (*([category[0]] if category else ()), *held, *(word for word in words(rest) if word not in STOP))

    def _key(self, said: str, place: int) -> Key:
        """What is meant comes before what means the same, and that before what is hinted at."""
        ways, own = self._ways(said), (said, *same_kind().alternatives(_held_by(said)))
        called = next(
            filter(None, (self._called(some) for some in ((said,), ways, self._thesaurus.hints.get(_held_by(said), ())))), _NOBODY
        )
        says = next(filter(None, (self._says(some) for some in (own, ways))), _NOBODY)
        return Key(said, place, ways, called, says, any(map(self.catalogue.is_field, ways)))

    def _ways(self, said: str) -> tuple[str, ...]:
        held_by = _held_by(said)
        return tuple(dict.fromkeys((said, *sorted(self._thesaurus.alternatives(held_by) | same_kind().alternatives(held_by)))))

    def _known(self, way: str) -> bool:
        return bool(self.catalogue.called(way) or self.catalogue.says(way))

    def _called(self, ways: Iterable[str]) -> frozenset[int]:
        return _NOBODY.union(*map(self.catalogue.called, ways))

    def _says(self, ways: Iterable[str]) -> frozenset[int]:
        return _NOBODY.union(*map(self.catalogue.says, ways))


def _held_by(said: str) -> str:
    """How a thesaurus holds a word or phrase."""
    return said if " " in said else stem(said)
