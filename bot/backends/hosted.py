"""Any LangChain chat model as a backend: an OpenAI-compatible server by its URL, or a provider by its name.

The model's asynchronous stream runs on one background event loop, for one reason: there a cancelled reply closes its HTTP
connection at once, also while the server is silent, which a blocking read in a thread cannot.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import aclosing, closing
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from bot.backends.base import Options
from bot.backends.reasoning import without_reasoning
from bot.backends.tokens import TokenCount
from bot.backends.vendor import translate
from bot.errors import BackendError, BackendRejected, BadReply
from bot.messages import Message, Prompt

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

POLL_S = 0.05  # how soon a cancelled reply is noticed while the server is silent
CONNECT_S = 2.0  # a server that is down must not hold up the customer


class HostedBackend:
    """Answers with the chat model that `open_model` makes at the first question (importing a vendor's client takes seconds).

    window: prompt and reply together, in tokens. key: what must never be seen in an error, beside the model's own secrets.
    tokenizer: the model's, by folder or name, see `TokenCount`.
    """

    def __init__(self, name: str, open_model: Callable[[], BaseChatModel], window: int, key: str = "", tokenizer: str = "") -> None:
        self.name = name
        self.kind = "hosted"
        self.window = window
        self.adapter: str | None = None
        self._open_model = open_model
        self._model: BaseChatModel | None = None
        self._lock = Lock()
        self._secrets = {key} - {""}
        self._count = TokenCount(tokenizer)

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        """The reply without reasoning. Raises `BackendError` only; an empty reply is a `BadReply`."""
        cancel = options.cancel or Event()
        ends: list[str] = []
        said = False
        with closing(self._raw(prompt, options, cancel, ends)) as raw:
            for piece in without_reasoning(raw, self.name, expected=prompt.reasoned):
                said = True
                yield piece
        if not said and not cancel.is_set():
            cut = "; its reasoning used up max_tokens, allow more" if ends[-1:] == ["length"] else ""
            raise BadReply(f"{self.name}: the reply is empty, expected text{cut}")

    def count(self, text: str) -> int:
        """Tokens of a text: exact by the model's tokenizer where that was named and is open, else an upper estimate."""
        return self._count(text)

    def _raw(self, prompt: Prompt, options: Options, cancel: Event, ends: list[str]) -> Generator[str]:
        """The text as the model sends it; its finish reason, where it gives one, goes to `ends`."""
        if cancel.is_set():
            return
        model = _tuned(self._opened(), options)
        pieces: SimpleQueue[str | BackendError | None] = SimpleQueue()
        reply = self._pump(model, _messages(prompt.messages), pieces, ends)
        job = asyncio.run_coroutine_threadsafe(reply, _event_loop())
        try:
            while not cancel.is_set():
                try:
                    piece = pieces.get(timeout=POLL_S)
                except Empty:
                    continue
                if isinstance(piece, BackendError):
                    raise piece
                if piece is None:
                    return
                yield piece
        finally:
            job.cancel()

    async def _pump(
        self, model: BaseChatModel, messages: list[BaseMessage], pieces: SimpleQueue[str | BackendError | None], ends: list[str]
    ) -> None:
        end: BackendError | None = None
        try:
            async with aclosing(cast("Any", model.astream(messages))) as chunks:
                async for chunk in chunks:
                    if reason := chunk.response_metadata.get("finish_reason"):
                        ends.append(str(reason))
                    if text := str(chunk.text):  # of content blocks, the text ones: no reasoning, no tool calls
                        pieces.put(text)
        except Exception as error:  # noqa: BLE001  (every vendor has its own errors; `translate` knows them)
            end = translate(error, self.name, self._secrets)
        pieces.put(end)

    def _opened(self) -> BaseChatModel:
        with self._lock:
            if self._model is None:
                try:
                    self._model = self._open_model()
                except Exception as error:  # noqa: BLE001  (a missing package, a missing key, an unknown provider ...)
                    raise translate(error, self.name, self._secrets, opening=True) from None
                self._secrets |= _secrets(self._model)
            return self._model


def open_hosted(
    url: str,
    model: str,
    key: str = "",
    window: int = 8192,
    *,
    tokenizer: str = "",
    name: str = "hosted",
    connect_s: float = CONNECT_S,
    read_s: float = 60,
) -> HostedBackend:
    """A backend for `model` on the OpenAI-compatible server at `url`, or, without a URL, for a LangChain `provider:model`.

    connect_s and read_s: seconds until a connection stands, and that it may be silent; the ladder's own limits are tighter.
    Nothing is imported or connected before the first question. Raises `BackendRejected` when an argument cannot be right.
    """
    key = key.strip()
    if not model.strip():
        raise BackendRejected(f"{name}: no model is named; set hosted_model, e.g. to a name that the server lists under /models")
    if not (key.isascii() and key.isprintable()):
        raise BackendRejected(f"{name}: the API key holds characters that no HTTP header may carry; copy it again, without line breaks")
    if not url:
        return HostedBackend(name, lambda: _provider_model(model, key, read_s), window, key, tokenizer)
    url = check_url(url)
    return HostedBackend(name, lambda: _server_model(url, model, key, connect_s, read_s), window, key, tokenizer)


def check_url(url: str) -> str:
    """`url`, tidied. Raises `BackendRejected` unless it is http(s)://host[:port][/path]."""
    url = url.strip()
    if re.search(r"//[^/]*@", url):  # not repeated in the message
        raise BackendRejected("the model server's URL holds a user name or password; give the key as hosted_key instead")
    try:
        parts = urlsplit(url)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number or too high, half an IPv6 address
        right = False
    if not right or re.search(r"[\s?#]", url):
        raise BackendRejected(
            f"the model server's URL is {url[:200]!r}; it must be http(s)://host[:port]/path, e.g. http://127.0.0.1:11434/v1"
        )
    return url.rstrip("/")


def _server_model(url: str, model: str, key: str, connect_s: float, read_s: float) -> BaseChatModel:
    from langchain_openai import ChatOpenAI
    from langchain_openai.chat_models.base import BaseChatOpenAI
    from openai import Timeout
    from pydantic import SecretStr

    # The two differ in how they spell max_tokens: OpenAI's newer models take max_completion_tokens only, most other servers max_tokens.
    host = urlsplit(url).hostname or ""
    kind = ChatOpenAI if host == "api.openai.com" or host.endswith(".openai.azure.com") else BaseChatOpenAI
    return cast(
        "BaseChatModel",
        kind(
            model=model,
            base_url=url,
            api_key=SecretStr(key or "none"),  # never empty: the client would send the environment's OPENAI_API_KEY to this server
            timeout=Timeout(read_s, connect=connect_s),
            max_retries=0,  # the ladder is the only retry loop
            stream_usage=False,  # some servers refuse the option
            use_responses_api=False,
            **_sampling(model),
        ),
    )


def _provider_model(model: str, key: str, read_s: float) -> BaseChatModel:
    from langchain.chat_models import init_chat_model
    from pydantic import SecretStr

    settings: dict[str, Any] = {"timeout": read_s, "max_retries": 0, **_sampling(model)}
    if key:
        settings["api_key"] = SecretStr(key)
    return cast("BaseChatModel", init_chat_model(model, **settings))


def _sampling(model: str) -> dict[str, float]:
    """A first temperature, which the model's class drops where it knows better; OpenAI's o-series refuses any."""
    return {} if re.search(r"(^|[:/])o\d", model) else {"temperature": 0.0}


def _tuned(model: BaseChatModel, options: Options) -> BaseChatModel:
    """A copy (of the settings, not the connections) for this one reply, with whatever of the options the model has a field for."""
    fields = type(model).model_fields
    update: dict[str, float] = {
        field: options.max_tokens for field in ("max_tokens", "max_output_tokens", "num_predict") if field in fields
    }
    if getattr(model, "temperature", None) is not None:
        update["temperature"] = options.temperature
    return model.model_copy(update=update)


def _messages(lines: tuple[Message, ...]) -> list[BaseMessage]:
    """As the model's roles. Runs of one role are joined, since many chat templates refuse them; `action` lines are not said by anyone."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, merge_message_runs

    roles: dict[str, type[BaseMessage]] = {"customer": HumanMessage, "bot": AIMessage, "agent": AIMessage, "system": SystemMessage}
    return merge_message_runs([roles[line.role](content=line.text) for line in lines if line.role in roles])


def _secrets(model: BaseChatModel) -> set[str]:
    from pydantic import SecretStr

    return {value.get_secret_value() for value in vars(model).values() if isinstance(value, SecretStr)} - {"", "none"}


_LOOP_LOCK = Lock()
_LOOPS: list[asyncio.AbstractEventLoop] = []  # none or one


def _event_loop() -> asyncio.AbstractEventLoop:
    """The one background loop, started when first needed: vendors share connections between models, and those belong to a loop."""
    with _LOOP_LOCK:
        if not _LOOPS:
            _LOOPS.append(asyncio.new_event_loop())
            Thread(target=_LOOPS[0].run_forever, name="hosted-models", daemon=True).start()
        return _LOOPS[0]
