"""A page for people where a program would be told of an error: an address that there is none of, or one that is not theirs."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.accounts import Role, User
from ui.middleware import PROGRAMS

_KINDS = {403: "closed", 404: "lost"}


class PlainPages:
    """Shows what a browser was refused as a page with a way on. Whoever does not ask for HTML gets the answer as it is."""

    def __init__(self, app: ASGIApp, pages: Mapping[str, Role]) -> None:
        """pages: the staff's, and the role that each takes."""
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _by_a_person(scope):
            await self._app(scope, receive, send)
            return
        replaced = False

        async def answer(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] in _KINDS:
                replaced = "json" in Headers(raw=message["headers"]).get("content-type", "")
                if replaced:
                    await self._instead(Request(scope), message["status"])(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, answer)

    def _instead(self, request: Request, status: int) -> Response:
        from ui.signin import links, page, words_of  # which knows Gradio by its theme

        words, kind = words_of(request), _KINDS[status]
        user = scope_user(request)
        ways = [("/", words["to_chat"]), *(links(user, self._pages, words) if user else []), ("/login", words[f"{kind}_login"])]
        return page(request, words[f"{kind}_title"], words[f"{kind}_text"], ways, status)


def scope_user(request: Request) -> User | None:
    """Who is signed in, as `ui.guards.SignedIn` found it on one of the staff's pages."""
    user = request.scope.get("state", {}).get("user")
    return user if isinstance(user, User) else None


def _by_a_person(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or scope["path"].startswith(PROGRAMS):
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")
