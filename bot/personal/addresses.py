"""Postal addresses among the words of a text: a run of capitalised words and numbers that has enough of what addresses have."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from bot.personal.lexicon import Lexicon
from bot.personal.spans import Span


class Token(Protocol):
    """A word, a number, a mark or a line break. low: in small letters."""

    @property
    def text(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def low(self) -> str: ...

    @property
    def capital(self) -> bool: ...


_UNIT_WORDS = "apt apartment suite ste unit flat floor fl room rm box psc apo fpo dpo po building bldg block bloc cite"
UNITS = frozenset(_UNIT_WORDS.split())
_INSIDE_WORDS = "de del della di da do dos das du des la le los las el van von der den y e of and am an im i u"
_INSIDE = frozenset(_INSIDE_WORDS.split())
_JOINS = frozenset(".,#/>'’?-")
_CUE_WORDS = """
address addresses live lives lived living located location send sent ship shipped deliver delivered delivery meet taxi moved move at on
billing shipping where return stop offices
"""
_CUES = frozenset(_CUE_WORDS.split())
_ENOUGH = 3


def addresses(tokens: Sequence[Token], lexicon: Lexicon, certain: Callable[[int], bool]) -> Iterator[Span]:
    """certain: whether the token at an index is a name or a place by itself."""
    at = 0
    while at < len(tokens):
        end = _end(tokens, at, lexicon, certain)
        first, last = _trimmed(tokens, at, end, lexicon)
        if first < last and _weight(tokens, first, last, lexicon, certain) >= _ENOUGH:
            yield Span(tokens[first].start, tokens[last - 1].end, "ADDRESS")
        at = max(end, at + 1)


def _street(token: Token, lexicon: Lexicon) -> bool:
    if token.kind != "word":
        return False
    if token.low in lexicon.streets:
        return token.capital or token.low not in (
            "way",
            "place",
            "close",
            "drive",
            "gate",
            "row",
            "st",
            "via",
            "u",
            "route",
            "court",
            "circle",
            "passage",
        )
    return token.capital and len(token.text) > 6 and token.low.endswith(lexicon.street_ends) and not lexicon.ordinary(token.low)


def _belongs(tokens: Sequence[Token], at: int, lexicon: Lexicon, certain: Callable[[int], bool]) -> bool:
    """Whether a token may stand inside an address."""
    token = tokens[at]
    if token.kind in ("number", "break"):
        return True
    if token.kind == "mark":
        return token.text in _JOINS
    if token.kind != "word":
        return False
    if token.low in UNITS or token.low in _INSIDE or _street(token, lexicon) or certain(at):
        return True
    followed = tokens[at + 1].text if at + 1 < len(tokens) else ""
    opens = at > 0 and tokens[at - 1].text in ".?" and (at < 2 or not _abbreviated(tokens[at - 2], lexicon))
    if not token.capital:
        return len(token.low) > 1 and not lexicon.ordinary(token.low) and followed != ":"
    return followed != ":" and not opens


def _abbreviated(token: Token, lexicon: Lexicon) -> bool:
    return token.low in UNITS or _street(token, lexicon) or token.kind == "number" or len(token.text) == 1


def _end(tokens: Sequence[Token], at: int, lexicon: Lexicon, certain: Callable[[int], bool]) -> int:
    while at < len(tokens) and _belongs(tokens, at, lexicon, certain):
        at += 1
    return at


def _trimmed(tokens: Sequence[Token], start: int, end: int, lexicon: Lexicon) -> tuple[int, int]:
    """From the first number, unit or word of a street, with the words before it, to the last token that means something."""
    first = next(
        (at for at in range(start, end) if tokens[at].kind == "number" or _street(tokens[at], lexicon) or tokens[at].low in UNITS), end
    )
    if first < end and (tokens[first].low not in UNITS or tokens[first].low == "box"):
        while first > start and (tokens[first - 1].kind == "word" or (tokens[first - 1].text == "." and len(tokens[first - 2].text) == 1)):
            first -= 1
    while first < end and tokens[first].low in _INSIDE:
        first += 1
    if first > 2 and [token.low for token in tokens[first - 3 : first]] == ["the", "corner", "of"]:
        first -= 3
    while end > first and (tokens[end - 1].kind in ("break", "mark") or tokens[end - 1].low in _INSIDE):
        end -= 1
    return first, end


def _weight(tokens: Sequence[Token], start: int, end: int, lexicon: Lexicon, certain: Callable[[int], bool]) -> int:
    """How much speaks for an address. A number and a name beside it are not enough: "Windows 11", "Article 50"."""
    inside = range(start, end)
    numbers = [tokens[at].text for at in inside if tokens[at].kind == "number" and not re.fullmatch(r"(?:19|20)\d\d", tokens[at].text)]
    streets = any(_street(tokens[at], lexicon) for at in inside)
    units = any(tokens[at].low in UNITS and any(token.kind == "number" for token in tokens[at + 1 : min(end, at + 3)]) for at in inside)
    names = any(certain(at) for at in inside)
    beside = any(certain(at) and tokens[at + 1].kind == "number" and len(tokens[at + 1].text) < 5 for at in range(start, end - 1))
    cue = any(token.low in _CUES for token in tokens[max(0, start - 8) : start])
    beside = any(certain(at) and tokens[at + 1].kind == "number" and len(tokens[at + 1].text) < 5 for at in range(start, end - 1))
    cue = any(token.low in _CUES for token in tokens[max(0, start - 8) : start])
    if not numbers or not (streets or units or (names and (cue or (beside and (start == 0 or tokens[start - 1].kind == "break"))))):
        return 0
    return (
        2 * streets
        + 2 * units
        + names
        + beside
        + cue
        + any(token.low == "corner" for token in tokens[start : start + 2])
        + (len(numbers) > 1)
        + any(len(number) > 4 for number in numbers)
    )
