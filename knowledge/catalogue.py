"""What a shop sells, as its tables tell it: items with a price, the kinds they are of, and their figures in units that compare."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knowledge.cells import field
from knowledge.documents import Chunk, Language
from knowledge.figures import UNITS, Figure, figures
from knowledge.language import normalise
from knowledge.terms import STOP, models, stem, words

_PRICE = re.compile(r"\b(?:price|cost|rrp|msrp|retail)\b|价格|售价|单价|定价|价钱|现价", re.IGNORECASE)
_CATEGORY = re.compile(
    r"\b(?:category|categories|department|type|group|kind|section|collection)\b|类别|分类|品类|类型|种类|部门|大类|系列", re.IGNORECASE
)
_STOCK = re.compile(r"\b(?:availab\w+|stock)\b|供货|库存|现货", re.IGNORECASE)
_SOLD_OUT = re.compile(
    r"\b(?:out of stock|sold out|unavailable|discontinued|not available|no)\b|缺货|无货|售罄|下架|断货|停产", re.IGNORECASE
)
_CURRENCY = re.compile(r"\b(usd|eur|gbp|cny|rmb|jpy|chf|cad|aud)\b|(元|美元|欧元)", re.IGNORECASE)
_HAN_RUN = re.compile(r"[\u4e00-\u9fff]+")
_LATIN = re.compile(r"[^\W\d_\u4e00-\u9fff][\w'’-]*")
_ASIDE = re.compile(r"\([^)]*\)|（[^）]*）")
_ENDS = re.compile(r"\b(?:with|that|which|for|whose|from|made|designed|and (?:has|is|can))\b|[.;:](?!\d)")
_AND = re.compile(r"\s*(?:,|/|&|\+|\band\b|\bor\b)\s*")
_HAN_AND = re.compile(r"[和与及或]")
_SET = re.compile(r"\b(?:set|pack|pair|box|bundle|lot|case) of \d+\b|\b\d+[- ]?(?:pack|piece|pcs|count)s?\b")
_NOT_BEFORE = re.compile(
    r"(?:\b(?:no|not|without|cannot|can't|never|non)\b[ -]*(?:\w+[ -]+){0,2}|不(?:支持|含|带|可|能|防)?|无(?!线)|没有?|未)$"
)
_LOOKS_BACK = 40  # characters before a word in which it may be denied
_DENIED = frozenset(("no", "none", "n/a", "false", "-", "–", "x", "✗", "否", "无", "没有", "不支持", "不"))
_PROSE_WORDS = 5  # of the value of a field that tells what a thing is
_LEAST, _PRICED = 3, 0.6  # rows that make a catalogue, and the share of them that has a price
_LONGEST = 6  # characters of what a Chinese thing is called


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a catalogue. fields: as they are written, in order. heads: what the thing is called, by its name and description.

    listed: the same of its category. text: all of it, lower-cased. held: the stems of it.
    """

    name: str
    source: str
    title: str
    language: Language
    fields: Mapping[str, str]
    price: float
    category: str
    heads: frozenset[str]
    listed: frozenset[str]
    text: str
    held: frozenset[str]

    @property
    def price_field(self) -> str:
        return next((name for name in self.fields if _PRICE.search(name)), "")

    @property
    def cost(self) -> str:
        """The price as it is said: with the currency of its column where the value has none."""
        value, named = self.fields[self.price_field], _CURRENCY.search(self.price_field)
        bare = re.fullmatch(r"[\d.,]+", value)
        return f"{value} {(named[1] or named[2]).upper()}" if bare and named else value

    def figures(self, field: str) -> tuple[Figure, ...]:
        """The numbers of a field, in the unit of its name where the value has none: `Height cm: 28`, `weight kg: 3.4`."""
        found = tuple(figures(self.fields[field]))
        unit = next((UNITS[word] for word in reversed(re.findall(r"[a-z]+|[\u4e00-\u9fff]+", field.lower())) if word in UNITS), None)
        return tuple(Figure(one.value * unit[1], unit[0]) if unit and not one.unit else one for one in found)

    @property
    def stock(self) -> str:
        """What its row says of its being there, empty where it says nothing."""
        return next((value for name, value in self.fields.items() if _STOCK.search(name)), "")

    @property
    def sold_out(self) -> bool:
        return bool(_SOLD_OUT.search(self.stock))

    @property
    def told(self) -> str:
        """The field that tells in a sentence what the thing is, empty where there is none."""
        return _prose(self.fields)


