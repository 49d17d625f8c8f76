"""Personal data out of a text: each piece becomes a pseudonym, the same one for the same thing all through a document."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from bot.personal import chinese, english
from bot.personal.patterns import loose, structured
from bot.personal.spans import Span, Type, settled

Orders = Literal["keep", "mask"]
_FOLDED = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_LETTERS = re.compile(r"[^\W_]+")
PSEUDONYM = re.compile(r"\[[A-Z_]+_\d+\]")
"""What stands for a piece of personal data."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """text: with a pseudonym such as `[NAME_1]` for each span. spans: in the text as it was, code points, end exclusive."""

    text: str
    spans: tuple[Span, ...]


@dataclass(slots=True)
class Pseudonyms:
    """Who is called what in one document; the same object is handed to all its lines."""

    _given: dict[tuple[Type, str], str] = field(default_factory=dict)
    _names: list[tuple[frozenset[str], str]] = field(default_factory=list)
    _count: dict[Type, int] = field(default_factory=dict)

    def of(self, text: str, kind: Type) -> str:
        """The pseudonym of a thing, in brackets. A part of a name met before ("Ms Lee" after "Anna Lee") is that name."""
        words = _LETTERS.findall(text.casefold())
        key = (kind, "".join(words))
        if key not in self._given:
            self._given[key] = (kind == "NAME" and self._whole(frozenset(words))) or self._next(kind)
            if kind == "NAME":
                self._names.append((frozenset(words), self._given[key]))
        return self._given[key]

    def _whole(self, words: frozenset[str]) -> str:
        return next((given for name, given in self._names if words and words < name), "")

    def _next(self, kind: Type) -> str:
        self._count[kind] = self._count.get(kind, 0) + 1
        return f"[{kind}_{self._count[kind]}]"


def redact(text: str, *, orders: Orders = "keep", keep: Iterable[str] = (), pseudonyms: Pseudonyms | None = None) -> Redacted:
    """Replace what is personal in `text`, English or Chinese.

    orders: whether order numbers stay. keep: words that are not personal here, such as the shop's and its products' names.
    pseudonyms: of the document that the text is a part of; without it the text is a document.
    """
    spans = find(text, orders=orders, keep=keep)
    names = pseudonyms or Pseudonyms()
    parts, at = [], 0
    for span in spans:
        parts += [text[at : span.start], names.of(text[span.start : span.end], span.type)]
        at = span.end
    return Redacted("".join((*parts, text[at:])), spans)


def find(text: str, *, orders: Orders = "keep", keep: Iterable[str] = ()) -> tuple[Span, ...]:
    """The personal pieces of a text, in its order, without overlaps. Arguments as in `redact`."""
    plain = text.translate(_FOLDED)
    phrases = frozenset(phrase.casefold() for phrase in keep)
    kept = phrases | frozenset(word.casefold() for phrase in phrases for word in _LETTERS.findall(phrase))
    formed = settled(structured(plain), len(text))
    found = settled((*formed, *english.find(plain, formed, kept), *chinese.find(plain, kept), *loose(plain)), len(text))
    wanted = (span for span in found if span.type != "ORDER" or orders == "mask")
    return tuple(span for span in wanted if plain[span.start : span.end].casefold() not in phrases)
