"""`/api/internal`: the shell commands' way into the running server. Guarded by a token that only the data folder's user can read."""

import hmac
import json
from collections.abc import AsyncIterator, Callable
from threading import Event
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ui.errors import failure
from ui.operations import OPERATIONS
from ui.workers import Workers

if TYPE_CHECKING:
    from ui.build import App

_log = structlog.get_logger("internal")


class _Stopped(Exception):
    """The command that asked has ended."""


def create_internal(app: "App", workers: Workers, token: str) -> FastAPI:
    """The routes, to be mounted at `/api`. Without a token they admit nobody."""
    api = FastAPI(openapi_url=None)

    @api.post("/internal/{name}")
    async def operate(request: Request, name: str) -> Response:
        sent = request.headers.get("authorization", "")
        if not token or not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            return _refused(401, "This address is for the shell commands of the user who runs the server.")
        if name not in OPERATIONS:
            return _refused(404, f"There is no operation {name!r} in this server; it may be another version: restart it.")
        try:
            args = json.loads(await request.body())
        except ValueError:
            args = None
        if not isinstance(args, dict):
            return _refused(400, "The body must be a JSON object.")
        return StreamingResponse(_lines(workers.events(_work(app, name, args))), media_type="application/x-ndjson")

    @api.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def nothing(rest: str) -> Response:
        return _refused(404, f"There is no /api/{rest}.")

    return api


def _work(app: "App", name: str, args: dict[str, Any]) -> Callable[[Callable[[dict[str, Any]], None], Event], None]:
    def work(put: Callable[[dict[str, Any]], None], cancel: Event) -> None:
        def emit(event: dict[str, Any]) -> None:
            if cancel.is_set():
                raise _Stopped
            put(event)

        put({"result": OPERATIONS[name](app, emit, **args)})

    return work


async def _lines(events: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    """Each event as a line of JSON; the last is a result or an error."""
    try:
        async for event in events:
            yield json.dumps(event, ensure_ascii=False) + "\n"
    except Exception as error:  # noqa: BLE001  (told to the command, which is the one that acts on it)
        known = failure(error)
        if str(known).startswith("Unexpected "):
            _log.error("operation failed", exc_info=error)
        yield json.dumps({"error": str(known), "code": known.code}, ensure_ascii=False) + "\n"


def _refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "type": "invalid_request_error"}}, status)
