"""Names, places and addresses in text of Latin, Greek or Cyrillic letters: by lists, by the words before them and by capital letters."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from bot.personal.addresses import UNITS, addresses
from bot.personal.lexicon import Lexicon, lexicon
from bot.personal.spans import Span, Type
from knowledge.language import CJK
from knowledge.terms import STOP

_LETTER = rf"[^\W\d_{CJK}\u3040-\u30ff\uac00-\ud7af]"
_TOKEN = re.compile(
    rf"(?P<word>{_LETTER}+(?:['’-]{_LETTER}+)*)|(?P<number>\d+(?:-\d+)?{_LETTER}?(?!{_LETTER}|\d))|(?P<break>\n)|(?P<mark>[^\s\w]|[{CJK}]|\w)"
)
_HAN = re.compile(f"[{CJK}]")
_GENITIVE = re.compile("['’]s$")
_PARTICLE_WORDS = """
de del della di da do dos das du des la le los las el van von der den ter ten y e i bin ibn al of af til zu
"""
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_TITLE_WORDS = "mr mrs ms miss mx dr prof sir madam madame mister doctor professor"
_TITLES = frozenset(_TITLE_WORDS.split())
_PLACE_WORDS = "south north east west new los las san santa port st saint mount fort el great"
_BEFORE_A_PLACE = frozenset(_PLACE_WORDS.split())
_AFTER_WORDS = "warehouse depot office branch store shop showroom airport harbour harbor hub suburb"  # "our Chicago warehouse"
_AFTER_A_PLACE = frozenset(_AFTER_WORDS.split())
_IS_CALLED = re.compile(
    r"(?:\bname(?:d)?(?: is|'s| was|:| as| to)?|\bname .{0,40}\bto|\bcalled|\bcalls? me|\bi am|\bi'm|\bthis is"
    r"|\bspeak(?:ing)? (?:to|with)|\bfollow up with"
    r"|\bdear|\bhi|\bhello|\bsincerely|\bregards|\bsigned|\bfrom|\bfriend|\bbrother|\bsister|\bwife|\bhusband|\bson|\bdaughter|\bkid|\bpartner|\bcolleague"
    r"|\bboss|\bowner|\bguardian|\bby|\bhim|\bher|\bask for|\bgender of)[\s,:*>\"'(-]*$",
    re.IGNORECASE,
)  # fmt: skip
_HIM_OR_HER_SAYS = re.compile(r"^(?::|['’]?s?\s*(?:said|says|told|asked|wrote|lives?|called|shouted)\b)", re.IGNORECASE)
_PLACE_BEFORE = re.compile(
    r"\b(?:in|from|to|at|near|around|outside|visit(?:ing)?|leave|leaving|of|southern|northern|eastern|western)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_CONTRACTED = re.compile(r"(?:n['’]t|['’](?:m|ll|re|ve|d|s|mon))$")
_NOT_A_NAME = re.compile(r"^(?:[A-Z]{1,3}|(?=.*[a-z][A-Z])(?!(?:Mc|Mac|O['’]|D['’]|De|Di|Du|La|Le|Van|Fitz)[A-Z]).*)$")


class Token(NamedTuple):
    """A word, a number, a mark or a line break of a text. low: in small letters, without a genitive's ending.

    mixed: Chinese characters stand beside it, where capital letters tell less.
    """

    text: str
    start: int
    end: int
    kind: str
    low: str
    mixed: bool

    @property
    def capital(self) -> bool:
        return self.kind == "word" and self.text[0].isupper()


class _Reader:
    """One text with its words told apart."""

    def __init__(self, text: str, taken: Sequence[Span], kept: frozenset[str], lexicon: Lexicon) -> None:
        self.text, self.kept, self.lexicon = text, kept, lexicon
        starts = [span.start for span in taken]

        def free(at: int) -> bool:
            index = bisect_left(starts, at + 1) - 1
            return index < 0 or taken[index].end <= at

        has_han = _HAN.search(text) is not None

        def token(match: re.Match[str]) -> Token:
            start, end = match.span()
            mixed = has_han and _HAN.search(text[max(0, start - 2) : start] + text[end : end + 2]) is not None
            kind = str(match.lastgroup) if free(start) else "taken"
            return Token(match[0], start, end, kind, _GENITIVE.sub("", match[0].lower()), mixed)

        self.tokens = [token(match) for match in _TOKEN.finditer(text)]

    @cached_property
    def small(self) -> frozenset[str]:
        """Words that the text also writes without a capital letter, though it uses them."""
        words = [token for token in self.tokens if token.kind == "word"]
        return (
            frozenset()
            if self.shouting or not any(token.capital for token in words)
            else frozenset(token.text for token in words if token.text.islower())
        )

    @cached_property
    def shouting(self) -> bool:
        """Whether capital letters tell nothing, since most words have them."""
        words = [token for token in self.tokens if token.kind == "word" and len(token.text) > 1]
        return len(words) > 3 and sum(token.text.isupper() for token in words) > 0.6 * len(words)

    def opens(self, index: int) -> bool:
        """Whether a sentence or a line begins here."""
        before = self.tokens[index - 1] if index else None
        return before is None or before.kind == "break" or before.text in '.!?:"“”([>*-。！？：'

    def known(self, token: Token) -> bool:
        return any(word in self.lexicon.names or word in self.lexicon.places for word in re.split("['’-]", token.low) if len(word) > 1)

    def is_kept(self, token: Token) -> bool:
        if token.low in STOP or token.low in self.small:
            return True
        return all(
            part in self.lexicon.kept or part in self.kept or part.rstrip("s") in self.kept or len(part) < 2
            for part in token.low.split("-")
        )

    def ordinary(self, token: Token) -> bool:
        """Whether it is a word of the language, so that a capital letter at the start of a sentence says nothing."""
        parts = [part for part in re.split("-", _CONTRACTED.sub("", token.low)) if len(part) > 1]
        return all(self.lexicon.ordinary(part) for part in parts)

    def certain(self, index: int) -> bool:
        """Whether the word is a name or a place by itself."""
        token = self.tokens[index]
        if token.kind != "word" or self.is_kept(token) or len(token.low) < 2:
            return False
        if not token.capital or (self.shouting and token.text.isupper()):
            return len(token.low) > 3 and self.known(token) and not self.ordinary(token) and not token.mixed
        if token.mixed or _NOT_A_NAME.match(token.text):
            return token.low in self.lexicon.first and len(token.text) > 3 and not self.ordinary(token)
        return not self.ordinary(token) or token.low in self.lexicon.countries

    def possible(self, index: int) -> bool:
        """Whether the word may be a part of a name that something else points at."""
        token = self.tokens[index]
        if token.kind != "word" or token.mixed or token.low in self.kept or token.low in STOP:
            return False
        if not token.capital:  # in a text without capitals a surname follows a name
            return index > 0 and not self.tokens[index - 1].capital and len(token.low) > 2 and not self.ordinary(token)
        kept = token.low in self.lexicon.kept and token.low not in self.lexicon.first
        return not kept and token.low not in UNITS and (not self.shouting or self.known(token))


def find(text: str, taken: Sequence[Span], kept: frozenset[str]) -> Iterator[Span]:
    """Addresses, names and places. taken: what has been found already, in order. kept: words in lower case that are neither."""
    reader = _Reader(text, taken, kept, lexicon())
    yield from addresses(reader.tokens, reader.lexicon, reader.certain)
    yield from _names(reader)


def _names(reader: _Reader) -> Iterator[Span]:
    found = [*_places(reader), *_runs(reader)]
    yield from found
    named = {
        word for span in found if span.type == "NAME" for word in re.findall(_LETTER + "{3,}", reader.text[span.start : span.end].lower())
    }
    for token in reader.tokens:  # whoever was named once is meant again
        if token.capital and token.low in named and token.low in reader.lexicon.names:
            yield Span(token.start, token.start + len(token.low), "NAME")


def _places(reader: _Reader) -> Iterator[Span]:
    """Countries and towns of two words and more, also in small letters."""
    words = [token for token in reader.tokens if token.kind == "word"]
    for size in (4, 3, 2):
        for group in zip(*(words[at:] for at in range(size)), strict=False):
            if group[-1].end - group[0].start < 40 and " ".join(token.low for token in group) in reader.lexicon.countries:
                yield Span(group[0].start, group[-1].end, "PLACE")


def _runs(reader: _Reader) -> Iterator[Span]:
    tokens, at, listed = reader.tokens, 0, 0
    while at < len(tokens):
        start, end = _run(reader, at, listed)
        if start < end:
            listed = _end_of(tokens[end - 1])
            yield Span(tokens[start].start, listed, _type(reader, start, end))
        at = max(end, at + 1)


def _end_of(token: Token) -> int:
    return token.start + len(_GENITIVE.sub("", token.text))


def _type(reader: _Reader, start: int, end: int) -> Type:
    every = [token for token in reader.tokens[start:end] if token.kind == "word"]
    words = [token for token in every if token.low not in _PARTICLES] or every  # a name may be a particle: "Ben", "Van"
    before = reader.text[max(0, words[0].start - 30) : words[0].start]
    if words[0].low in reader.lexicon.first:
        return "NAME"
    if end < len(reader.tokens) and reader.tokens[end].text in _AFTER_A_PLACE and not _GENITIVE.search(reader.tokens[end - 1].text):
        return "PLACE"
    if all(token.low in reader.lexicon.places for token in words):
        return "PLACE"
    return "PLACE" if _PLACE_BEFORE.search(before) and len(words) == 1 and words[0].low not in reader.lexicon.names else "NAME"


def _run(reader: _Reader, at: int, listed: int) -> tuple[int, int]:
    """The name that begins at token `at`, as a range of tokens; an empty one where none does. listed: where the name before ends."""
    tokens = reader.tokens
    if tokens[at].kind != "word" or not (reader.certain(at) or (reader.possible(at) and _begins(reader, at))):
        return at, at
    end = position = at + 1
    while position < len(tokens) and not _GENITIVE.search(tokens[position - 1].text):
        token = tokens[position]
        if token.text == "." and _initial(tokens, position - 1):
            position += 1
        elif reader.certain(position) or _initial(tokens, position) or reader.possible(position):
            end = position = position + 1
        elif token.kind == "word" and token.low in _PARTICLES and position - end < 3:
            position += 1
        else:
            break
    sure = [index for index in range(at, end) if reader.certain(index)]
    if sure:  # words of the language at either end are not of the name, unless names have them: "Call Anna Baker Now"
        while not reader.certain(at) and not reader.known(tokens[at]) and tokens[at].low not in _BEFORE_A_PLACE and at < sure[0]:
            at += 1
        while not reader.certain(end - 1) and not reader.known(tokens[end - 1]) and end - 1 > sure[-1]:
            end -= 1
        return at, end
    return (at, end) if _pointed_at(reader, at, end, listed) else (at, at)


def _initial(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    return token.kind == "word" and len(token.text) == 1 and token.capital


def _begins(reader: _Reader, at: int) -> bool:
    """Whether an ordinary word with a capital letter may begin a name: "Mark Hensel", but not "Ask Hensel"."""
    token = reader.tokens[at]
    following = at + 1 < len(reader.tokens) and reader.tokens[at + 1].capital and reader.tokens[at + 1].text != "I"
    if not reader.ordinary(token) or not reader.opens(at) or _titled(reader.tokens, at) or token.low in _BEFORE_A_PLACE:
        return True
    return token.low in reader.lexicon.first and (following or bool(_HIM_OR_HER_SAYS.search(reader.text[token.end : token.end + 12])))


def _titled(tokens: Sequence[Token], at: int) -> bool:
    return at > 0 and (tokens[at - 1].low in _TITLES or (tokens[at - 1].text == "." and at > 1 and tokens[at - 2].low in _TITLES))


def _pointed_at(reader: _Reader, at: int, end: int, listed: int) -> bool:
    """Whether ordinary words with capital letters are a name by what stands around them."""
    tokens, text = reader.tokens, reader.text
    known = any(token.low in reader.lexicon.names for token in tokens[at:end])
    if _titled(tokens, at):
        return True
    if not known or reader.shouting or any(reader.is_kept(token) for token in tokens[at:end]):
        return False
    if listed and re.fullmatch(r",? (?:and |& )?", text[listed : tokens[at].start]):
        return True  # "Kelly, Baker and White"
    if end - at > 1 and tokens[at].low in reader.lexicon.first and tokens[end - 1].low in reader.lexicon.names:
        return True
    before, after = text[max(0, tokens[at].start - 60) : tokens[at].start], text[tokens[end - 1].end :][:16]
    if _IS_CALLED.search(before) or _HIM_OR_HER_SAYS.search(after):
        return True
    amid = not reader.opens(at) and tokens[at - 1].kind == "word" and not tokens[at - 1].capital
    return amid and tokens[at].low in reader.lexicon.first and not re.search(r"\b(?:the|a|an|your|my|our)\s*$", before, re.IGNORECASE)
