"""Items of a catalogue as a passage that lists them: those within bounds, in order, with their price and what else was asked for."""

import hashlib
from collections.abc import Sequence

from knowledge.catalogue import Item
from knowledge.documents import Chunk, Language, Passage, Unit
from knowledge.terms import stem, words
from knowledge.wants import Limit, Wants, Way

_HOME = {
    "mass": ("weight", "重量", "净重"),
    "inches": ("screen", "display", "size", "屏幕", "尺寸"),
    "length": ("height", "length", "高度", "长度"),
}
"""The fields that a bound in a unit is about where no field is named."""
_MOST = 8  # items that are listed, and half as many where none fits
_SAID = {
    "en": {
        "one": "{n} of our products fits:",
        "fit": "{n} of our products fit:",
        "near": "None of our products fits all of that. The nearest:",
        "all": "We have {n} products:",
        "more": "and {n} more",
    },
    "zh": {
        "one": "符合的商品有 {n} 款：",
        "fit": "符合的商品有 {n} 款：",
        "near": "没有完全符合的商品，最接近的有：",
        "all": "我们共有 {n} 款商品：",
        "more": "另有 {n} 款",
    },
}


def listed(
    items: Sequence[Item], kept: frozenset[int], asked: Wants, features: Sequence[str], language: Language, *, whole: bool
) -> Passage | None:
    """A passage about the items `kept`, by number, that are within the bounds asked for; the nearest ones where none is.

    features: what they shall say beside their kind. whole: `kept` are all that is asked; else they are only of the kind. None where there
    are none, and where an end of a scale is asked for that no row has a figure on.
    """
    chosen = [items[number] for number in sorted(kept)]
    if not chosen:
        return None
    fit = [item for item in chosen if all(_within(item, limit, features) for limit in asked.limits) and _is_there(item, asked)]
    shown, whole = (fit, whole) if fit else (chosen, False)
    fields = _fields(shown, asked, features)
    if asked.order and not (shown := _end(shown, *asked.order)):
        return None
    if asked.limits or asked.cheap or not whole:
        shown = sorted(shown, key=lambda item: item.price)
    said = _SAID["zh" if language == "zh" else "en"]
    lines = [_line(item, fields, language, in_stock=asked.in_stock) for item in shown[: _MOST if whole else _MOST // 2]]
    if not whole:
        return _passage(shown, [said["near"], *lines], language)
    if len(shown) > 1 or asked.counted:
        lines = [said["one" if len(shown) == 1 else "fit"].format(n=len(shown)), *lines]
    elif shown[0].told:
        lines.append(shown[0].told)
    if len(shown) > _MOST:
        lines.append(said["more"].format(n=len(shown) - _MOST))
    return _passage(shown, lines, language)


def everything(items: Sequence[Item], language: Language) -> Passage:
    """A passage about the whole range, by category; where there are none, its first items."""
    said, colon, comma = (_SAID["zh"], "：", "、") if language == "zh" else (_SAID["en"], ": ", ", ")
    groups: dict[str, list[str]] = {}
    for item in items:
        groups.setdefault(item.category, []).append(item.name)
    if len(groups) > 1:
        lines = [f"{category}{colon}{_some(names, comma, said['more'])}" for category, names in groups.items()]
    else:
        lines = [_line(item, (), language, in_stock=False) for item in items[:_MOST]]
        if len(items) > len(lines):
            lines.append(said["more"].format(n=len(items) - len(lines)))
    return _passage(items, [said["all"].format(n=len(items)), *lines], language)


def _some(names: Sequence[str], comma: str, more: str) -> str:
    left = len(names) - _MOST
    return comma.join((*names[:_MOST], more.format(n=left)) if left > 0 else names)


def _is_there(item: Item, asked: Wants) -> bool:
    return item.sold_out if asked.sold_out else not (asked.in_stock and item.sold_out)


def _within(item: Item, limit: Limit, features: Sequence[str] = ()) -> bool:
    """Whether the figure that a bound is about is within it: the first one in its unit, of the fields that are meant."""
    if limit.money:
        return limit.low <= item.price <= limit.high
    facts = [field for field in _facts(item) if any(figure.unit == limit.unit for figure in item.figures(field))]
    meant = [field for field in facts if any(_tells(field, "", way) for way in features)]
    home = [field for field in facts if any(name in field.lower() for name in _HOME.get(limit.unit, ()))]
    first = (next(figure for figure in item.figures(field) if figure.unit == limit.unit) for field in meant or home or facts)
    return any(limit.low <= figure.value <= limit.high for figure in first)


def _facts(item: Item) -> dict[str, str]:
    """The fields that each tell one thing: not its name, its category, its price or the sentence about it."""
    told = (item.told, item.name, item.category)
    return {field: value for field, value in item.fields.items() if value not in told and field != item.price_field}


def _end(items: Sequence[Item], names: Sequence[str], way: Way) -> list[Item]:
    """The items at one end of a scale: of the price, or of the first field that is called so."""
    told = [(item, value) for item in items if (value := _figure(item, names) if names else item.price) is not None]
    end = (min if way == "least" else max)((value for _, value in told), default=None)
    return [item for item, value in told if value == end]


def _figure(item: Item, names: Sequence[str]) -> float | None:
    field = _named(item, names)
    return next((figure.value for figure in item.figures(field)), None) if field else None


def _named(item: Item, names: Sequence[str]) -> str:
    """The field that is called by the first of some names that any is called by, empty if none is."""
    return next((field for name in names for field in item.fields if name in field.lower()), "")


def _fields(items: Sequence[Item], asked: Wants, features: Sequence[str]) -> tuple[str, ...]:
    """Two fields at most that tell what is asked for beside the price: those by which items were compared or chosen."""
    found = dict.fromkeys(filter(None, [_named(items[0], asked.order[0])] if asked.order else []))
    units = {limit.unit for limit in asked.limits if not limit.money}
    for item in items:
        for field, value in _facts(item).items():
            if any(figure.unit in units for figure in item.figures(field)[:1]) or any(_tells(field, value, way) for way in features):
                found[field] = None
    return tuple(found)[:2]


def _tells(field: str, value: str, way: str) -> bool:
    if any("\u4e00" <= character <= "\u9fff" for character in way):
        return way in value or way in field
    return {stem(word) for word in words(f"{field} {value}")}.issuperset(stem(word) for word in words(way))


def _line(item: Item, fields: Sequence[str], language: Language, *, in_stock: bool) -> str:
    colon, semicolon = ("：", "；") if language == "zh" else (": ", "; ")
    parts = [item.cost, *(f"{field}{colon}{item.fields[field]}" for field in fields if field in item.fields)]
    if item.stock and (item.sold_out or in_stock):
        parts.append(item.stock)
    return f"{item.name}{colon}{semicolon.join(parts)}"


def _passage(items: Sequence[Item], lines: Sequence[str], language: Language) -> Passage:
    text, first = "\n".join(lines), items[0]
    id_ = hashlib.sha256(f"{first.source}\n{text}".encode()).hexdigest()[:32]
    chunk = Chunk(id_, first.source, first.title, (), text, tuple(lines), "range", language, 0)
    return Passage(chunk, 1.0, tuple(Unit(line, 1.0, 0.0, 1.0) for line in lines))
