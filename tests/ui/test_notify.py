"""Telling somebody who is not at the desk that a customer waits, against small HTTP and SMTP servers."""

import base64
import json
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, ClassVar, cast

import httpx
import pytest
from pydantic import SecretStr

from bot.messages import Request
from bot.outcomes import Waiting
from tests.ui.shop import Shop, shop
from ui.doctor import _mail
from ui.mail import MailServer, send
from ui.notify import Channel, channels, keep_notifying, notify
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


def webhook(app: Shop, send: Callable[[str, dict[str, Any]], None]) -> Channel:
    return channels(app.settings, send)[0]


def test_each_one_who_begins_to_wait_is_told_of_once_and_without_their_words(app: Shop):
    sent: list[dict[str, Any]] = []
    wait_for_person(app, "before it was switched on", "c0")
    tell, hook = cast("Any", app), webhook(app, lambda _, body: sent.append(body))
    assert notify(tell, hook) == 0
    wait_for_person(app, "my secret number is 4711", "c1")
    wait_for_person(app, "my parcel", "c2")
    assert notify(tell, hook) == 2
    assert notify(tell, hook) == 0
    assert [body["conversation"] for body in sent] == ["c1", "c2"]
    assert sent[0]["reason"] == "customer_request"
    assert sent[0]["url"] == "https://help.example/desk/#tab=inbox&box=waiting&chat=c1"
    assert "4711" not in json.dumps(sent)


def test_one_who_could_not_be_told_of_is_tried_again(app: Shop):
    def fails(_: str, body: dict[str, Any]) -> None:
        raise httpx.ConnectError("no")

    tell = cast("Any", app)
    notify(tell, webhook(app, fails))
    wait_for_person(app, "hello", "c1")
    with pytest.raises(httpx.ConnectError):
        notify(tell, webhook(app, fails))
    sent: list[dict[str, Any]] = []
    assert notify(tell, webhook(app, lambda _, body: sent.append(body))) == 1
    assert [body["conversation"] for body in sent] == ["c1"]


def test_it_goes_on_in_the_background_until_it_is_ended(app: Shop):
    sent, told = [], threading.Event()

    def send(url: str, body: dict[str, Any]) -> None:
        sent.append((url, body["conversation"]))
        told.set()

    notify(cast("Any", app), webhook(app, send))
    wait_for_person(app, "hello", "c1")
    over = keep_notifying(cast("Any", app), [webhook(app, send)], every_s=0.05)
    assert told.wait(30)
    over.set()
    assert sent == [("http://127.0.0.1:9/hook", "c1")]


def test_where_nothing_is_set_nobody_is_told(tmp_path: Path):
    assert channels(shop(tmp_path).settings) == []


def test_a_post_follows_no_redirect_and_an_error_is_one(tmp_path: Path):
    def post(url: str) -> None:
        app = shop(tmp_path, notify_webhook=SecretStr(url))
        channels(app.settings)[0].tell(Waiting("c1", datetime.now(UTC), "customer_request", "en"))

    with listening() as (url, got):
        post(url)
        assert [(body["event"], body["conversation"]) for body in got] == [("waiting", "c1")]
    with listening() as (elsewhere, missed), listening(307, {"Location": elsewhere}) as (url, got):
        with pytest.raises(httpx.HTTPStatusError):
            post(url)
        assert (len(got), missed) == (1, [])


class Post(StreamRequestHandler):
    """As little of SMTP (RFC 5321) as a letter takes. offers: what it says that it can; refuses: the address that it knows not."""

    got: ClassVar[list[tuple[str, list[str], EmailMessage]]]
    offers: ClassVar[tuple[str, ...]]
    refuses = "nobody@example.com"

    def handle(self) -> None:
        sender, to = "", []
        self.say("220 here")
        for line in iter(self.rfile.readline, b""):
            command, _, rest = line.decode().strip().partition(" ")
            if command.upper() == "EHLO":
                said = ["here", *self.offers]
                for at, word in enumerate(said):
                    self.say(f"250{'-' if at < len(said) - 1 else ' '}{word}")
            elif command.upper() == "AUTH":
                user, word = base64.b64decode(rest.split()[1]).decode().split("\0")[1:]
                self.say("235 yes" if (user, word) == ("desk", "p@ss") else "535 no")
            elif command.upper() == "MAIL":
                sender = rest.partition("<")[2].partition(">")[0]
                self.say("250 yes")
            elif command.upper() == "RCPT":
                to.append(rest.partition("<")[2].partition(">")[0])
                self.say("550 no" if to[-1] == self.refuses else "250 yes")
            elif command.upper() == "DATA":
                self.say("354 go on")
                raw = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.got.append((sender, to, cast("EmailMessage", message_from_bytes(raw, policy=default))))
                self.say("250 kept")
            else:
                self.say("221 bye" if command.upper() == "QUIT" else "250 yes")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def post_office(*offers: str) -> Iterator[tuple[int, list[tuple[str, list[str], EmailMessage]]]]:
    """A mail server of this machine; gives its port and what it took."""
    got: list[tuple[str, list[str], EmailMessage]] = []
    kind = type("Office", (Post,), {"got": got, "offers": offers})
    with ThreadingTCPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], got
        server.shutdown()


