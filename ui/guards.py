"""Who may reach which page. Plain ASGI, outside Gradio, which leaves some of its addresses open to everybody.

Inside, each handler checks the role again (`ui.roles`): none of the three layers relies on the others.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, urlsplit

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.accounts import RANK, Accounts, Role, User

SESSION_COOKIE = "answerdesk_session"
_GRADIO = "/gradio_api/"
_MOST_SESSIONS = 20_000


class SignedIn:
    """Puts who is signed in into `scope["state"]["user"]` (a `User` or None), and keeps everyone off the pages that are not theirs."""

    def __init__(self, app: ASGIApp, accounts: Accounts, pages: Mapping[str, Role]) -> None:
        """pages: path -> the role that it takes at least; all below a path belongs to it."""
        self._app = app
        self._accounts = accounts
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = next((page for page in self._pages if _below(scope["path"], page)), None) if scope["type"] == "http" else None
        if page is None and not (scope["type"] == "http" and _below(scope["path"], "/login")):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        token = session_token(headers)
        user = await anyio.to_thread.run_sync(self._accounts.who, token) if token else None
        state = scope.setdefault("state", {})
        state["user"], state["session"] = user, token
        refused = _refusal(scope, headers, user, self._pages[page]) if page else None
        await (refused or self._app)(scope, receive, send)


def _refusal(scope: Scope, headers: Headers, user: User | None, role: Role) -> Response | None:
    if user is None or user.must_change:
        if scope["method"] in {"GET", "HEAD"} and "text/html" in headers.get("accept", ""):
            query = scope["query_string"].decode("latin-1")
            return RedirectResponse(f"/login?next={quote(scope['path'] + (f'?{query}' if query else ''), safe='')}", 303)
        return JSONResponse({"detail": "Sign in at /login."}, 401)
    if RANK[user.role] < RANK[role]:
        return JSONResponse({"detail": f"This page is for the role {role}; you are {user.role}."}, 403)
    if not same_origin(scope, headers):
        return JSONResponse({"detail": "The request comes from another site."}, 403)
    return None


def same_origin(scope: Scope, headers: Headers) -> bool:
    """Whether a request that may change something was sent by one of our own pages, as far as the browser says."""
    origin = headers.get("origin")
    return scope["method"] in {"GET", "HEAD"} or origin is None or urlsplit(origin).netloc == headers.get("host", "")


def session_token(headers: Headers) -> str:
    """The session's token that the browser sent, empty where there is none."""
    for line in headers.getlist("cookie"):
        try:
            if cookie := SimpleCookie(line).get(SESSION_COOKIE):
                return cookie.value[:200]
        except CookieError:
            continue
    return ""


class OwnSessions:
    """Gradio's sessions belong to whoever names them first: their events are neither read nor cancelled by anybody else.

    Gradio itself asks for no login at `cancel` and `heartbeat`, and binds no session to a person.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._owners: OrderedDict[str, str] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _GRADIO not in scope["path"]:
            await self._app(scope, receive, send)
            return
        named = _from_address(scope)
        if scope["method"] == "POST" and "json" in Headers(scope=scope).get("content-type", ""):
            body = await _whole(receive)
            named += _from_body(body)
            receive = _again(body, receive)
        state = scope.get("state", {})
        owner = f"user:{state['user'].name}" if state.get("user") else f"customer:{state.get('customer', '')}"
        if all(self._owners.setdefault(session, owner) == owner for session in named):
            while len(self._owners) > _MOST_SESSIONS:
                self._owners.popitem(last=False)
            await self._app(scope, receive, send)
            return
        await JSONResponse({"detail": "This session is somebody else's."}, 403)(scope, receive, send)


def _below(path: str, page: str) -> bool:
    return path == page or path.startswith(f"{page}/")


def _from_address(scope: Scope) -> list[str]:
    found = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [])
    rest = scope["path"].partition(_GRADIO)[2].split("/")
    return [*found, rest[1]] if len(rest) > 1 and rest[0] in {"heartbeat", "stream"} else found


def _from_body(body: bytes) -> list[str]:
    try:
        sent = json.loads(body)
    except ValueError:
        return []
    session = sent.get("session_hash") if isinstance(sent, dict) else None
    return [session] if isinstance(session, str) else []


async def _whole(receive: Receive) -> bytes:
    """The body, which an outer middleware has capped."""
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(pieces)


def _again(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
