"""`/v1`: the whole bot as one model that any OpenAI client can call. `/v1/models` lists it, and each backend as a model of its own."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

import structlog
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from bot.errors import BotError
from bot.messages import Answer, Delta, Message
from bot.messages import Request as Turn
from ui.shapes import answer_json
from ui.workers import Busy, Gone, Workers, while_connected

if TYPE_CHECKING:
    from ui.build import App

MODEL = "answerdesk"
_ROLES: dict[str, Literal["customer", "bot"]] = {"user": "customer", "assistant": "bot"}
_log = structlog.get_logger("api")


class ApiError(Exception):
    """An error as OpenAI clients read it."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code

    @property
    def body(self) -> dict[str, Any]:
        kind = "server_error" if self.status >= 500 else "rate_limit_error" if self.status == 429 else "invalid_request_error"
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


class _Part(BaseModel):
    type: str
    text: str | None = None


class _ChatMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[_Part] | None = None


class _StreamOptions(BaseModel):
    include_usage: StrictBool | None = None


class _ChatRequest(BaseModel):
    """What is read of a chat request; the rest (temperature, tools ...) is the bot's own business and is ignored."""

    model_config = ConfigDict(strict=True)

    model: str
    messages: list[_ChatMessage] = Field(min_length=1)
    stream: StrictBool | None = None
    stream_options: _StreamOptions | None = None
    n: StrictInt | None = None
    user: str | None = Field(None, max_length=256)


@dataclass(frozen=True, slots=True)
class _Chat:
    """A request as it was understood."""

    turn: Turn
    model: str
    stream: bool
    usage: bool


def create_api(app: "App", workers: Workers) -> FastAPI:
    """The routes of `/v1`, to be mounted there."""
    api = FastAPI(openapi_url=None)
    api.add_exception_handler(ApiError, _error)
    api.add_exception_handler(HTTPException, _http_error)
    api.add_exception_handler(Exception, _unforeseen)

    @api.get("/models")
    async def models(request: Request) -> dict[str, Any]:
        await _authorised(app, request)
        names = [MODEL, *(name for name in app.backends if name != MODEL)]
        return {"object": "list", "data": [_model(name) for name in names]}

    @api.get("/models/{name:path}")
    async def model(request: Request, name: str) -> dict[str, Any]:
        await _authorised(app, request)
        _known(app, name)
        return _model(name)

    @api.post("/chat/completions")
    async def complete(request: Request) -> Response:
        await _authorised(app, request)
        chat = _read(app, await request.body())
        try:
            return await _reply(request, chat, _Envelope(chat.model), workers.events(_work(app, chat.turn)))
        except BotError as error:
            raise ApiError(400, str(error)) from error
        except Busy as error:
            raise ApiError(503, str(error)) from error
        except Gone:
            return Response(status_code=499)

    return api


def _work(app: "App", turn: Turn) -> Callable[[Callable[[Delta | Answer], None], Event], None]:
    def work(emit: Callable[[Delta | Answer], None], cancel: Event) -> None:
        with closing(app.router.turn(turn, cancel)) as events:  # type: ignore[type-var]
            for event in events:
                emit(event)

    return work


async def _authorised(app: "App", request: Request) -> None:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    name = await run_in_threadpool(app.store.check_key, secret.strip()) if scheme.lower() == "bearer" and secret.strip() else None
    if name is None:
        raise ApiError(
            401,
            "No valid API key was sent. Send `Authorization: Bearer KEY` with a key from `answerdesk keys add NAME`.",
            code="invalid_api_key",
        )


def _known(app: "App", model: str) -> None:
    if model != MODEL and model not in app.backends:
        known = ", ".join([MODEL, *app.backends])
        raise ApiError(404, f"The model {model!r} does not exist; there are: {known}.", param="model", code="model_not_found")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "answerdesk"}


