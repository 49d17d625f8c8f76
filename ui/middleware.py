"""What every request passes on its way in and out. Plain ASGI, so that streams flow and a client's leaving is felt inside."""

import time
import uuid
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import structlog
from itsdangerous import BadSignature, Signer
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.identity import VISITOR_HEADER, Visitors

_JSON_CAP, _UPLOAD_CAP = 200 * 1024, 12 * 1024 * 1024
PROGRAMS = ("/v1/", "/api/", "/widget/", "/healthz", "/readyz", "/metrics")
_COOKIE, _COOKIE_S = "answerdesk_customer", 365 * 24 * 3600
_log = structlog.get_logger("web")

# Gradio's pages carry their settings in inline scripts and styles, and make functions of a page's `js`. All else comes from this
# server: nothing is fetched from elsewhere or sent there.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
}


def error_response(scope: Scope, status: int, message: str) -> Response:
    """An error as the client reads it: JSON for programs, a line of text for pages."""
    if scope["path"].startswith(PROGRAMS):
        kind = "server_error" if status >= 500 else "invalid_request_error"
        return JSONResponse({"error": {"message": message, "type": kind}}, status)
    return PlainTextResponse(message, status)


class Outermost:
    """Logs each request, without its query string; adds the security headers; turns an escaped exception into a plain 500."""

    def __init__(self, app: ASGIApp, frames: Sequence[str] = ()) -> None:
        """frames: the sites that may show the widget's page inside their own."""
        self._app = app
        self._framed = {**_HEADERS, "Content-Security-Policy": " ".join((_POLICY, *frames))}  # `frame-ancestors` is the policy's end
        if frames:
            del self._framed["X-Frame-Options"]  # it knows no list

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        status = 0
        added = self._framed if framed(scope) else _HEADERS

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers[name] = value
            await send(message)

        try:
            await self._app(scope, receive, finish)
        except Exception:  # noqa: BLE001  (the last line before the client)
            _log.exception("request failed", **_request(scope))
            if not status:
                failed = error_response(scope, 500, "Something went wrong. It has been logged; try again.")
                await failed(scope, receive, finish)
        finally:
            quiet = scope["method"] in {"GET", "HEAD"} and 0 < status < 400
            took = round(1000 * (time.monotonic() - began), 1)
            (_log.debug if quiet else _log.info)("request", **_request(scope), status=status, ms=took)


def framed(scope: Scope) -> bool:
    """Whether it is the customer's page as the widget shows it."""
    return bool(scope["path"] == "/" and "widget" in parse_qs(scope["query_string"].decode("latin-1")))


def _request(scope: Scope) -> dict[str, Any]:
    return {"method": scope["method"], "path": scope.get("raw_path", b"").decode("ascii", "replace")}


class TrustedHosts:
    """Answers to the host names it knows only, so that no foreign page can point its own name at this server."""

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        self._app = app
        self._hosts = {host.lower().strip("[]") for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "*" in self._hosts or _host(scope) in self._hosts:
            await self._app(scope, receive, send)
            return
        message = "This host name is not served here. Add it to ANSWERDESK_TRUSTED_HOSTS if it is yours."
        await error_response(scope, 400, message)(scope, receive, send)


def _host(scope: Scope) -> str:
    """The Host header without its port, lower case, an IPv6 address without its brackets."""
    host = Headers(scope=scope).get("host", "").lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


class BodyCap:
    """Refuses bodies over 200 KB, or 12 MB where files are uploaded, by what they claim and by what really comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        upload = headers.get("content-type", "").startswith("multipart/form-data") or scope["path"].startswith("/api/internal/")
        cap = _UPLOAD_CAP if upload else _JSON_CAP
        refusal = error_response(scope, 413, f"The body is too large; allowed: {cap // 1024} KB.")
        claimed = headers.get("content-length", "0")
        if not claimed.isdigit() or int(claimed) > cap:
            await refusal(scope, receive, send)
            return
        seen = 0
        answered = refused = False

        async def counted() -> Message:
            nonlocal seen, refused
            message = await receive()
            seen += len(message.get("body", b""))
            if seen <= cap:
                return message
            if not answered and not refused:
                refused = True
                await refusal(scope, receive, send)
            return {"type": "http.disconnect"}

        async def unless_refused(message: Message) -> None:
            nonlocal answered
            if not refused:
                answered = True
                await send(message)

        try:
            await self._app(scope, counted, unless_refused)
        except Exception:
            if not refused:  # else it is only the application's surprise at the body's sudden end
                raise


class CustomerCookie:
    """Knows a visitor again and puts their id, a new one at first, into `scope["state"]["customer"]`.

    By a signed cookie; in the widget's frame, for which browsers keep none, by a signed token in a header, which wins.
    """

    def __init__(self, app: ASGIApp, secret: str, *, secure: bool) -> None:
        self._app = app
        self._signer = Signer(secret, salt="answerdesk.customer")
        self._visitors = Visitors(secret)
        self._attributes = f"Max-Age={_COOKIE_S}; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(PROGRAMS):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        token = headers.get(VISITOR_HEADER)
        known = self._customer(headers) if token is None else self._visitors.customer(token)
        if token is not None and known is None:
            await JSONResponse({"detail": "The visitor's token has run out; ask for a new one."}, 401)(scope, receive, send)
            return
        customer = known or uuid.uuid4().hex
        scope.setdefault("state", {})["customer"] = customer

        async def remember(message: Message) -> None:
            if message["type"] == "http.response.start" and not known and not framed(scope):
                said = MutableHeaders(scope=message)
                # Not on scripts and pictures: those may be cached and shared.
                if scope["method"] == "POST" or said.get("content-type", "").startswith("text/html"):
                    said.append("Set-Cookie", f"{_COOKIE}={self._signer.sign(customer).decode()}; {self._attributes}")
            await send(message)

        await self._app(scope, receive, remember)

    def _customer(self, headers: Headers) -> str | None:
        for line in headers.getlist("cookie"):
            try:
                cookie = SimpleCookie(line).get(_COOKIE)
                return self._signer.unsign(cookie.value).decode() if cookie else None
            except (CookieError, BadSignature, UnicodeError):
                continue
        return None
