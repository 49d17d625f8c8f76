"""Telling another program that somebody waits, against a small HTTP server."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr

from bot.messages import Request
from tests.ui.shop import Shop, shop
from ui.notify import keep_notifying, notify, post
from ui.settings import SettingsError, load_settings, safe_address


@pytest.fixture
def app(tmp_path: Path) -> Shop:
    return shop(tmp_path, notify_webhook=SecretStr("http://127.0.0.1:9/hook"), public_url="https://help.example")


def wait_for_person(app: Shop, text: str, conversation: str) -> None:
    app.store.receive(Request(text, conversation, f"c-{conversation}", message=f"m-{conversation}"))
    app.store.hand_over(conversation, "customer_request")


@contextmanager
def listening(status: int = 200, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    server.server_close()


def test_each_one_who_begins_to_wait_is_told_of_once_and_without_their_words(app: Shop):
    sent: list[dict[str, Any]] = []
    wait_for_person(app, "before it was switched on", "c0")
    tell = cast("Any", app)
    assert notify(tell, lambda _, body: sent.append(body)) == 0
    wait_for_person(app, "my secret number is 4711", "c1")
    wait_for_person(app, "my parcel", "c2")
    assert notify(tell, lambda _, body: sent.append(body)) == 2
    assert notify(tell, lambda _, body: sent.append(body)) == 0
    assert [body["conversation"] for body in sent] == ["c1", "c2"]
    assert sent[0]["reason"] == "customer_request"
    assert sent[0]["url"] == "https://help.example/desk/#tab=inbox&box=waiting&chat=c1"
    assert "4711" not in json.dumps(sent)


def test_one_who_could_not_be_told_of_is_tried_again(app: Shop):
    def fails(_: str, body: dict[str, Any]) -> None:
        raise httpx.ConnectError("no")

    tell = cast("Any", app)
    notify(tell, fails)
    wait_for_person(app, "hello", "c1")
    with pytest.raises(httpx.ConnectError):
        notify(tell, fails)
    sent: list[dict[str, Any]] = []
    assert notify(tell, lambda _, body: sent.append(body)) == 1
    assert [body["conversation"] for body in sent] == ["c1"]


def test_it_goes_on_in_the_background_until_it_is_ended(app: Shop):
    sent, told = [], threading.Event()

    def send(url: str, body: dict[str, Any]) -> None:
        sent.append((url, body["conversation"]))
        told.set()

    notify(cast("Any", app), send)
    wait_for_person(app, "hello", "c1")
    over = keep_notifying(cast("Any", app), send, every_s=0.05)
    assert over
    assert told.wait(30)
    over.set()
    assert sent == [("http://127.0.0.1:9/hook", "c1")]


def test_without_an_address_there_is_no_thread(tmp_path: Path):
    assert keep_notifying(cast("Any", shop(tmp_path))) is None


def test_a_post_follows_no_redirect_and_an_error_is_one():
    with listening() as (url, got):
        post(url, {"event": "waiting"})
        assert got == [{"event": "waiting"}]
    with listening() as (elsewhere, missed), listening(307, {"Location": elsewhere}) as (url, got):
        with pytest.raises(httpx.HTTPStatusError):
            post(url, {"event": "waiting"})
        assert (len(got), missed) == (1, [])


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://hooks.example/x?token=1", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://hooks.example/x", False),
        ("http://169.254.169.254/latest", False),
        ("https://user:word@hooks.example/x", False),
        ("file:///etc/passwd", False),
        ("gopher://127.0.0.1/", False),
        ("https:///x", False),
        ("https://host:port/", False),
        ("", False),
    ],
)
def test_which_addresses_may_be_called(address: str, safe: bool):
    assert safe_address(address) is safe


def test_an_unsafe_address_is_refused_without_showing_it(tmp_path: Path):
    with pytest.raises(SettingsError, match="notify_webhook is set") as refused:
        load_settings(data_dir=tmp_path, notify_webhook="http://hooks.example/secret-token")
    assert "secret-token" not in str(refused.value)
