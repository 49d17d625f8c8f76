"""A question about the range, "which laptops do you have under $1,000": what it asks for, read from its words alone."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any, Literal

from knowledge.figures import Figure, figures
from knowledge.language import normalise

Way = Literal["least", "most"]
Order = tuple[tuple[str, ...], Way]
"""What a field is called, nothing for the price, and which end of its scale is asked for."""

_EXACT_SHARE = 0.01
_AROUND_SHARE = 0.25  # how far "around 300" reaches either way
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_DIGIT = "[一二两三四五六七八九]"
_HAN_NUMBER = re.compile(
    rf"(?<![\d. ])十(?:{_DIGIT}|[百千万零])*(?=[元块美欧刀以左上到至寸英克斤公小个之]|$)"
    rf"|{_DIGIT}(?:{_DIGIT}|[十百千万零])*[十百千万]{_DIGIT}?(?=[元块美欧刀以左上到至寸英克斤公小个之]|$)"
)
_WHICH = re.compile(r"\b(?:what|which|whats|what's)\b|哪|什么")
_COUNTED = re.compile(r"\bhow many\b|几[款种个]|多少[款种个]")
_PRICED = re.compile(r"\bhow much (?:are|is|do|does|for|r)\b|\b(?:price|prices|pricing)\b|多少钱|怎么卖|什么价|啥价|价格|价位")
_IN_STOCK = re.compile(r"\b(?:in[- ]stock|available (?:now|today|right away|immediately)|right now)\b|有货|现货|有库存")
_CHEAP = re.compile(r"\bcheap|affordable|inexpensive|low[- ]price|便宜|实惠|平价")
_SOLD_OUT = re.compile(r"\b(?:out of stock|sold out|unavailable)\b|缺货|没货|无货|售罄|断货")
_STRICT = re.compile(
    r"more than|\bover\b|above|bigger|larger|longer|heavier|taller|\bunder\b|below|less than|cheaper|lighter|smaller|shorter"
    r"|高于|超过|大于|多于|低于|不到|少于|小于"
)
_A_HAIR = 1e-9
_LEFT = re.compile(
    r"\b(?:at least|at most|more than|less than|fewer than|up to|no more than|minimum|maximum|over|under|above|below)\s*\d"
    r"|(?:至少|超过)\s*\d"
)
_RANGE = re.compile(r"between|from|到|至")


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds of a figure; of the price where `money`. unit: as in `Figure`, "" for a bare number."""

    low: float
    high: float
    unit: str
    money: bool


@dataclass(frozen=True, slots=True)
class Wants:
    """What a question wants of the range. rest: the words that are left, which must name a kind and what it shall be like.

    asks: it has the form of a question about a range. priced: it asks what things cost. everything: the whole range. counted: how many
    there are. in_stock: only what is there; sold_out: only what is not. cheap: the cheap ones first. unread: it has a bound that is not
    understood ("at least 3 people").
    """

    rest: str
    order: Order | None
    limits: tuple[Limit, ...]
    asks: bool
    priced: bool
    everything: bool
    counted: bool
    in_stock: bool
    sold_out: bool
    cheap: bool
    unread: bool


class Words:
    """The lists of `wants.toml`."""

    def __init__(self) -> None:
        held: dict[str, Any] = tomllib.loads(resources.files("knowledge").joinpath("wants.toml").read_text("utf-8"))
        self.asks, self.everything = (re.compile("|".join(held[name])) for name in ("asks", "everything"))
        self.orders: list[tuple[re.Pattern[str], Order]] = [
            (re.compile(one["said"]), (tuple(one["fields"]), one["way"])) for one in held["orders"]
        ]
        self.fillers, self.people, self.around = (frozenset(held[name].split()) for name in ("fillers", "people", "around"))
        self._money = "|".join(sorted(held["money"].split(), key=len, reverse=True))
        self._units = "|".join(sorted((re.escape(unit) for unit in held["units"].split()), key=len, reverse=True))

    @cached_property
    def money(self) -> re.Pattern[str]:
        """What tells that an amount is one of money."""
        return re.compile(rf"[$€£¥]|{self._money}")

    @cached_property
    def bounds(self) -> tuple[re.Pattern[str], ...]:
        """An amount between two, below one, above one, around one, and just one in a unit; in the groups the amounts."""
        counted = r"(?!\s*(?:people|persons?|men|pieces?|pcs|ports?|speakers?|keys?|colou?rs?|stars?|seats?|人|口|个|只|位|孔|键|星|件))"
        unit = rf"(?:[ -]?(?:{self._money}|(?:{self._units})(?![a-z])|\"))?"
        amount = rf"((?:[$€£¥]\s?|usd\s?|eur\s?)?\d[\d,]*(?:\.\d+)?(?:k\b)?{unit}(?![\d.]){counted})"
        below = (
            r"\b(?:budget(?: is| of|:)?|under|below|less than|cheaper than|up to|at most|maximum(?: of)?|max\.? of|no more than"
            rf"|not more than|within|lighter than|smaller than|shorter than)\s*{amount}"
            rf"|(?:预算|不超过|低于|不到|少于|小于|最多|至多|不高于)\s*{amount}"
            rf"|{amount}\s*(?:or (?:less|under|below|cheaper)|max\b|tops\b|以下|以内|之内|之下|内(?!存)|不到)"
        )
        above = (
            r"\b(?:over|above|more than|at least|from|minimum(?: of)?|no less than|bigger than|larger than|longer than|heavier than"
            rf"|taller than)\s*{amount}|(?:高于|超过|大于|多于|至少|不低于|不少于)\s*{amount}"
            rf"|{amount}\s*(?:or (?:more|above|over|up|bigger|larger)|\+|以上|起(?!来)|往上)"
        )
        about = rf"\b(?:around|about|roughly|approx(?:imately)?)\s*{amount}|(?:大约|大概|差不多)\s*{amount}|{amount}\s*(?:左右|上下)"
        between = rf"\b(?:between|from)\s*{amount}\s*(?:and|to|-)\s*{amount}|{amount}\s*(?:到|至|-|~|–)\s*{amount}"
        exact = rf"(?<![\w.–-])(\d[\d,]*(?:\.\d+)?[ -]?(?:{self._units})(?![a-z\w]))"
        return tuple(map(re.compile, (between, below, above, about, exact)))


