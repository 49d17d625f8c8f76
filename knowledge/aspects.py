"""What customers ask after that a shop may say nothing of: Klarna, engraving, a selfie camera. From `aspects.toml`.

Whoever asks after one of these is not answered by a passage that has no word for it, however near it is otherwise.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

from knowledge.documents import Passage
from knowledge.language import CJK
from knowledge.terms import words

_PIECE = re.compile(rf"[a-z\u00e0-\u024f]+|\d+(?:\.\d+)?|[{CJK}]+|°")
_HAN = re.compile(f"[{CJK}]")
_PLURALS = (" ", "s ", "es ")


@dataclass(frozen=True)
class Aspect:
    """One thing that is asked after. of_product: of a thing on sale, else of the shop.

    asked: how customers call it; said: how documents do that speak of it, besides. Phrases, `plain`.
    """

    name: str
    of_product: bool
    asked: tuple[str, ...]
    said: tuple[str, ...]

    def in_text(self, text: str) -> bool:
        """Whether a document's text, `plain`, has a word for it. A single Chinese character is a unit, and wants a figure before it."""
        return any(_has(text, phrase) if len(phrase) > 1 else re.search(rf"\d {phrase}", text) for phrase in (*self.asked, *self.said))


@dataclass(frozen=True)
class Aspects:
    """All of the list."""

    every: tuple[Aspect, ...]

    @cached_property
    def _starts(self) -> Mapping[str, Sequence[tuple[str, Aspect]]]:
        """The first word or two Chinese characters of a phrase -> the phrases that begin so."""
        found: dict[str, list[tuple[str, Aspect]]] = defaultdict(list)
        for aspect in self.every:
            for phrase in aspect.asked:
                found[phrase[:2] if _HAN.match(phrase) else phrase.split()[0]].append((phrase, aspect))
        return found

    def asked(self, text: str) -> tuple[tuple[str, Aspect], ...]:
        """Those that a customer's text asks after, each with the phrase that shows it."""
        text = plain(text)
        starts = {start for word in text.split() for start in (word, word.removesuffix("s"), word.removesuffix("es"))}
        starts.update(text[i : i + 2] for i in range(len(text) - 1) if _HAN.match(text[i]))
        found = [row for start in sorted(starts) for row in self._starts.get(start, ()) if _has(text, row[0])]
        ends = _ends(text) if any(_HAN.match(phrase) for phrase, _ in found) else frozenset[int]()
        return tuple((phrase, aspect) for phrase, aspect in found if not _HAN.match(phrase) or _stands(text, phrase, ends))


def plain(text: str) -> str:
    """Words, figures and runs of Chinese of a text in lower case, a space around each: "65W USB-C" and "65 w usb c" are the same."""
    return f" {' '.join(_PIECE.findall(text.lower()))} "


def _has(text: str, phrase: str) -> bool:
    """Whether a plain text has a phrase: of words as whole ones, or in the plural; of Chinese anywhere."""
    if _HAN.match(phrase):
        return phrase in text
    at = text.find(f" {phrase}")
    while at >= 0:
        if text.startswith(_PLURALS, end := at + 1 + len(phrase)) or _HAN.match(phrase[-1]):
            return True
        at = text.find(f" {phrase}", end)
    return False


def _ends(text: str) -> frozenset[int]:
    """Where words begin and end: what looks like a phrase may lie across two words of Chinese, 起送 in 一起送."""
    ends, at = set[int](), 0
    for word in words(text):
        if (start := text.find(word, at)) >= 0:
            at = start + len(word)
            ends.update((start, at))
    return frozenset(ends)


def _stands(text: str, phrase: str, ends: Collection[int]) -> bool:
    at = text.find(phrase)
    while at >= 0:
        if at in ends and at + len(phrase) in ends:
            return True
        at = text.find(phrase, at + 1)
    return False


def parse(lines: Mapping[str, Mapping[str, Sequence[str]]]) -> Aspects:
    """Aspects of the shop and of products by name, English and Chinese apart: `asked, asked | said`."""
    return Aspects(tuple(_aspect(name, halves, of == "product") for of, named in lines.items() for name, halves in named.items()))


def _aspect(name: str, halves: Iterable[str], of_product: bool) -> Aspect:
    asked, said = list[str](), list[str]()
    for half in halves:
        left, _, right = half.partition("|")
        asked += _phrases(left)
        said += _phrases(right)
    return Aspect(name, of_product, tuple(asked), tuple(said))


def _phrases(text: str) -> list[str]:
    return [phrase for one in re.split("[,，]", text) if (phrase := plain(one).strip())]


@lru_cache(maxsize=1)
def aspects() -> Aspects:
    """The product's own."""
    return parse(tomllib.loads(resources.files("knowledge").joinpath("aspects.toml").read_text("utf-8")))


def unsaid(question: str, passages: Sequence[Passage], of_it: Callable[[Passage], bool], names: Sequence[str] = ()) -> str:
    """The name of an aspect that a question asks after and that the passages have no word for; empty where there is none.

    What is asked of a thing must be said of it. of_it: whether a passage is about the thing that is asked after. names: of such things;
    their own words neither ask for anything nor say it.
    """
    asked = aspects().asked(question)
    called = [plain(name) for name in names]
    texts = [(_without(passage, called), of_it(passage)) for passage in passages] if asked else []
    meant: dict[str, list[Aspect]] = defaultdict(list)  # engraving is asked of the shop as of a thing: either's word will do
    for phrase, aspect in asked:
        if not any(_has(name, phrase) for name in called):
            meant[phrase].append(aspect)
    for several in meant.values():
        if not any(aspect.in_text(text) for aspect in several for text, its in texts if its or not aspect.of_product):
            return several[0].name
    return ""


def _without(passage: Passage, names: Sequence[str]) -> str:
    """What a passage says with its title and headings, plain, without the names."""
    text = plain("\n".join((passage.chunk.title, *passage.chunk.heading, passage.chunk.text)))
    for name in names:
        text = text.replace(name, " ")
    return text
