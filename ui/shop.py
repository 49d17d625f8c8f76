"""`/shop`: a page of the sample shop, made from its catalogue, that includes the widget as any shop's page would."""

import csv
import json
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Protocol

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from bot.store import Store
from ui.cards import kind_of, picture
from ui.languages import LANGUAGES, PageLanguage, language_of, page_texts
from ui.settings import SAMPLE_SHOP, Settings
from ui.theme import static

_COLUMNS = {"en": ("Name", "Category", "Price", "Description", "Availability"), "zh": ("名称", "类别", "价格", "简介", "供货")}
_CODES = {"en": "en", "zh": "zh-CN"}
_SYSTEM = (
    "((dark, look) => { look(dark); dark.addEventListener('change', () => look(dark)); })"
    "(matchMedia('(prefers-color-scheme: dark)'), (dark) => document.documentElement.classList.toggle('dark', dark.matches));"
)


class ShopApp(Protocol):
    """What the page needs of the product: `ui.build.App`."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> Store: ...


def add_shop(web: FastAPI, app: ShopApp) -> None:
    """The route. Where the sample shop was not loaded there is no such page: a shop has pages of its own."""

    @web.get("/shop")
    def shop(request: Request) -> Response:
        if not app.store.get_setting("sample"):
            return PlainTextResponse("The sample shop is not loaded; `answerdesk sample` loads it.", 404)
        wished = request.query_params.get("language", "")
        accept = request.headers.get("accept-language", "")
        language = next((code for code in LANGUAGES if code == wished), language_of(request.cookies, accept))
        theme = request.query_params.get("theme", "")
        chosen = theme if theme in ("light", "dark") else ""
        return HTMLResponse(page(language, app.settings.shop_name or SAMPLE_SHOP, chosen), headers={"Cache-Control": "no-store"})


@cache
def page(language: PageLanguage, shop: str, theme: str = "") -> str:
    """The whole page. theme: light or dark, empty is the system's."""
    words = page_texts("shop", language)
    rows = [tuple(row.get(column, "") for column in _COLUMNS[language]) for row in catalogue(language)]
    shelves = "".join(_shelf(category, list(products)) for category, products in groupby(rows, key=lambda row: row[1]))
    other: PageLanguage = "en" if language == "zh" else "zh"
    links = "".join(_link(language, words[kind], kind, f"to-{kind}") for kind in ("light", "dark")) + _link(other, words["other"], theme)
    system = "" if theme else f"<script>{_SYSTEM}</script>"
    looks = "".join(map(static, ("palette.css", "products.css", "shop.css")))
    widget = f'<script src="/widget.js" data-language="{language}" data-theme="{theme}" async></script>'
    return (
        f'<!doctype html><html lang="{_CODES[language]}"{" class=dark" * (theme == "dark")}><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(shop)}</title><style>{looks}</style>{system}{widget}</head>"
        f'<body><header><strong>{escape(shop)}</strong><nav aria-label="{escape(words["pages"])}">{links}</nav></header>'
        f"<main><h1>{escape(words['title'])}</h1><p>{escape(words['intro'])}</p>{shelves}</main>"
        f"<footer>{escape(words['footer'])}</footer></body></html>"
    )


def _link(language: PageLanguage, text: str, theme: str, kind: str = "") -> str:
    return f'<a class="{kind}" href="/shop?language={language}&amp;theme={theme}" lang="{_CODES[language]}">{escape(text)}</a>'


@cache
def catalogue(language: PageLanguage) -> tuple[Mapping[str, str], ...]:
    """The sample shop's products, by column."""
    folder = files("ui") / "sample_shop" / language
    if language == "zh":
        return tuple(json.loads((folder / "products.json").read_text(encoding="utf-8"))["products"])
    return tuple(csv.DictReader((folder / "products.csv").read_text(encoding="utf-8").splitlines()))


def _shelf(category: str, products: list[tuple[str, ...]]) -> str:
    rows = "".join(
        f"<li>{picture(kind_of(category, name))}<h3>{escape(name)}</h3><p>{escape(about)}</p>"
        f'<p class="buy"><b>{escape(price)}</b> <span>{escape(stock)}</span></p></li>'
        for name, _, price, about, stock in products
    )
    return f"<section><h2>{escape(category)}</h2><ul>{rows}</ul></section>"