def _read(app: "App", body: bytes) -> _Chat:
    """The request as a turn: the last user message, with what stood before it as its history."""
    try:
        asked = _ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ApiError(400, f"{where or 'The body'}: {first['msg']}.", param=where or None) from None
    _known(app, asked.model)
    if asked.n not in {None, 1}:
        raise ApiError(400, f"n is {asked.n}; allowed: 1. Send the request again for another reply.", param="n")
    said = [
        Message(_ROLES[message.role], _text(message.content, f"messages.{number}.content"))
        for number, message in enumerate(asked.messages)
        if message.role in _ROLES
    ]
    last = max((number for number, message in enumerate(said) if message.role == "customer"), default=None)
    if last is None:
        raise ApiError(400, "messages has no message with role user; the last one of those is what is answered.", param="messages")
    history = tuple(message for message in said[:last] if message.text.strip())
    backend = None if asked.model == MODEL else asked.model
    turn = Turn(said[last].text, customer=asked.user or None, backend=backend, history=history)
    return _Chat(turn, asked.model, bool(asked.stream), bool(asked.stream_options and asked.stream_options.include_usage))


def _text(content: str | list[_Part] | None, where: str) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    for number, part in enumerate(content):
        if part.type not in {"text", "input_text"} or part.text is None:
            raise ApiError(400, f"{where}.{number} is of type {part.type!r}; allowed: text parts with a text.", param=where)
    return "\n".join(part.text or "" for part in content)


async def _reply(request: Request, chat: _Chat, envelope: "_Envelope", events: AsyncIterator[Delta | Answer]) -> Response:
    if not chat.stream:
        return JSONResponse(envelope.whole(await while_connected(request, _answer(events))))
    first = await while_connected(request, anext(events))  # what is wrong with the request shows here, while a status can still say so
    return StreamingResponse(
        _lines(first, events, envelope, usage=chat.usage), media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
    )


async def _answer(events: AsyncIterator[Delta | Answer]) -> Answer:
    async for event in events:
        if isinstance(event, Answer):
            return event
    raise RuntimeError("the turn ended without an answer")


async def _lines(first: Delta | Answer, events: AsyncIterator[Delta | Answer], envelope: "_Envelope", *, usage: bool) -> AsyncIterator[str]:
    """The reply as server-sent events."""

    def line(chunk: dict[str, Any]) -> str:
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"

    nothing: dict[str, Any] = {"usage": None} if usage else {}
    yield line(envelope.chunk({"role": "assistant", "content": ""}) | nothing)
    event: Delta | Answer | None = first
    try:
        while isinstance(event, Delta):
            yield line(envelope.chunk({"content": event.text}) | nothing)
            event = await anext(events, None)
        if event is None:
            raise RuntimeError("the turn ended without an answer")  # noqa: TRY301
    except Exception:  # noqa: BLE001  (the status has been sent: what is left is to say so in the stream)
        _log.exception("turn failed")
        yield line(ApiError(500, "The reply broke off. It has been logged; try again.").body)
        return
    extra = {MODEL: answer_json(event)}
    yield line(envelope.chunk({}, "stop") | nothing | extra)
    if usage:
        yield line(envelope.chunk(None) | {"usage": _usage(event)} | extra)
    yield "data: [DONE]\n\n"


class _Envelope:
    """The fields that are the same in every piece of one completion."""

    def __init__(self, model: str) -> None:
        self._head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}

    def whole(self, answer: Answer) -> dict[str, Any]:
        message = {"role": "assistant", "content": answer.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": _usage(answer), MODEL: answer_json(answer)}

    def chunk(self, delta: dict[str, Any] | None, finish: str | None = None) -> dict[str, Any]:
        """A piece of the stream; without `delta` the one that carries only the usage."""
        choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        return {**self._head, "object": "chat.completion.chunk", "choices": choices}


def _usage(answer: Answer) -> dict[str, int]:
    prompt, completion = answer.tokens.prompt, answer.tokens.completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


async def _error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101  (registered for nothing else)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}.get(error.status)
    return JSONResponse(error.body, error.status, headers)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for nothing else)
    return JSONResponse(ApiError(error.status_code, str(error.detail)).body, error.status_code, error.headers)


async def _unforeseen(_: Request, __: Exception) -> JSONResponse:
    """The exception goes on to the log; the client gets none of it."""
    return JSONResponse(ApiError(500, "The request could not be done. It has been logged; try again.").body, 500)
