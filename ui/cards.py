"""Product cards: what of a shop's catalogue an answer cites, with its name, price and a picture drawn for its kind."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from knowledge.records import Record
from ui.languages import Texts

Kind = Literal[
    "phone", "laptop", "tablet", "audio", "watch", "screen", "keyboard", "power", "cable", "home", "drive", "router", "printer", "thing"
]
MOST = 3  # cards below one answer
_PRICES = ("price", "sale price", "unit price", "价格", "售价", "单价", "价钱")
_STOCK = ("availability", "stock", "供货", "库存")
_CATEGORIES = ("category", "type", "类别", "分类", "品类")
# The first kind of which a word is in the category or else the name.
_WORDS: tuple[tuple[Kind, str], ...] = (
    ("audio", r"audio|headphone|earbud|earphone|speaker|耳机|音箱|音频"),
    ("power", r"charger|power bank|充电|电源"),
    ("cable", r"cable|adapter|hub|线缆|数据线|转接|扩展"),
    ("tablet", r"tablet|平板"),
    ("watch", r"watch|wearable|band|手表|手环|穿戴"),
    ("screen", r"monitor|television|\btv\b|显示器|电视"),
    ("keyboard", r"keyboard|mice|mouse|键盘|鼠标|键鼠"),
    ("router", r"network|router|wi-?fi|网络|路由"),
    ("printer", r"printer|打印"),
    ("drive", r"storage|\bssd\b|drive|存储|硬盘"),
    ("home", r"smart home|camera|bulb|plug|vacuum|智能家居|摄像|灯泡|插座|扫地"),
    ("laptop", r"laptop|notebook|computer|笔记本电脑|笔记本|电脑"),
    ("phone", r"phone|手机"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A product as a card shows it. stock: whether it can be had, as the catalogue says it; empty where it does not."""

    name: str
    price: str
    kind: Kind
    stock: str = ""


def card_of(record: Record) -> Card | None:
    """The card of a row of a catalogue; None for a row that has no name or no price, such as one of a table of delivery times."""
    fields = {name.strip().casefold(): value for name, value in record.fields}
    price = _first(fields, _PRICES)
    if not record.name or not price:
        return None
    return Card(record.name, price, kind_of(_first(fields, _CATEGORIES), record.name), _first(fields, _STOCK))


def kind_of(category: str, name: str) -> Kind:
    """What is drawn for a product."""
    for text in (category, name):
        for kind, words in _WORDS:
            if re.search(words, text, re.IGNORECASE):
                return kind
    return "thing"


def cards_of(records: Iterable[Record]) -> list[Card]:
    """The cards of what an answer cites, in its order, each product once."""
    found = {card.name: card for record in records if (card := card_of(record))}
    return list(found.values())[:MOST]


def cards(found: Sequence[Card], words: Texts) -> str:
    """The cards as HTML, empty where there are none."""
    if not found:
        return ""
    rows = "".join(
        f'<li class="card">{picture(card.kind)}<div><strong>{escape(card.name)}</strong>'
        f'<p><span class="price">{escape(card.price)}</span>{f"<span>{escape(card.stock)}</span>" if card.stock else ""}</p></div></li>'
        for card in found
    )
    return f'<ul class="cards" aria-label="{escape(words.products)}">{rows}</ul>'


def picture(kind: Kind) -> str:
    """The drawing of a kind; `static/products.css` holds its lines."""
    return f'<span class="picture {kind}" aria-hidden="true"></span>'


def _first(fields: dict[str, str], names: Sequence[str]) -> str:
    return next((fields[name] for name in names if fields.get(name)), "")
