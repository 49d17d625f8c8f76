import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import openai
import pytest
import structlog

from tests.ui.desk import Desk, bare_web, build
from tests.ui.shop import serving
from ui.settings import Settings
from ui.shapes import answer_json

USER = {"role": "user", "content": "How do returns work?"}


@dataclass
class Live:
    url: str
    key: str
    desk: Desk
    http: httpx.Client

    def post(self, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        return self.http.post(f"{self.url}/v1/chat/completions", content=content, headers=sent)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    desk = build(Settings(data_dir=tmp_path_factory.mktemp("data")))
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])  # not the default's long traces with all variables
    with serving(bare_web(desk, "the-token")) as url, httpx.Client() as http:
        yield Live(url, desk.store.add_key("tests"), desk, http)
    structlog.reset_defaults()


@pytest.fixture
def client(live: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key=live.key, max_retries=0, timeout=20) as client:
        yield client


def test_models_lists_the_bot_first(client: openai.OpenAI):
    assert [model.id for model in client.models.list()] == ["answerdesk", "extractive", "big"]
    assert client.models.retrieve("big").id == "big"


def test_whole_reply(client: openai.OpenAI, live: Live):
    reply = client.chat.completions.create(model="answerdesk", messages=[USER], user="c1")
    assert reply.choices[0].message.content == "You said: Howdoreturnswork?"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (11, 7, 18)
    extra = reply.model_extra["answerdesk"]
    (line, answered) = live.desk.store.transcript(extra["conversation"], "c1")
    assert line.id == extra["message"]
    assert answered.answer
    assert answer_json(answered.answer) == extra
    assert extra["citations"][0]["source"] == "returns.md"