@lru_cache(maxsize=1)
def lists() -> Words:
    """The lists, read once."""
    return Words()


def wants(text: str) -> Wants:
    """Read a question."""
    plain = " ".join(normalise(text).lower().replace("’", "'").split())
    plain = _HAN_NUMBER.sub(lambda match: str(_counted(match[0])), plain)
    rest, limits = _limits(_IN_STOCK.sub(" ", _SOLD_OUT.sub(" ", plain)))
    rest, order = _order(rest)
    return Wants(
        rest,
        order,
        limits,
        asks=bool(lists().asks.search(plain)) or bool(_WHICH.search(plain) and (limits or order)),
        priced=bool(_PRICED.search(plain)),
        everything=bool(lists().everything.search(plain)),
        counted=bool(_COUNTED.search(plain)),
        in_stock=bool(_IN_STOCK.search(_SOLD_OUT.sub(" ", plain))),
        sold_out=bool(_SOLD_OUT.search(plain)),
        cheap=bool(_CHEAP.search(plain)),
        unread=bool(_LEFT.search(rest)),
    )


def _counted(written: str) -> int:
    """`两百五十` as 250, `一千五` as 1500."""
    total = part = digit = 0
    for character in written:
        if character not in _POWERS:
            digit = _DIGITS[character]
        elif character == "万":
            total, part, digit = (total + part + digit) * _POWERS[character], 0, 0
        else:
            part, digit = part + (digit or 1) * _POWERS[character], 0
    last = _POWERS.get(written[-2:-1], 1)
    return total + part + (digit * last // 10 if last > 10 and "零" not in written else digit)


def _limits(text: str) -> tuple[str, tuple[Limit, ...]]:
    """The bounds in a text, and the text without them; a new line where one stood, so that what it parted stays apart."""
    found: list[Limit] = []

    def taken(read: Callable[[list[str]], Limit | None]) -> Callable[[re.Match[str]], str]:
        def take(match: re.Match[str]) -> str:
            amounts = [group for group in match.groups() if group]
            if len(amounts) == 2 and not lists().money.search("".join(amounts)) and not _RANGE.search(match[0]):
                return match[0]  # "5-7 days", a model's name
            if limit := read(amounts):
                found.append(_apart(limit) if _STRICT.search(match[0]) and len(amounts) == 1 else limit)
            return " \n "

        return take

    readings = (
        lambda amounts: _limit(amounts[0], amounts[1]),
        lambda amounts: _limit(None, amounts[0]),
        lambda amounts: _limit(amounts[0], None),
        lambda amounts: _limit(amounts[0], amounts[0], _AROUND_SHARE),
        lambda amounts: _limit(amounts[0], amounts[0], _EXACT_SHARE),
    )
    for pattern, read in zip(lists().bounds, readings, strict=True):
        text = pattern.sub(taken(read), text)
    return text, tuple(found)


def _apart(limit: Limit) -> Limit:
    """The same bounds, themselves left out: "more than 8 GB"."""
    return Limit(limit.low * (1 + _A_HAIR), limit.high * (1 - _A_HAIR), limit.unit, limit.money)


def _limit(low: str | None, high: str | None, share: float = 0.0) -> Limit | None:
    least, most = (_amount(low) if low else None), (_amount(high) if high else None)
    unit = next((figure.unit for figure in (most, least) if figure and figure.unit), "")
    money = not unit or any(lists().money.search(amount) for amount in (low, high) if amount)
    if least is None and most is None:
        return None
    return Limit(least.value * (1 - share) if least else 0.0, most.value * (1 + share) if most else float("inf"), unit, money)


def _amount(written: str) -> Figure | None:
    """`$1.5k`, `300 元`, `16 gb`: money counts as a bare number."""
    money = lists().money.search(written)
    bare = lists().money.sub("", written) if money else written
    thousand = 1000.0 if re.search(r"\dk\b", bare) else 1.0
    figure = next(figures(re.sub(r"(?<=\d)k\b", "", bare)), None)
    return figure and Figure(figure.value * thousand, "" if money else figure.unit)


def _order(text: str) -> tuple[str, Order | None]:
    for pattern, order in lists().orders:
        if match := pattern.search(text):
            return f"{text[: match.start()]} \n {text[match.end() :]}", order
    return text, None
