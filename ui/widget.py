"""`/widget.js` for the shop's pages, and `/widget/visit`, where it learns who the visitor is.

The chat itself is the customer's page in a frame.

Across sites there are no cookies. The launcher keeps an anonymous visitor's signed token in its own site's storage and hands it, or that of
a customer whom the shop has signed in, to the frame, which sends it with every request.
"""

import uuid
from dataclasses import asdict
from typing import Protocol

import structlog
from fastapi import FastAPI
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from bot.adopt import adopt
from bot.own import PERSON
from bot.store import Store
from ui import audit
from ui.guards import same_origin
from ui.identity import IdentityRefused, Visitors, shop_customer
from ui.languages import LANGUAGES, PageLanguage, language_of, page_texts
from ui.settings import Settings
from ui.theme import static

_log = structlog.get_logger("widget")
_SCRIPT_S = 600  # how long browsers may keep the launcher


class WidgetApp(Protocol):
    """What the widget needs of the product: `ui.build.App`."""

    @property
    def settings(self) -> Settings: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def store(self) -> Store: ...


class _Asked(BaseModel):
    """visitor: the token that the launcher kept. token: the shop's, where it has signed its customer in."""

    visitor: str = Field("", max_length=2000)
    token: str = Field("", max_length=4000)
    language: str = Field("", max_length=20)


def add_widget(web: FastAPI, app: WidgetApp, visitors: Visitors) -> None:
    """The routes."""
    origins = frozenset(app.settings.widget_origins)
    script = f"(() => {{\n{static('accent.js')}{static('widget.js')}}})();\n"

    @web.get("/widget.js")
    async def launcher() -> Response:
        return Response(script, media_type="text/javascript", headers={"Cache-Control": f"public, max-age={_SCRIPT_S}"})

    @web.post("/widget/visit")
    async def visit(request: Request) -> Response:
        origin = request.headers.get("origin", "")
        if origin not in origins and not _own(request.scope, request.headers):
            _log.warning("a page of an unlisted site asked for the chat; add it to ANSWERDESK_WIDGET_ORIGINS", origin=origin[:200])
            return JSONResponse({"detail": "This site is not listed."}, 403)
        allowed = {"Access-Control-Allow-Origin": origin, "Vary": "Origin", "Cache-Control": "no-store"}
        try:
            asked = _Asked.model_validate_json(await request.body())
        except ValidationError:
            return JSONResponse({"detail": "Allowed: a JSON object with visitor, token and language, each a text."}, 422, allowed)
        language = _language(asked.language, request.headers)
        return JSONResponse(await run_in_threadpool(_visit, app, visitors, asked, language), headers=allowed)


def _own(scope: Scope, headers: Headers) -> bool:
    """Whether a page of our own asks, such as the sample shop."""
    return "origin" in headers and same_origin(scope, headers)


def _language(wished: str, headers: Headers) -> PageLanguage:
    return next((code for code in LANGUAGES if wished.lower().startswith(code)), language_of({}, headers.get("accept-language", "")))


def _visit(app: WidgetApp, visitors: Visitors, asked: _Asked, language: PageLanguage) -> dict[str, object]:
    """Who the visitor is, and what the launcher shows: its texts, and whether there is something new."""
    customer, anonymous = _signed_in(app, asked.token), False
    known = visitors.customer(asked.visitor, anonymous=True)
    if customer is None:
        customer, anonymous = known or uuid.uuid4().hex, True
    elif known:
        _take_along(app, known, customer)
    conversation = app.store.latest(customer) or ""
    lines, stands = app.store.transcript_and_standing(conversation, customer) if conversation else ((), None)
    return {
        "visitor": visitors.token(customer, anonymous=anonymous),
        "anonymous": anonymous,
        "language": language,
        "words": _words(language, app.settings.shop_name),
        "conversation": conversation,
        "replies": sum(line.role != "customer" for line in lines),
        "live": stands is not None and stands.state in PERSON,
    }


def _words(language: PageLanguage, shop: str) -> dict[str, str]:
    """What the launcher says. shop: its name, empty where it has none."""
    words = dict(page_texts("widget", language))
    plain = {name.removesuffix("_plain"): words.pop(name) for name in list(words) if name.endswith("_plain")}
    return {name: (text if shop else plain.get(name, text)).replace("{shop}", shop) for name, text in words.items()}


def _take_along(app: WidgetApp, visitor: str, customer: str) -> None:
    """What somebody said before they signed in is theirs: the request has the visitor's token, signed by us, and the shop's word."""
    taken = adopt(app.engine, visitor, customer)
    if taken.conversations:
        counts = ", ".join(f"{count} {name}" for name, count in asdict(taken).items() if count)
        audit.record(app.engine, "shop", "customers.adopt", customer, f"{counts} of the visitor {visitor}")


def _signed_in(app: WidgetApp, token: str) -> str | None:
    """The customer whom the shop has signed in; None, with the reason in the log, where its token is not taken."""
    if not token:
        return None
    try:
        return shop_customer(token, app.settings.identity_secret.get_secret_value())
    except IdentityRefused as refused:
        _log.warning("the shop's identity token is not taken, so the visitor stays anonymous", reason=str(refused))
        return None
