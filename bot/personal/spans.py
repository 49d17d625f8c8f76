"""A piece of a text that is personal, and how overlapping finds become one list."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Type = Literal[
    "MAIL", "PHONE", "CARD", "IBAN", "NATIONAL_ID", "ID", "ACCOUNT", "IP", "URL", "SECRET", "BIRTH_DATE", "ORDER",
    "NAME", "ADDRESS", "PLACE",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """start, end: code points, end exclusive."""

    start: int
    end: int
    type: Type


def settled(found: Iterable[Span], length: int) -> tuple[Span, ...]:
    """The spans in the order of the text without overlaps: the first in `found` has the place, a later one keeps what is left of it.

    length: of the text; the time grows with it and with the length of all spans together.
    """
    taken = bytearray(length)
    left: list[Span] = []
    for span in found:
        start = span.start
        while (start := taken.find(0, start, span.end)) >= 0:
            end = taken.find(1, start, span.end)
            end = span.end if end < 0 else end
            left.append(Span(start, end, span.type))
            taken[start:end] = b"\1" * (end - start)
            start = end
    return tuple(sorted(left, key=lambda span: span.start))
