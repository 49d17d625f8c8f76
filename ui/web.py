"""The web app: the API, health and metrics, and the customer's page, behind what every request passes."""

import dataclasses
import secrets
from typing import TYPE_CHECKING, cast

import anyio
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.responses import JSONResponse, Response

from ui.accounts import Accounts, Role
from ui.admin import mount_admin
from ui.api import create_api
from ui.customer import mount_customer
from ui.desk import mount_desk
from ui.guards import OwnSessions, SignedIn
from ui.identity import Visitors
from ui.internal import create_internal
from ui.lost import PlainPages
from ui.metrics import CountedRouter, Metrics
from ui.middleware import BodyCap, CustomerCookie, Outermost, TrustedHosts
from ui.oidc import Sso
from ui.owner import write_private
from ui.settings import Settings
from ui.shop import add_shop
from ui.signin import SingleSignOn, add_signin
from ui.widget import add_widget
from ui.workers import Workers

if TYPE_CHECKING:
    from bot.router import Router
    from ui.build import App

_READY_S = 5
PAGES: dict[str, Role] = {"/desk": "lead", "/admin": "admin"}
"""The staff's pages, and the role that each takes at least."""


def create_web(app: "App", token: str = "") -> FastAPI:
    """Everything the server answers to. token: opens the internal routes to the shell commands; empty keeps them shut."""
    metrics = Metrics()
    app = dataclasses.replace(app, router=cast("Router", CountedRouter(app.router, metrics)))
    workers = Workers()
    web = FastAPI(openapi_url=None)
    web.mount("/v1", create_api(app, workers))
    web.mount("/api", create_internal(app, Workers(8, 32), token))  # so that a lead's command never stands in line behind customers

    @web.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "up"}

    @web.get("/readyz")
    async def readyz() -> JSONResponse:
        reasons = [f"no answer within {_READY_S} s: the database or the index hangs"]
        with anyio.move_on_after(_READY_S):
            reasons = await anyio.to_thread.run_sync(_unready, app, abandon_on_cancel=True)
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    @web.get("/metrics")
    async def measured() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    add_shop(web, app)
    add_widget(web, app, Visitors(_secret(app.settings)))
    add_signin(web, app.engine, PAGES, secure=app.settings.secure_cookies, single=_single(app.settings))
    mount_desk(web, app)
    mount_admin(web, app)
    mount_customer(web, app, path="/")
    guard(web, app.settings, app.engine)
    return web


def guard(web: FastAPI, settings: Settings, engine: Engine) -> None:
    """Put what every request passes around `web`; the last one added is the outermost."""
    web.add_middleware(OwnSessions)
    web.add_middleware(SignedIn, accounts=Accounts(engine), pages=PAGES)
    web.add_middleware(CustomerCookie, secret=_secret(settings), secure=settings.secure_cookies)
    web.add_middleware(BodyCap)
    web.add_middleware(TrustedHosts, hosts=[*settings.trusted_hosts, settings.host, "127.0.0.1"])
    web.add_middleware(PlainPages, pages=PAGES)
    web.add_middleware(Outermost, frames=settings.widget_origins)


def _unready(app: "App") -> list[str]:
    reasons = []
    try:
        with app.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception as error:  # noqa: BLE001  (whatever it is, the database is not ready)
        reasons.append(f"database: {type(error).__name__}")
    try:
        if wrong := app.index.ready():
            reasons.append(f"index: {wrong}")
    except Exception as error:  # noqa: BLE001
        reasons.append(f"index: {type(error).__name__}")
    return reasons


def _single(settings: Settings) -> SingleSignOn | None:
    return SingleSignOn(Sso(settings), _secret(settings), settings.public_url) if settings.oidc_issuer and settings.oidc_client_id else None


def _secret(settings: Settings) -> str:
    """What signs the cookies: the setting, else one made once and kept in the data folder."""
    if secret := settings.secret.get_secret_value():
        return secret
    path = settings.data_dir / "secret"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8")
