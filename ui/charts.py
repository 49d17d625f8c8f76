"""Plots as SVG text, made on the server: no script, coloured by the page's own light and dark palette, each told in words too.

They are drawn as wide as a phone, so that their letters stay legible there; a wide page sets several side by side.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 400
_TOP, _ROW = 8, 42  # the room above, one row of a chart of rows
_LETTER, _BOLD = 7.2, 8.2  # the width of a letter, and of one of a name, in the widest of the fonts that pages are read in


@dataclass(frozen=True, slots=True)
class Dot:
    """A share with its interval, 0..1. told: the same in words."""

    label: str
    value: float
    low: float
    high: float
    told: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A length, and within it another, e.g. a percentile and the median. told: the same in words."""

    label: str
    value: float
    within: float
    told: str


@dataclass(frozen=True, slots=True)
class Column:
    """An hour or a day: two counts, one above the other. told: both in words."""

    label: str
    lower: int
    upper: int
    told: str


def dots(title: str, rows: Sequence[Dot]) -> str:
    """Shares on one scale from nothing to all, each with its interval."""
    drawn = ""
    for number, row in enumerate(rows):
        y, low, high = _TOP + number * _ROW, _across(row.low), _across(row.high)
        drawn += _label(y, row.label, row.told) + _line(_across(0), y + 26, _across(1), y + 26, "axis")
        drawn += _line(low, y + 26, high, y + 26, "whisker")
        drawn += "".join(_line(x, y + 21, x, y + 31, "whisker") for x in (low, high))
        drawn += f'<circle class="mark1" cx="{_across(row.value):.1f}" cy="{y + 26}" r="5"/>'
    bottom = _TOP + len(rows) * _ROW
    drawn += "".join(
        _text(_across(part), bottom + 10, f"{part:.0%}", anchor) for part, anchor in ((0, "start"), (0.5, "middle"), (1, "end"))
    )
    return _svg(title, [f"{row.label}: {row.told}" for row in rows], bottom + 16, drawn)


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Lengths from nothing on, the longest over the whole width."""
    most = max((row.value for row in rows), default=0) or 1
    drawn = ""
    for number, row in enumerate(rows):
        y = _TOP + number * _ROW
        drawn += _label(y, row.label, row.told) + _box(
            0, y + 20, WIDTH * row.value / most, 12, "fill2" if row.within < row.value else "fill1"
        )
        drawn += _box(0, y + 20, WIDTH * row.within / most, 12, "fill1") if row.within < row.value else ""
    return _svg(title, [f"{row.label}: {row.told}" for row in rows], _TOP + len(rows) * _ROW, drawn)


def columns(title: str, rows: Sequence[Column], height: int = 150) -> str:
    """Counts over time; the first, the middle and the last label stand below."""
    top = _rounded(max((row.lower + row.upper for row in rows), default=0))
    left, floor = 8 + _LETTER * len(str(top)), height - 22
    step = (WIDTH - left) / max(1, len(rows))
    drawn = ""
    for part in (0, 1, 2):
        y = floor - part / 2 * (floor - _TOP)
        drawn += _line(left, y, WIDTH, y, "axis")
        drawn += _text(left - 5, y + 4, f"{top * part / 2:g}", "end") if top > 1 or part != 1 else ""
    for number, row in enumerate(rows):
        x, unit = left + number * step, (floor - _TOP) / top
        lower, upper = row.lower * unit, row.upper * unit
        drawn += f"<g><title>{escape(row.told)}</title>{_box(x + step * 0.15, floor - lower, step * 0.7, lower, 'fill1')}"
        drawn += f"{_box(x + step * 0.15, floor - lower - upper, step * 0.7, upper, 'fill3')}</g>"
    for number in sorted({0, len(rows) // 2, len(rows) - 1}) if rows else ():
        x, anchor = left + (number + 0.5) * step, "middle"
        if number == len(rows) - 1 and number:
            x, anchor = WIDTH, "end"
        drawn += _text(x, height - 6, rows[number].label, anchor if number or len(rows) < 3 else "start")
    return _svg(title, [row.told for row in rows if row.lower or row.upper], height, drawn)


def _svg(title: str, told: Sequence[str], height: float, drawn: str) -> str:
    words = escape(". ".join((title, *told)), quote=True)
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{words}">{drawn}</svg>'


def _label(y: float, label: str, told: str) -> str:
    room = int((WIDTH - 10 - _LETTER * _wide(told)) / _BOLD)
    return _text(0, y + 11, _shortened(label, room), "start", "name") + _text(WIDTH, y + 11, told, "end")


def _shortened(text: str, room: int) -> str:
    if _wide(text) <= room:
        return text
    end = max(end for end in range(len(text)) if _wide(text[:end]) < max(1, room))
    return f"{text[:end]}…"


def _wide(text: str) -> int:
    """How many Latin letters wide it is; a Chinese character is two."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _rounded(most: int) -> int:
    """The least of 1, 2, 4, 6, 8, 10, 20 ... that holds it."""
    if most <= 2:
        return max(1, most)
    power = 10 ** math.floor(math.log10(most))
    return int(next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= most))


def _across(part: float) -> float:
    return 6 + part * (WIDTH - 12)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "told") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"/>' if width and height else ""
