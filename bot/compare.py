"""Two products asked after together: both records' word on what is asked, side by side."""

import re
from collections.abc import Sequence

from bot.extract import Pick
from knowledge.documents import Passage
from knowledge.retrieve import name_of

_COMPARES = re.compile(
    r"\b(?:vs\.?|versus|compare[ds]?|comparison|difference|differ|better|than|or|both|between|either)\b|\w+er\b.{0,60}\bor\b|比|哪个|哪款|哪一?[个款台]|区别|差别|差多少|差价|还是|对比|和.{1,30}(?:谁|哪)|都|更",
    re.IGNORECASE,
)
_REST = 8.0  # what a field's own agreement with the question counts beside its score
_GENERAL = 4  # fields of each record that are given when none is asked for


def compared(question: str, passages: Sequence[Passage], picks: Sequence[Pick]) -> list[str]:
    """Lines of both records, a field at a time; empty when the question does not set exactly two or three named records side by side."""
    records: dict[str, list[Passage]] = {}
    for passage in passages:
        if passage.named:
            records.setdefault(name_of(passage.chunk), []).append(passage)
    if not 2 <= len(records) <= 3 or not _COMPARES.search(question):
        return []
    fields = {name: {_field(unit.text): unit.text for passage in found for unit in passage.units} for name, found in records.items()}
    about = sorted((pick for pick in picks if pick.passage.named), key=lambda pick: -(_REST * pick.features.get("rest", 0.0) + pick.score))
    if not about:
        return []
    for pick in about:
        wanted = _field(pick.unit.text)
        # A description names the thing itself, and so agrees with any question about it.
        if wanted and name_of(pick.passage.chunk) not in pick.unit.text and all(wanted in held for held in fields.values()):
            return [f"{name}{'：' if '：' in held[wanted] else ': '}{held[wanted]}" for name, held in fields.items()]
    shared = [field for field in next(iter(fields.values())) if field and all(field in held for held in fields.values())]
    return [f"{name}{'：' if '：' in held[field] else ': '}{held[field]}" for field in shared[:_GENERAL] for name, held in fields.items()]


def _field(text: str) -> str:
    """The name of a record's field, empty for what is none."""
    match = re.match(r"^([^:：]{1,40})[:：]", text)
    return match[1].strip() if match else ""
