"""Two products asked after together: both records' word on what is asked, side by side."""

import re
from collections.abc import Collection, Mapping, Sequence

from bot.expect import asked, has
from bot.extract import Pick
from knowledge.cells import field
from knowledge.documents import Passage
from knowledge.language import normalise
from knowledge.retrieve import name_of
from knowledge.terms import STOP, models, stem, terms, words

_COMPARES = re.compile(
    r"\b(?:vs\.?|versus|compare[ds]?|comparison|difference|differ|better|than|or|both|between|either)\b|\w+er\b.{0,60}\bor\b|比|哪个|哪款|哪一?[个款台]|区别|差别|差多少|差价|还是|对比|和.{1,30}(?:谁|哪)|都|更",
    re.IGNORECASE,
)
_IN_GENERAL = re.compile(
    r"\b(?:what(?:'s| is| are)?|whats|tell me|explain|please|show me|the|a|an|of|in|is|are|there|any|main|key|between|and|or|with|to|me"
    r"|can you"
    r"|compare[ds]?|comparison|differences?|differ|different|vs\.?|versus|which|one|better|best|should i|do i|buy|get|choose|pick"
    r"|how|do|does|they)\b"
    r"|有什么|有啥|有哪些|什么|哪里|哪些|哪个|哪款|请问|区别|差别|不同|不一样|对比|比较|相比|一下|怎么选|选哪个|买哪个|好|更|比|和|与|跟"
    r"|还是|的|是|呢|吗|啊|在",
    re.IGNORECASE,
)
_IDENTITY = re.compile(r"\b(?:sku|id|code|number|url|link)\b|货号|编号|链接", re.IGNORECASE)
_LABEL = re.compile(rf"{_IDENTITY.pattern}|\b(?:name|date|box|description)\b|名称|品名|日期|清单|简介", re.IGNORECASE)
_SHORT = 120  # characters of a field that is read at a glance
_REST = 8.0  # what a field's own agreement with the question counts beside its score
_GENERAL = 6  # fields of each record that are given when none is asked for


def compared(question: str, passages: Sequence[Passage], picks: Sequence[Pick]) -> list[str]:
    """Lines of both records, in the field that is asked for; a table of what tells them apart where none is.

    Empty when the question does not set exactly two or three named records side by side.
    """
    records = _records(passages)
    if not 2 <= len(records) <= 3 or not _COMPARES.search(question):
        return []
    fields = {
        name: {field(unit.text)[0]: unit.text for passage in records[name] for unit in passage.units}
        for name in _as_asked(question, records)
    }
    about = sorted((pick for pick in picks if pick.passage.named), key=lambda pick: -(_REST * pick.features.get("rest", 0.0) + pick.score))
    if not about:
        return []
    kind = asked(question)
    figured = [pick for pick in about if kind and all(has(kind, held.get(field(pick.unit.text)[0], "")) for held in fields.values())]
    for pick in (*figured, *about) if not in_general(question, passages) else ():
        wanted = field(pick.unit.text)[0]
        if not wanted or not all(wanted in held for held in fields.values()):
            continue
        if _IDENTITY.search(wanted) and not _IDENTITY.search(question):
            continue
        # A description names the thing itself, and so agrees with any question about it; one with the figure that is asked for tells it.
        if name_of(pick.passage.chunk) not in pick.unit.text or pick in figured:
            return [_line(name, held[wanted]) for name, held in fields.items()]
    shared = [wanted for wanted, text in next(iter(fields.values())).items() if _tells_apart(wanted, text, fields)]
    return [_row(wanted, {name: held[wanted] for name, held in fields.items()}) for wanted in shared[:_GENERAL]]


def in_general(question: str, passages: Sequence[Passage]) -> bool:
    """Whether a question sets two or three named records side by side and asks for nothing of them in particular."""
    records = _records(passages)
    if not 2 <= len(records) <= 3 or not _COMPARES.search(question):
        return False
    named = {piece for name in records for piece in (*terms(name), *models(name), *words(name))}
    left = _IN_GENERAL.sub(" ", normalise(question).lower())
    return all(
        (word in named and len(word) > 1) or stem(word) in named - _ones(named) or (len(word) == 1 and word.isascii()) or word in STOP
        for word in words(left)
    )


def _ones(named: set[str]) -> set[str]:
    """Single Chinese characters of names, which words of a question share by chance: 更轻 and 轻薄本."""
    return {piece for piece in named if len(piece) == 1 and not piece.isascii()}


def _records(passages: Sequence[Passage]) -> dict[str, list[Passage]]:
    records: dict[str, list[Passage]] = {}
    for passage in passages:
        if passage.named:
            records.setdefault(name_of(passage.chunk), []).append(passage)
    return records


def _as_asked(question: str, names: Collection[str]) -> list[str]:
    """The names in the order in which the question has them."""
    said = words(question)

    def place(name: str) -> int:
        own = set(words(name)).difference(*(words(other) for other in names if other != name))
        return min((said.index(word) for word in own if word in said), default=len(said))

    return sorted(names, key=place)


def _tells_apart(wanted: str, text: str, fields: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether all have the field, with different values, and it is more than their name, number or date."""
    values = {held.get(wanted, "") for held in fields.values()}
    return bool(wanted) and len(values) == len(fields) and "" not in values and not _LABEL.search(wanted) and len(text) < _SHORT


def _line(name: str, text: str) -> str:
    return f"{name}{'：' if '：' in text else ': '}{text}"


def _row(wanted: str, told: Mapping[str, str]) -> str:
    """A row of a table, as `cells` reads one: the field, and what each record says in it."""
    chinese = "：" in next(iter(told.values()))
    colon, semicolon = ("：", "；") if chinese else (": ", "; ")
    values = (f"{name}{colon}{re.sub('[;；]', ',', field(text)[1])}" for name, text in told.items())
    return semicolon.join((f"{'项目' if chinese else 'Feature'}{colon}{wanted}", *values))
