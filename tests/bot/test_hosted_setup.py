"""How the hosted backend is set up: addresses, keys, providers, token counts, and who is called."""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from bot.backends.base import Options
from bot.backends.hosted import HostedBackend, check_url, open_hosted
from bot.backends.tokens import TokenCount, estimate
from bot.errors import (
    BackendError,
    BackendRejected,
)
from bot.kinds import HOSTED, setup_of
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


def _tokenizer(folder: Path) -> Path:
    """A tokenizer that knows three words and takes anything else for one token."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "where": 1, "is": 2, "it": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.mark.parametrize("file", ["", "tokenizer.json"])
def test_tokens_are_counted_by_the_models_own_tokenizer(tmp_path: Path, file: str) -> None:
    count = TokenCount(str(_tokenizer(tmp_path / "model") / file))
    assert count("where is it") in (3, estimate("where is it"))  # it is being opened
    count.begin().join()
    assert [count(text) for text in ("where is it", "", "in the warehouse? \ud800")] == [3, 0, 4]


def test_a_tokenizer_that_cannot_be_opened_leaves_estimates(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tokenizer.json").write_text("no tokenizer")
    count = TokenCount(str(tmp_path))
    count.begin().join()
    assert count("where is it") == estimate("where is it")
    assert "tokens are estimated" in caplog.text


@pytest.mark.parametrize("source", ["{}", "{}/missing/model", "https://example.com/tokenizer.json", "a b"])
def test_what_can_be_no_tokenizer_is_refused_at_once(tmp_path: Path, source: str) -> None:
    with pytest.raises(BackendRejected, match=r"tokenizer\.json"):
        open_hosted("http://127.0.0.1:1/v1", "stub-model", tokenizer=source.format(tmp_path))


def test_a_hosted_backend_is_set_up_with_a_tokenizer(tmp_path: Path) -> None:
    config = {"url": "http://127.0.0.1:1/v1", "model": "stub-model", "tokenizer": str(_tokenizer(tmp_path / "model"))}
    backend = HOSTED.open("other", setup_of(HOSTED, config), None)
    for _ in range(400):
        if backend.count("where is it now") == 4:
            break
        time.sleep(0.05)
    assert backend.count("where is it now") == 4
    assert estimate("where is it now") != 4


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
