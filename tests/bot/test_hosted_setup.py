"""How the hosted backend is set up: addresses, keys, providers, token counts, and who is called."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bot.backends.base import Options
from bot.backends.hosted import HostedBackend, check_url, open_hosted
from bot.errors import (
    BackendError,
    BackendRejected,
)
from bot.messages import Message, Prompt
from tests.stub_openai import Reply, Stub, stub_openai

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


def test_openai_itself_gets_its_own_spelling_of_max_tokens_and_no_temperature_where_it_takes_none() -> None:
    payloads = []
    for model in ("gpt-4o", "gpt-5", "o3"):
        backend = open_hosted("https://api.openai.com/v1", model, KEY)
        tuned = backend._opened()
        payloads.append(tuned._get_request_payload([("human", "hi")], max_tokens=9))  # type: ignore[attr-defined]
    assert [payload.get("max_completion_tokens") for payload in payloads] == [9, 9, 9]
    assert [payload.get("temperature") for payload in payloads] == [0, None, None]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:11434/v1", "https://api.example.com", "http://[::1]:8000/v1", " http://localhost/v1/ ", "https://例子.cn/v1"]
)
def test_good_urls(url: str) -> None:
    assert check_url(url) == url.strip().rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:11434",
        "localhost:11434/v1",
        "ftp://host/v1",
        "http://",
        "http:///v1",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://host:0/v1",
        "http://[::1/v1",
        "http://host/v1?key=1",
        "http://host/v1#x",
        "http://ho st/v1",
        "file:///etc/passwd",
    ],
)
def test_bad_urls_are_named_with_what_is_allowed(url: str) -> None:
    with pytest.raises(BackendRejected, match=re.escape(repr(url)) + r".*must be http\(s\)://host"):
        open_hosted(url, "stub-model")


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(BackendRejected, match="hosted_key") as caught:
        open_hosted(f"http://user:{KEY}@host/v1", "stub-model")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", [f"{KEY}\nX: y", f"{KEY}密"])
def test_a_key_that_no_header_carries_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(BackendRejected, match="line breaks") as caught:
        open_hosted("http://127.0.0.1:1/v1", "stub-model", key)
    assert KEY not in str(caught.value)


def test_no_model_is_refused() -> None:
    with pytest.raises(BackendRejected, match="hosted_model"):
        open_hosted("http://127.0.0.1:1/v1", " ")


def test_without_a_url_the_provider_is_opened_by_its_name() -> None:
    model = open_hosted("", "openai:gpt-4o", KEY)._opened()
    assert type(model).__name__ == "ChatOpenAI"
    assert model.max_retries == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("model", "words"), [("mistralai:mistral-x", "langchain-mistralai"), ("nonsense", "provider"), ("a:b", "provider")]
)
def test_a_provider_that_cannot_be_opened_is_told_with_the_remedy(model: str, words: str) -> None:
    with pytest.raises(BackendRejected, match=words):
        ask(open_hosted("", model, KEY))


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_the_key_is_in_no_error_log_or_repr(stub: Stub, caplog: pytest.LogCaptureFixture, status: int) -> None:
    caplog.set_level(logging.DEBUG)
    stub.reply = Reply(status=status, error={"message": f"Incorrect API key provided: {KEY}"})
    backend = backend_of(stub)
    with pytest.raises(BackendError) as caught:
        ask(backend)
    seen = (repr(backend), repr(vars(backend)["_model"]), str(caught.value), repr(caught.value), caplog.text)
    assert all(KEY not in text for text in seen)
    assert caught.value.__cause__ is None


# Counting


@pytest.mark.parametrize(
    ("text", "at_least", "at_most"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("您可以在三十天内退货。", 11, 16),
        ("You can return any item within 30 days of delivery.", 11, 18),
        ("Order TC-10293847, total $1,299.00", 16, 30),
        ("😀", 1, 2),
        ("\ud800", 1, 2),
    ],
)
def test_tokens_are_estimated_from_above(text: str, at_least: int, at_most: int) -> None:
    assert at_least <= open_hosted("http://127.0.0.1:1/v1", "stub-model").count(text) <= at_most


# Start-up and network


ALONE = """
import sys
from bot.backends.hosted import open_hosted
from bot.backends.base import Options
from bot.messages import Message, Prompt
places, files = set(), []
def watch(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        places.add(args[1][:2])
    if event == "socket.getaddrinfo":
        places.add(tuple(args[:2]))
sys.addaudithook(watch)
backend = open_hosted(sys.argv[1], "gpt-4o")
assert not {"langchain", "langchain_core", "langchain_openai", "openai", "httpx"} & set(sys.modules), "imported before the first question"
backend.count("token")
prompt = Prompt((Message("customer", "Hello"),), "Hello", (), "en")
print("".join(backend.stream(prompt, Options())), sorted(str(place[1]) for place in places), sep="|")
"""


def test_nothing_is_imported_before_the_first_question_and_nobody_but_the_server_is_called(stub: Stub) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH", "LANGCHAIN"))}  # tracing is opt-in
    done = subprocess.run([sys.executable, "-c", ALONE, stub.url], capture_output=True, text=True, timeout=60, check=False, env=clean)
    assert done.returncode == 0, done.stderr
    port = stub.url.split(":")[2].removesuffix("/v1")
    reply, ports = done.stdout.strip().split("|")
    assert reply == "Hello, world."
    assert set(re.findall(r"\d+", ports)) == {port}