def mailing(folder: Path, port: int, *to: str, user: str = "") -> Shop:
    mail = {"smtp_url": f"smtp://{user}127.0.0.1:{port}", "notify_mail": list(to), "mail_from": "desk@help.example"}
    return shop(folder, public_url="https://help.example", **load_settings(data_dir=folder, **mail).model_dump(include={*mail}))


def test_each_one_who_begins_to_wait_is_told_of_by_one_mail_in_their_language(tmp_path: Path):
    with post_office("AUTH PLAIN") as (port, got):
        app = mailing(tmp_path, port, "mei@help.example", "jonas@help.example", user="desk:p%40ss@")
        channel = channels(app.settings)[0]
        notify(cast("Any", app), channel)
        wait_for_person(app, "my secret number is 4711", "c1")
        app.store.receive(Request("转人工", "c2", "zhang", message="m2", language="zh"))
        app.store.hand_over("c2", "customer_request")
        assert notify(cast("Any", app), channel) == 2
        assert notify(cast("Any", app), channel) == 0
    assert [(sender, to) for sender, to, _ in got] == [("desk@help.example", ["mei@help.example", "jonas@help.example"])] * 2
    english, chinese = (mail.get_content() for _, _, mail in got)
    assert "asked for a person" in english
    assert "https://help.example/desk/#tab=inbox&box=waiting&chat=c1" in english
    assert "要求人工服务" in chinese
    assert "等待人工" in got[1][2]["Subject"]
    assert "4711" not in english
    assert got[0][2]["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(("to", "user"), [("nobody@example.com", ""), ("mei@help.example", "desk:wrong@")])
def test_a_mail_that_is_refused_is_tried_again_and_the_webhook_goes_on(tmp_path: Path, to: str, user: str):
    with post_office("AUTH PLAIN") as (port, got):
        app = mailing(tmp_path, port, to, user=user)
        channel = channels(app.settings)[0]
        notify(cast("Any", app), channel)
        sent: list[dict[str, Any]] = []
        hook = channels(app.settings.model_copy(update={"notify_webhook": SecretStr("http://x")}), lambda _, body: sent.append(body))[0]
        notify(cast("Any", app), hook)
        wait_for_person(app, "hello", "c1")
        for _ in range(2):
            with pytest.raises(smtplib.SMTPException):
                notify(cast("Any", app), channel)
        assert not got
        assert notify(cast("Any", app), hook) == 1


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://desk:p%40ss@mail.example", MailServer("mail.example", 465, "tls", "desk", "p@ss")),
        ("smtp://mail.example:2525", MailServer("mail.example", 2525, "starttls")),
        ("smtp://localhost", MailServer("localhost", 587, "none")),
    ],
)
def test_a_mail_server_is_reached_over_tls_but_on_this_machine(url: str, server: MailServer):
    assert MailServer.read(url) == server


def test_nothing_goes_out_in_the_open_where_another_machine_has_no_tls():
    with post_office() as (port, got):
        server = MailServer("127.0.0.1", port, "starttls")  # as of another machine
        with pytest.raises(smtplib.SMTPNotSupportedError):
            send(server, EmailMessage())
        assert not got


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"smtp_url": "https://user:secret-word@mail.example"}, "smtp_url is set"),
        ({"smtp_url": "smtp://user:secret-word@:25"}, "smtp_url is set"),
        ({"smtp_url": "smtp://mail.example:port"}, "smtp_url is set"),
        ({"notify_mail": ["mei@help.example"]}, "set smtp_url too"),
        ({"smtp_url": "smtp://localhost", "notify_mail": ["Mei <mei@help.example>"]}, "no mail address"),
        ({"smtp_url": "smtp://localhost", "notify_mail": ["mei@help.example\nBcc: all@help.example"]}, "no mail address"),
        ({"mail_from": "desk"}, "no mail address"),
    ],
)
def test_what_is_wrong_with_the_mail_is_said_without_its_secret(tmp_path: Path, given: dict[str, Any], why: str):
    with pytest.raises(SettingsError, match=why) as refused:
        load_settings(data_dir=tmp_path, **given)
    assert "secret-word" not in str(refused.value)


def test_doctor_signs_in_at_the_mail_server_and_sends_nothing(tmp_path: Path):
    with post_office("AUTH PLAIN") as (port, got):
        found = _mail(mailing(tmp_path / "a", port, "mei@help.example", user="desk:p%40ss@").settings)
        wrong = _mail(mailing(tmp_path / "b", port, "mei@help.example", user="desk:wrong@").settings)
    assert (found.state, wrong.state, got) == ("ok", "broken", [])
    assert "535" in wrong.detail


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
