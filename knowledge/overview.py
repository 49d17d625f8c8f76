"""Which items a question about the range wants: "do you have wireless headphones under 100", "最便宜的笔记本是哪个"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from knowledge.catalogue import Catalogue
from knowledge.documents import Language, Passage
from knowledge.figures import figures
from knowledge.language import CJK
from knowledge.listing import everything, listed
from knowledge.meant import Key, Reader
from knowledge.terms import models, terms, words
from knowledge.thesaurus import Thesaurus
from knowledge.wants import Wants, lists, wants

_HAN = re.compile(f"[{CJK}]")
_SOLD = re.compile(
    r"\b(?:do|does|can|are) (?:you|u|they)(?: guys)?(?: also| even)? (?:sell|selling|carry|stock)\b"
    r"|(?:你们|有没有|这里|店里)?(?:有|也)?卖.{1,12}(?:吗|么|嘛|不)"
)
_EITHER = re.compile(r"\b(?:or|and)\b|[/,、和或跟与]")
_PURPOSE = re.compile(r"\b(?:for|to)\b(?! (?:sale|me\b))(.*)$|(?:给|送|适合)(.{1,8}?)(?:用|买|选|的|当|$)|([^,，。 ]{2,8})用的")
_ASKING = re.compile(r"推荐|有没有|个|款|台")
_THINGS = re.compile(r"\b(?:products?|items?|things?|stuff|anything|something|everything)\b|商品|产品|东西|货品")
_BARE_WORDS = 8  # of a text that may be no more than the name of a kind
_POINTS = re.compile(r"\b(?:it|its|it's|this|these|those)\b|它|[这那][款个台部只件]")
_DEFINITE = re.compile(r"(?<!all )(?<!of )\b(?:the|my|his|her|our|their)\s(?:\w+\s)?$|我们?(?:的|买的|家的|家)?$")


@dataclass(frozen=True)
class _Read:
    """A question as it was read. keys: what it speaks of; wished: what the thing shall be for. rest: the text that the keys are of."""

    asked: Wants
    rest: str
    keys: tuple[Key, ...]
    wished: tuple[Key, ...]
    about_all: bool = False

    @cached_property
    def kinds(self) -> tuple[Key, ...]:
        """What names a kind of item; not what names a field, where anything else does."""
        called = [key for key in self.keys if key.called]
        return tuple(key for key in called if not key.of_field) or tuple(called)

    @cached_property
    def features(self) -> tuple[Key, ...]:
        """What it shall be like."""
        return tuple(key for key in self.keys if key not in self.kinds)

    @cached_property
    def filters(self) -> tuple[Key, ...]:
        """The features that rows must have: not those that name the field which a bound or an end of a scale is about."""
        bound = any(not limit.money for limit in self.asked.limits) or self.asked.order
        return tuple(key for key in self.features if not (bound and key.of_field))

    @cached_property
    def bare(self) -> bool:
        """Whether the text is no more than the name of a kind, with what it shall be like before it: `wireless headphones?`."""
        said = [word for word in words(self.rest) if word not in lists().around and word not in lists().fillers]
        ends = bool(self.keys) and (bool(self.keys[-1].called) or any(figure.unit for figure in figures(self.rest)))
        return ends and len(said) <= sum(len(words(key.text)) for key in self.keys)


def overview(text: str, catalogue: Catalogue, language: Language, thesaurus: Thesaurus, before: Sequence[str] = ()) -> Passage | None:
    """A passage that answers a question about the range, None for any other question.

    It is one if all that it says can be told from the catalogue: it names a kind of item ("phones"), and every other word is a price, a
    figure, an end of a scale ("cheapest") or something that rows say. before: what the customer asked earlier, newest first: a question
    that leaves out the kind takes it from there, one that is nothing but a kind ("and tablets?") the rest.
    """
    read = _read(text, Reader(catalogue, thesaurus), before)
    if read is None:
        return None
    if read.asked.everything and not read.keys and not read.about_all:
        return everything(catalogue.items, language)
    every = frozenset(range(len(catalogue.items)))
    kept = (
        every.intersection(*(key.says for key in read.filters))
        if read.about_all
        else _suited(_kept(read, len(catalogue.items)), read.wished)
    )
    ways = [way for key in read.features for way in key.ways]
    return listed(catalogue.items, kept or _any(read.kinds), read.asked, ways, language, whole=bool(kept))


def not_sold(text: str, catalogue: Catalogue, thesaurus: Thesaurus, topics: frozenset[str]) -> bool:
    """Whether a question asks if something is sold ("do you sell bicycles") that no item is. topics: what pages are about, as terms."""
    if not _SOLD.search(text.lower()):
        return False
    keys = Reader(catalogue, thesaurus).keys(_apart(wants(text).rest)[0])
    last = keys[-1] if keys else None
    return last is not None and not last.called and not last.says and not any(topics.issuperset(terms(way)) for way in last.ways)


def _read(text: str, reader: Reader, before: Sequence[str]) -> _Read | None:
    """The question, if it is one about the range."""
    named = any(piece.partition("·")[0] in reader.catalogue.names for piece in models(text))
    if named or _POINTS.search(text.lower()):
        return None  # it is about a certain product
    asked = wants(text)
    formed = asked.asks or asked.priced or asked.everything or asked.order or asked.limits
    if asked.unread or (not formed and len(words(text)) > _BARE_WORDS):
        return None
    rest, purpose = _apart(asked.rest)
    keys, wished = reader.keys(rest), reader.keys(purpose)
    if not all(key.called or key.says or key.text in lists().people for key in (*keys, *wished)):
        return None  # it speaks of something else
    keys = tuple(key for key in keys if key.text not in lists().people)
    of_all = not keys and not wished and bool(asked.limits or asked.order) and (asked.asks or bool(_THINGS.search(rest.lower())))
    of_features = bool(keys) and not any(key.called for key in (*keys, *wished)) and asked.asks and bool(_THINGS.search(rest.lower()))
    read = _Read(asked, rest, keys, wished, about_all=of_all or of_features)
    if not read.kinds and any(key.called for key in wished) and not _DEFINITE.search(purpose[: wished[0].place]):
        read = replace(read, keys=(*keys, *wished), wished=())  # 露营用的东西
    if (asked.everything and not keys and not asked.limits and not asked.order) or read.about_all:
        return read
    if before and (not read.kinds or read.bare):
        return _gone_on(read, reader, before)
    return read if _fits(read) else None


def _fits(read: _Read) -> bool:
    """Whether a question that the catalogue has all words for is one about the range."""
    asked = read.asked
    if not read.kinds or not (asked.asks or asked.order or asked.limits or asked.priced or read.bare):
        return False
    if not asked.order and any(_DEFINITE.search(read.rest[: key.place].lower()) for key in read.kinds):
        return False  # a certain one is meant: "the laptop", "my phone"
    return not (asked.priced and not asked.asks and read.features) and not _attributive(read)  # nor what a part or a service costs


def _gone_on(read: _Read, reader: Reader, before: Sequence[str]) -> _Read | None:
    """A question filled up from the one before it, if that was about the range."""
    earlier = _read(before[0], reader, before[1:])
    if earlier is None:
        return None
    if read.kinds:
        return replace(read, asked=replace(earlier.asked, rest=read.rest, asks=True))
    return replace(read, keys=(*earlier.kinds, *read.keys)) if read.asked.order or read.asked.limits else None


def _apart(text: str) -> tuple[str, str]:
    """A text without what the thing shall be for, and that: `a laptop for video editing`, `剪视频用的电脑`."""
    match = _PURPOSE.search(text)
    if not match:
        return text, ""
    purpose = words(_ASKING.sub(" ", next(filter(None, match.groups()), "")))
    return f"{text[: match.start()]} {text[match.end() :]}", " ".join(word for word in purpose if not (len(word) == 1 and _HAN.match(word)))


def _attributive(read: _Read) -> bool:
    """Whether a kind only tells what another thing is for or of: `laptop battery`, `手机保修`. In English it is in the singular then."""
    plain = read.rest.lower()
    for kind in read.kinds:
        after = plain[kind.place + len(kind.text) :].lstrip(" -")
        if after[:1].isdigit():
            continue  # "laptop 32 GB"
        if any(after.startswith(key.text) for key in read.features) and (_HAN.search(kind.text) or not kind.text.endswith("s")):
            return True
    return False


def _any(kinds: Sequence[Key]) -> frozenset[int]:
    return frozenset().union(*(key.called for key in kinds))


def _kept(read: _Read, count: int) -> frozenset[int]:
    """The items that are all that is said; of several kinds that no item is at once those of either, or else the last one's."""
    fits = frozenset(range(count)).intersection(*(key.says for key in read.filters))
    every = fits.intersection(*(key.called | key.says for key in read.kinds)) & _any(read.kinds)
    if every or len(read.kinds) < 2:
        return every
    return fits & (_any(read.kinds) if _EITHER.search(read.rest) else read.kinds[-1].called)


def _suited(kept: frozenset[int], purpose: Sequence[Key]) -> frozenset[int]:
    """Those that speak most of what they shall be for; all where none does."""
    told = {number: sum(number in key.says for key in purpose) for number in kept}
    most = max(told.values(), default=0)
    return frozenset(number for number, count in told.items() if count == most) if most else kept