def test_stream_joins_to_the_whole_and_ends_with_the_extra(client: openai.OpenAI):
    chunks = list(client.chat.completions.create(model="answerdesk", messages=[USER], stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: Howdoreturnswork?"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert chunks[-1].model_extra["answerdesk"]["answer"] == "You said: Howdoreturnswork?"
    assert all("answerdesk" not in chunk.model_extra for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


def test_stream_with_usage(client: openai.OpenAI):
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="answerdesk", messages=[USER], stream=True, stream_options=options))
    assert chunks[-1].usage
    assert chunks[-1].usage.total_tokens == 18
    assert chunks[-1].choices == []
    assert chunks[-1].model_extra["answerdesk"]["backend"] == "extractive"
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_stream_on_the_wire(live: Live):
    response = live.post({"model": "answerdesk", "messages": [USER], "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.endswith("data: [DONE]\n\n")
    assert all(line.startswith("data: ") for line in response.text.split("\n\n") if line)


def test_turn_history_and_customer(live: Live):
    messages = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi!"},
        {"role": "tool", "content": "42", "tool_call_id": "x"},
        {"role": "user", "content": [{"type": "text", "text": "Part one"}, {"type": "text", "text": "part two"}]},
        {"role": "assistant", "content": "unfinished"},
    ]
    assert live.post({"model": "big", "messages": messages, "user": "c9", "temperature": 0.7, "unknown": 1}).status_code == 200
    request = live.desk.router.asked[-1]
    assert request.text == "Part one\npart two"
    assert [(message.role, message.text) for message in request.history or ()] == [("customer", "Hello"), ("bot", "Hi!")]
    assert (request.customer, request.backend) == ("c9", "big")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic abc", "Bearer \xe9\xff"])
def test_no_valid_key(live: Live, header: str):
    response = live.http.post(f"{live.url}/v1/chat/completions", content=b"{}", headers={"Authorization": header.encode("latin-1")})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert response.headers["www-authenticate"] == "Bearer"
    assert live.http.get(f"{live.url}/v1/models").status_code == 401


def test_revoked_key(live: Live):
    secret = live.desk.store.add_key("short-lived")
    headers = {"Authorization": f"Bearer {secret}"}
    assert live.http.get(f"{live.url}/v1/models", headers=headers).status_code == 200
    live.desk.store.revoke_key("short-lived")
    assert live.http.get(f"{live.url}/v1/models", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b"\xff\xfe", None),
        (b'{"model": "answerdesk", "messages": [{"role": "user", "content": "\\ud800"}]}', None),
        (b"[" * 100_000, None),
        ({"messages": [USER]}, "model"),
        ({"model": 1, "messages": [USER]}, "model"),
        ({"model": None, "messages": [USER]}, "model"),
        ({"model": "answerdesk"}, "messages"),
        ({"model": "answerdesk", "messages": []}, "messages"),
        ({"model": "answerdesk", "messages": "hi"}, "messages"),
        ({"model": "answerdesk", "messages": ["hi"]}, "messages.0"),
        ({"model": "answerdesk", "messages": [{"content": "hi"}]}, "messages.0.role"),
        ({"model": "answerdesk", "messages": [{"role": "king", "content": "hi"}]}, "messages.0.role"),
        ({"model": "answerdesk", "messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"model": "answerdesk", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content"),
        ({"model": "answerdesk", "messages": [{"role": "system", "content": "hi"}]}, "messages"),
        ({"model": "answerdesk", "messages": [{"role": "assistant", "content": "hi"}]}, "messages"),
        ({"model": "answerdesk", "messages": [{"role": "user", "content": "  "}]}, None),
        ({"model": "answerdesk", "messages": [{"role": "user", "content": None}]}, None),
        ({"model": "answerdesk", "messages": [USER], "stream": "yes"}, "stream"),
        ({"model": "answerdesk", "messages": [USER], "stream_options": 3}, "stream_options"),
        ({"model": "answerdesk", "messages": [USER], "n": 2}, "n"),
        ({"model": "answerdesk", "messages": [USER], "n": "1"}, "n"),
        ({"model": "answerdesk", "messages": [USER], "user": 7}, "user"),
        ({"model": "answerdesk", "messages": [USER], "user": "u" * 257}, "user"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_bad_bodies(live: Live, body: Any, param: str | None, stream: bool):
    if stream and isinstance(body, dict):
        body = {"stream": True, **body}
    response = live.post(body)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert "Traceback" not in response.text
    if param:
        assert error["param"].startswith(param)


def test_errors_as_the_official_client_sees_them(client: openai.OpenAI, live: Live):
    with pytest.raises(openai.NotFoundError, match="answerdesk, extractive, big") as unknown:
        client.chat.completions.create(model="gpt-9", messages=[USER])
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="answerdesk", messages=[])
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="wrong", max_retries=0) as stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def test_unforeseen_errors_tell_nothing(client: openai.OpenAI, live: Live):
    explode = {"role": "user", "content": "please explode now"}
    with pytest.raises(openai.InternalServerError) as whole:
        client.chat.completions.create(model="answerdesk", messages=[explode])
    assert "secret" not in str(whole.value)
    with pytest.raises(openai.APIError) as streamed:
        list(client.chat.completions.create(model="answerdesk", messages=[explode], stream=True))
    assert "secret" not in str(streamed.value)
    assert "broke off" in str(streamed.value)


def test_unknown_routes_and_methods(live: Live):
    for method, path, status in [("GET", "/v1/nothing", 404), ("GET", "/v1/chat/completions", 405), ("POST", "/v1/models", 405)]:
        response = live.http.request(method, live.url + path, headers={"Authorization": f"Bearer {live.key}"})
        assert response.status_code == status
        assert set(response.json()["error"]) >= {"message", "type"}


def _until(true: Any) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("stream", [False, True])
def test_client_that_leaves_cancels_the_turn(live: Live, stream: bool):
    text = f"leaving {stream} " + "word " * 200
    body = json.dumps({"model": "answerdesk", "messages": [{"role": "user", "content": text}], "stream": stream}).encode()
    live.desk.router.pause_s = 0.05
    try:
        host, port = live.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            lines = [
                "POST /v1/chat/completions HTTP/1.1",
                f"Host: {host}",
                f"Authorization: Bearer {live.key}",
                f"Content-Length: {len(body)}",
            ]
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            _until(lambda: any(asked.text == text for asked in live.desk.router.asked))
            if stream:
                connection.recv(1000)
        _until(lambda: text in live.desk.router.ended)
    finally:
        live.desk.router.pause_s = 0
    assert live.desk.router.ended[text] == "cancelled"


def test_slow_turns_do_not_block_others(client: openai.OpenAI, live: Live):
    live.desk.router.pause_s = 0.3
    slow = Thread(target=lambda: client.chat.completions.create(model="answerdesk", messages=[{"role": "user", "content": "a b c d e"}]))
    try:
        slow.start()
        began = time.monotonic()
        client.models.list()
        assert time.monotonic() - began < 0.5
    finally:
        slow.join()
        live.desk.router.pause_s = 0


class TestInternal:
    def test_token_is_asked_for(self, live: Live):
        for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {live.key}"}):
            response = live.http.post(f"{live.url}/api/internal/list_keys", json={}, headers=headers)
            assert response.status_code == 401
            assert "keys" not in response.json()

    def test_without_a_token_nobody_is_admitted(self, tmp_path: Path):
        with serving(bare_web(build(Settings(data_dir=tmp_path)), "")) as url:
            assert httpx.post(f"{url}/api/internal/list_keys", json={}, headers={"Authorization": "Bearer"}).status_code == 401

    @pytest.mark.parametrize(("name", "body", "status"), [("rm", "{}", 404), ("search", "[]", 400), ("search", "{", 400)])
    def test_bad_calls(self, live: Live, name: str, body: str, status: int):
        response = live.http.post(f"{live.url}/api/internal/{name}", content=body, headers={"Authorization": "Bearer the-token"})
        assert response.status_code == status
        assert response.json()["error"]["message"]

    def test_errors_come_as_the_last_line(self, live: Live):
        def ask(**args: str) -> list[dict[str, Any]]:
            response = live.http.post(f"{live.url}/api/internal/ask", json=args, headers={"Authorization": "Bearer the-token"})
            return [json.loads(line) for line in response.text.splitlines()]

        assert ask(text="hi", backend="none") == [{"error": "There is no backend 'none'; there are: extractive, big.", "code": 2}]
        *_, last = ask(text="please explode")
        assert last["code"] == 1
        assert "Traceback" not in last["error"]
        *deltas, last = ask(text="hi")
        assert "".join(line["delta"] for line in deltas) == last["result"]["answer"] == "You said: hi"

    def test_other_addresses_below_api(self, live: Live):
        response = live.http.get(f"{live.url}/api/nothing")
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "invalid_request_error"
