"""The hosted backend, over a real OpenAI-compatible server that fails in every way such servers do."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Timer
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from bot.backends.base import Options
from bot.backends.hosted import HostedBackend, open_hosted
from bot.errors import (
    BackendError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    BadReply,
    ContextOverflow,
    RateLimited,
)
from bot.messages import Message, Prompt
from tests.stub_openai import Reply, Stub, free_port, stub_openai

KEY = "sk-very-secret-0123456789"
PROMPT = Prompt((Message("system", "Be brief."), Message("customer", "Hello")), "Hello", (), "en")


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stub_openai() as running:
        yield running


def ask(backend: HostedBackend, options: Options | None = None) -> str:
    return "".join(backend.stream(PROMPT, options or Options()))


def backend_of(stub: Stub, read_s: float = 5) -> HostedBackend:
    return open_hosted(stub.url, "stub-model", KEY, 4096, read_s=read_s)


# What is sent


def test_the_lines_options_and_key_are_sent(stub: Stub) -> None:
    lines = (
        Message("system", "Be brief."),
        Message("customer", "Hello"),
        Message("bot", "Hi."),
        Message("agent", "I am Ann."),
        Message("action", "refund 3"),
        Message("customer", "再见"),
    )
    list(backend_of(stub).stream(Prompt(lines, "再见", (), "zh"), Options(max_tokens=77, temperature=0.5)))
    body = stub.bodies[0]
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        ("system", "Be brief."),
        ("user", "Hello"),
        ("assistant", "Hi.\nI am Ann."),
        ("user", "再见"),
    ]
    assert (body["model"], body["max_tokens"], body["temperature"], body["stream"]) == ("stub-model", 77, 0.5, True)
    assert "stream_options" not in body
    assert stub.heads[0]["authorization"] == f"Bearer {KEY}"


def test_the_environments_key_is_not_sent_to_a_server_without_one(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    ask(open_hosted(stub.url, "stub-model"))
    assert KEY not in json.dumps(stub.heads)


def test_options_of_one_reply_do_not_leak_into_the_next(stub: Stub) -> None:
    backend = backend_of(stub)
    ask(backend, Options(max_tokens=5, temperature=1))
    ask(backend)
    assert [(body["max_tokens"], body["temperature"]) for body in stub.bodies] == [(5, 1), (512, 0)]


# What comes back


def test_chinese_arrives_whole_when_its_bytes_come_one_by_one(stub: Stub) -> None:
    stub.reply = Reply(("您可以在", "三十天内", "退货。😀"), cut=1)
    assert ask(backend_of(stub)) == "您可以在三十天内退货。😀"


@pytest.mark.filterwarnings("ignore:Pydantic serializer")
def test_reasoning_is_never_passed_on(stub: Stub) -> None:
    stub.reply = Reply(
        (
            {"reasoning_content": "secret thought"},
            {"reasoning": "secret thought"},
            "<think>secret ",
            "thought</thi",
            "nk>\n\nYou ",
            {"content": [{"type": "reasoning", "reasoning": "secret"}, {"type": "text", "text": "can."}]},
        )
    )
    assert ask(backend_of(stub)) == "You can."


class Blocks(BaseChatModel):
    """A model of another vendor, that can only stream in a blocking way, in content blocks."""

    contents: list[str | list[str | dict[str, Any]]]

    @property
    def _llm_type(self) -> str:
        return "blocks"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for content in self.contents:
            yield ChatGenerationChunk(message=AIMessageChunk(content=content))


def test_any_chat_model_will_do_and_only_its_text_blocks_are_passed_on() -> None:
    model = Blocks(
        contents=[
            [{"type": "thinking", "thinking": "secret"}],
            [{"type": "text", "text": "You "}],
            "can ",
            [{"type": "tool_use", "name": "x", "input": {}, "id": "1"}, {"type": "text", "text": "return it."}],
        ]
    )
    assert ask(HostedBackend("any", lambda: model, 100)) == "You can return it."


# Faults


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(status=400), BackendRejected, "refused.*400.*stub error"),
        (Reply(status=401), BackendRejected, "key was refused.*401.*hosted_key"),
        (Reply(status=403), BackendRejected, "key was refused.*403"),
        (Reply(status=404), BackendRejected, "404.*stub error.*hosted_model"),
        (Reply(status=422), BackendRejected, "422"),
        (Reply(status=408), BackendUnavailable, "408"),
        (Reply(status=429), RateLimited, "429"),
        (Reply(status=500), BackendUnavailable, "500.*stub error"),
        (Reply(status=502, error={}), BackendUnavailable, "502"),
        (Reply(status=503), BackendUnavailable, "503"),
        (Reply(status=503, headers=(("Retry-After", "1"),)), RateLimited, "503"),
        (Reply(status=400, error={"message": "too long", "code": "context_length_exceeded"}), ContextOverflow, "hosted_window"),
        (Reply(status=400, error={"message": "This model's maximum context length is 2048 tokens"}), ContextOverflow, "2048"),
        (Reply(status=500, error={"message": "the request exceeds the available context size"}), ContextOverflow, "window"),
        (Reply(pieces=()), BadReply, "empty"),
        (Reply(pieces=(" ", "\n")), BadReply, "empty"),
        (Reply(pieces=("<think>on and on",), finish="length"), BadReply, "empty.*allow more"),
        (Reply(raw=b""), BadReply, "not a chat reply"),
        (Reply(raw=b"<html>It works!</html>"), BadReply, "not a chat reply.*/v1"),
        (Reply(raw=b'{"choices": [{"message": {"content": "Hi"}}]}'), BadReply, "not a chat reply"),
        (Reply(raw=b"data: {oops\n\n"), BadReply, "invalid JSON"),
        (Reply(raw=b"data: \xff\xfe\n\n"), BadReply, "not a chat reply"),
        (Reply(raw=b'data: {"foo": 1}\n\n'), BadReply, "empty"),
        (Reply(raw=b"data: []\n\n"), BadReply, "not a chat reply"),
        (Reply(raw=b'data: {"choices": "no"}\n\n'), BadReply, "not a chat reply"),
        (Reply(raw=b'data: {"error": {"message": "overloaded"}}\n\n'), BackendUnavailable, "overloaded"),
        (Reply(raw=b'data: {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}\n\n'), RateLimited, "slow down"),
        (Reply(reset_after=0), BackendUnavailable, "broke"),
    ],
)
@pytest.mark.filterwarnings("ignore:Pydantic serializer")
def test_every_fault_becomes_one_of_our_errors_after_one_request(stub: Stub, reply: Reply, kind: type[BackendError], words: str) -> None:
    stub.reply = reply
    with pytest.raises(BackendError, match=f"(?s)^hosted: .*{words}") as caught:
        ask(backend_of(stub))
    assert type(caught.value) is kind
    assert str(caught.value).count("hosted: ") == 1
    assert len(stub.bodies) == 1  # the ladder is the only retry loop


def test_retry_after_is_read_in_seconds_and_as_a_date(stub: Stub) -> None:
    backend = backend_of(stub)
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    stub.queue = [Reply(status=429, headers=(("Retry-After", value),)) for value in ("2.5", in_a_minute)]
    waits = []
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            ask(backend)
        waits.append(caught.value.retry_after)
    assert waits == [2.5, pytest.approx(60, abs=5)]


def test_a_port_that_nobody_listens_on_is_told_at_once() -> None:
    backend = open_hosted(f"http://127.0.0.1:{free_port()}/v1", "stub-model")
    started = time.monotonic()
    with pytest.raises(BackendUnavailable, match=r"no connection.*hosted_url"):
        ask(backend)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(("pieces_before", "break_off"), [("", {"first_s": 9}), ("", {"stall_after": 0}), ("Hello", {"stall_after": 1})])
def test_a_silent_server_is_a_timeout_after_what_came(stub: Stub, pieces_before: str, break_off: dict[str, Any]) -> None:
    stub.reply = Reply(**break_off)
    got: list[str] = []
    with pytest.raises(BackendTimeout, match="silent"):
        _each(backend_of(stub, read_s=0.2), got)
    assert "".join(got) == pieces_before
    assert stub.closed.wait(2)


def test_a_connection_reset_half_way_is_told_after_what_came(stub: Stub) -> None:
    stub.reply = Reply(reset_after=2)
    got: list[str] = []
    with pytest.raises(BackendUnavailable, match="broke"):
        _each(backend_of(stub), got)
    assert "".join(got) == "Hello, "


def _each(backend: HostedBackend, got: list[str]) -> None:
    for piece in backend.stream(PROMPT, Options()):
        got.append(piece)  # noqa: PERF402  (kept when the stream raises)


@pytest.mark.parametrize("silent", [{"first_s": 9}, {"stall_after": 1}])
def test_cancelling_closes_the_connection_at_once_while_the_server_is_silent(stub: Stub, silent: dict[str, Any]) -> None:
    backend = backend_of(stub)
    ask(backend)  # so that the client's import is not timed
    stub.reply = Reply(**silent)
    cancel = Event()
    timer = Timer(0.2, cancel.set)
    timer.start()
    started = time.monotonic()
    assert ask(backend, Options(cancel=cancel)) == ("Hello" if "stall_after" in silent else "")
    assert stub.closed.wait(1)
    assert time.monotonic() - started < 1