class Catalogue:
    """Items of one language, and which of them are called so or say so. Items go by their number."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        # The words before a model's number or letter, `nova` of Nova S5: who says one means a certain product, known or not.
        every = (piece.partition("·")[0] for item in items for piece in models(item.name, loose=False))
        self.names = frozenset(name for name in every if not name[0].isdigit())
        names = {field for item in items for field in item.fields}
        self._fields = [(field.lower(), {stem(word) for word in words(field)}) for field in sorted(names)]
        self.categories = frozenset(item.category.lower() for item in items if len(item.category) > 1)
        self._by_head: dict[str, set[int]] = defaultdict(set)
        self._by_word: dict[str, set[int]] = defaultdict(set)
        for number, item in enumerate(self.items):
            for head in item.heads | item.listed:
                self._by_head[head].add(number)
            for word in item.held:
                self._by_word[word].add(number)

    def called(self, way: str) -> frozenset[int]:
        """The items that are that: by their name, by the sentence about them, or by their category.

        A category of two kinds ("keyboards and mice") holds an item of either, unless the item's name tells which; where some of its items
        are told so, the others must speak of that kind themselves.
        """
        if way in self.categories:
            return frozenset(number for number, item in enumerate(self.items) if item.category.lower() == way)
        if _HAN_RUN.search(way):
            found = {number for number in self._by_head.get(way, ()) if not self._other(number, way)}
            if len(way) > 2:  # 烧烤炉 and 炭烤炉 are both 烤炉
                front = way[:-2] if len(way) > 3 else ""
                found |= {n for n in self._by_head.get(way[-2:], ()) if front in self.items[n].text and not self._other(n, way[-2:])}
            return self._told(found, way)
        *before, last = [stem(word) for word in way.split()] or [""]
        some = (number for number in self._by_head.get(last, ()) if self.items[number].held.issuperset(before))
        return self._told(
            {n for n in some if last in self.items[n].heads or not (self.items[n].listed - {last}) & self.items[n].heads}, last
        )

    def _told(self, found: set[int], head: str) -> frozenset[int]:
        """Without the items that only a category of several kinds tells to be one, where others of it are called so themselves."""
        own = {number for number in found if head in self.items[number].heads}
        told = {self.items[number].category for number in own}
        return frozenset(n for n in found if n in own or self.items[n].category not in told or self._speaks(self.items[n], head))

    def is_field(self, way: str) -> bool:
        """Whether a column is called so."""
        han, stems = _HAN_RUN.search(way), {stem(word) for word in words(way)}
        return any(way in field if han else stems <= named for field, named in self._fields) if stems else False

    def _speaks(self, item: Item, head: str) -> bool:
        own = item.text.replace(item.category.lower(), " ")
        single = len(_AND.split(item.category)) < 2 and not _HAN_AND.search(item.category)
        return single or (head in own if _HAN_RUN.search(head) else head in {stem(word) for word in words(own)})

    def _other(self, number: int, way: str) -> bool:
        """Whether a Chinese category names that, and the item is another thing that it names: of 键盘鼠标, a 鼠标 is no 键盘."""
        item = self.items[number]
        if way in item.heads or way in item.name or way in item.told:
            return False
        rests = (
            item.category.removeprefix(way),
            item.category.removesuffix(way),
            *(part for part in _HAN_AND.split(item.category) if way not in part),
        )
        return any(rest in item.heads for rest in rests)

    def says(self, way: str) -> frozenset[int]:
        """The items whose row says it, and does not deny it; a Chinese compound may be said in halves by one field."""
        if _HAN_RUN.search(way):
            return frozenset(number for number, item in enumerate(self.items) if _says_han(item, way))
        stems = [stem(word) for word in words(way)]
        held = set.intersection(*(self._by_word.get(one, set()) for one in stems)) if stems else set()
        start = re.compile(rf"(?<!\w){re.escape(way)}")
        return frozenset(number for number in held if not _denied(self.items[number].text, start))


def catalogues(chunks: Sequence[Chunk]) -> dict[Language, Catalogue]:
    """The catalogue in each language that there is one in."""
    found: dict[Language, list[Item]] = {}
    for item in items(chunks):
        found.setdefault(item.language, []).append(item)
    return {language: Catalogue(own) for language, own in found.items()}


def _says_han(item: Item, way: str) -> bool:
    if way in item.text:
        return not _denied(item.text, re.compile(re.escape(way)))
    halves = (way[:2], way[2:])
    lines = (line for line in item.text.splitlines() if all(half in line for half in halves))
    return len(way) == 4 and any(not _NOT_BEFORE.search(line[: line.rfind(halves[0])][-_LOOKS_BACK:]) for line in lines)


def _denied(text: str, said: re.Pattern[str]) -> bool:
    """Whether every place that says it stands behind a no: `no wireless charging`, `不支持无线充电`."""
    places = [match.start() for match in said.finditer(text)]
    return bool(places) and all(_NOT_BEFORE.search(text[max(0, place - _LOOKS_BACK) : place]) for place in places)


def items(chunks: Sequence[Chunk]) -> tuple[Item, ...]:
    """The rows of those tables that are catalogues: of which most have a price. A row may have been cut into several chunks."""
    rows: dict[tuple[str, tuple[str, ...]], tuple[Chunk, dict[str, str]]] = {}
    for chunk in sorted(
        (chunk for chunk in chunks if chunk.kind == "record" and chunk.heading), key=lambda one: (one.source, one.position)
    ):
        _, fields = rows.setdefault((chunk.source, chunk.heading), (chunk, {}))
        for name, value in map(field, chunk.text.splitlines()):
            if name:
                fields.setdefault(name, value)
    tables: dict[str, list[tuple[Chunk, dict[str, str]]]] = {}
    for (source, _), row in rows.items():
        tables.setdefault(source, []).append(row)
    return tuple(item for table in tables.values() for item in _catalogue(table))


def _catalogue(table: Sequence[tuple[Chunk, dict[str, str]]]) -> list[Item]:
    found = [item for chunk, fields in table if (item := _item(chunk, fields))]
    return found if len(found) >= _LEAST and len(found) >= _PRICED * len(table) else []


def _item(chunk: Chunk, fields: Mapping[str, str]) -> Item | None:
    price = next((figure.value for name, value in fields.items() if _PRICE.search(name) for figure in figures(value)), None)
    if price is None:
        return None
    name, category = chunk.heading[-1], next((value for field, value in fields.items() if _CATEGORY.search(field)), "")
    said = (f"{field}: {value}" for field, value in fields.items() if value.strip().lower() not in _DENIED)
    text = normalise("\n".join((*chunk.heading, *said))).lower()
    return Item(
        name,
        chunk.source,
        chunk.title,
        chunk.language,
        fields,
        price,
        category,
        heads(name) | heads(_prose(fields).replace(name, " "), sentence=True),
        heads(category) | _beginnings(category),
        text,
        frozenset(stem(word) for word in words(text) if word not in STOP),
    )


def _prose(fields: Mapping[str, str]) -> str:
    long = [value for value in fields.values() if len(value.split()) >= _PROSE_WORDS or (len(_HAN_RUN.findall(value)) and len(value) >= 20)]
    return max(long, key=len, default="")


def heads(text: str, *, sentence: bool = False) -> frozenset[str]:
    """What a thing is called in a name, a category or a sentence about it: the last word of each part, in Chinese every end of a run.

    `Keyboards and mice` are keyboards and mice; `a folding aluminium stand for laptops` is a stand. Of a Chinese sentence the last run of
    its first clause counts.
    """
    plain = _SET.sub(" ", _ASIDE.sub(" ", normalise(text).lower())).strip()
    clause = _ENDS.split(plain, maxsplit=1)[0] or plain
    found: set[str] = set()
    for part in _AND.split(clause):
        if latin := [word for word in _LATIN.findall(part) if word not in STOP and word not in UNITS and len(word) > 1 and word.isalpha()]:
            found.add(stem(latin[-1]))
    runs = _HAN_RUN.findall(re.split(r"[,.;:。]", plain, maxsplit=1)[0])
    for run in (run for long in (runs[-1:] if sentence else runs) for run in _HAN_AND.split(long)):
        found.update(run[-length:] for length in range(1, min(len(run), _LONGEST) + 1))
    return frozenset(found)


def _beginnings(category: str) -> frozenset[str]:
    """The beginnings of a Chinese category: 笔记本电脑 are called 笔记本, and 键盘鼠标 are 键盘."""
    return frozenset(run[:length] for run in _HAN_RUN.findall(normalise(category)) for length in range(2, len(run)))
