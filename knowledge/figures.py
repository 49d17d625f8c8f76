"""Numbers in the units that things are measured in, so that they compare: `1.12 kg` is more than `482 g`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from knowledge.language import normalise

_FIGURE = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)*)\s*-?\s*([A-Za-z\u4e00-\u9fff\"″%]{0,12})")
_ALIKE: tuple[tuple[str, float, str], ...] = (
    ("mass", 1.0, "g gram grams 克"),
    ("mass", 1000.0, "kg kilo kilos 千克 公斤"),
    ("mass", 0.001, "mg 毫克"),
    ("mass", 453.6, "lb lbs 磅"),
    ("mass", 28.35, "oz 盎司"),
    ("mass", 500.0, "斤"),
    ("length", 0.1, "mm 毫米"),
    ("length", 1.0, "cm 厘米 公分"),
    ("length", 100.0, "m metre metres meter meters 米"),
    ("inches", 1.0, 'inch inches in " ″ 英寸 寸'),
    ("data", 1.0, "gb"),
    ("data", 1000.0, "tb"),
    ("data", 0.001, "mb"),
    ("charge", 1.0, "mah 毫安 毫安时"),
    ("power", 1.0, "w watt watts 瓦"),
    ("time", 1.0, "h hr hrs hour hours 小时"),
    ("time", 1 / 60, "min mins minute minutes 分钟"),
    ("time", 24.0, "day days 天"),
    ("time", 168.0, "week weeks 周"),
    ("time", 730.0, "month months 个月"),
    ("time", 8760.0, "year years 年"),
    ("volume", 1.0, "l litre litres liter liters 升"),
    ("volume", 0.001, "ml 毫升"),
    ("rate", 1.0, "hz 赫兹"),
    ("rate", 1e9, "ghz"),
    ("pixels", 1.0, "mp megapixel megapixels"),
)
UNITS: Mapping[str, tuple[str, float]] = {name: (unit, scale) for unit, scale, names in _ALIKE for name in names.split()}
"""What units are called -> what they measure, and how much of that one is."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a unit that compares: `mass` in grams, `length` in centimetres, `data` in gigabytes, and so on; "" for a bare one."""

    value: float
    unit: str


def figures(text: str) -> Iterator[Figure]:
    """The numbers of a text in order. A comma before three digits parts thousands: `1,299`."""
    for match in _FIGURE.finditer(normalise(text).lower()):
        unit, scale = _unit(match[2])
        yield Figure(_number(match[1]) * scale, unit)


def _number(written: str) -> float:
    """In either notation: a comma or a point before three digits parts thousands, if the other one follows or a comma stands alone."""
    thousands = re.search(r",\d{3}(?!\d)|\.\d{3},", written)
    plain = re.sub(r"[.,](?=\d{3}(?!\d))", "", written) if thousands else written
    match = re.match(r"\d+(?:\.\d+)?", plain.replace(",", "."))  # "1.2.3" is 1.2
    return float(match[0]) if match else 0.0


def _unit(written: str) -> tuple[str, float]:
    for length in range(len(written), 0, -1):
        if (found := UNITS.get(written[:length])) and (length == len(written) or not written[:length].isascii()):
            return found
    return "", 1.0
