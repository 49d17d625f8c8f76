import asyncio
import logging
import re
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from bot.messages import Answer
from tests.ui.desk import Desk, build
from ui.metrics import Metrics
from ui.middleware import BodyCap, Outermost
from ui.settings import Settings
from ui.web import create_web, guard

KB = 1024


@pytest.fixture(autouse=True, scope="module")
def short_logs() -> Iterator[None]:
    """Not the default's long traces with all variables."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])
    yield
    structlog.reset_defaults()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return build(Settings(data_dir=tmp_path, trusted_hosts=["shop.example", "[::1]"]))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Desk]]:
    """The whole app with the customer's page."""
    desk = build(Settings(data_dir=tmp_path_factory.mktemp("page")))
    with TestClient(create_web(desk, "token"), base_url="http://127.0.0.1:7860", raise_server_exceptions=False) as client:
        yield client, desk


def _guarded(settings: Settings, engine: Engine) -> TestClient:
    """Small routes behind the same middleware."""
    web = FastAPI()

    @web.get("/")
    async def home(request: Request) -> HTMLResponse:
        return HTMLResponse(request.state.customer)

    @web.get("/script.js")
    async def script() -> PlainTextResponse:
        return PlainTextResponse("1", media_type="text/javascript")

    @web.post("/echo")
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    @web.post("/stream")
    async def stream(request: Request) -> StreamingResponse:
        async def back() -> AsyncIterator[bytes]:
            async for piece in request.stream():
                yield piece

        return StreamingResponse(back())

    @web.get("/fail")
    @web.get("/api/fail")
    async def fail() -> None:
        raise RuntimeError("secret inner detail")

    guard(web, settings, engine)
    return TestClient(web, base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture
def guarded(desk: Desk) -> TestClient:
    return _guarded(desk.settings, desk.engine)


def test_headers_on_every_answer(guarded: TestClient):
    for path, host in (("/", "127.0.0.1"), ("/nothing", "127.0.0.1"), ("/fail", "127.0.0.1"), ("/", "evil.example")):
        headers = guarded.get(path, headers={"Host": host}).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["img-src"] == "'self' data: blob:"
        assert policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == "'self'"
        assert "http" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:7860", "shop.example", "SHOP.example:443", "[::1]", "[::1]:7860"])
def test_known_hosts(guarded: TestClient, host: str):
    assert guarded.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "shop.example.evil", "", "[::2]", "a@127.0.0.1"])
def test_unknown_hosts(guarded: TestClient, host: str):
    response = guarded.get("/", headers={"Host": host})
    assert response.status_code == 400
    assert "ANSWERDESK_TRUSTED_HOSTS" in response.text


def test_any_host_where_that_is_set(desk: Desk):
    client = _guarded(desk.settings.model_copy(update={"trusted_hosts": ["*"]}), desk.engine)
    assert client.get("/", headers={"Host": "any.example"}).status_code == 200


def _pieces(total: int) -> Iterator[bytes]:
    for _ in range(total // KB):
        yield b"x" * KB


def test_body_cap(guarded: TestClient):
    assert guarded.post("/echo", content=b"x" * 200 * KB).text == str(200 * KB)
    assert guarded.post("/echo", content=b"x" * (200 * KB + 1)).status_code == 413
    assert guarded.post("/echo", content=_pieces(200 * KB)).text == str(200 * KB)
    refused = guarded.post("/echo", content=_pieces(300 * KB))  # says nothing of its length
    assert refused.status_code == 413
    assert "200 KB" in refused.text


def test_upload_cap(guarded: TestClient):
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert guarded.post("/echo", content=b"x" * 12 * KB * KB, headers=headers).status_code == 200
    assert guarded.post("/echo", content=b"x" * (12 * KB * KB + 1), headers=headers).status_code == 413
    assert guarded.post("/echo", content=_pieces(13 * KB * KB), headers=headers).status_code == 413


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999999999999999"])
def test_odd_lengths(guarded: TestClient, length: str):
    assert guarded.post("/echo", content=b"", headers={"Content-Length": length}).status_code == 413


def test_body_that_grows_after_the_answer_began_is_cut():
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (message := await receive())["type"] == "http.request":
            await send({"type": "http.response.body", "body": message["body"], "more_body": True})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 50 * KB, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(BodyCap(app)(scope, receive, send))
    assert sum(len(message.get("body", b"")) for message in sent) == 200 * KB
    assert [message["status"] for message in sent if "status" in message] == [200]


def test_visitor_is_known_again(guarded: TestClient):
    first = guarded.get("/")
    cookie = first.headers["set-cookie"]
    assert re.match(r"answerdesk_customer=[^;]+; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax$", cookie)
    assert re.fullmatch(r"[0-9a-f]{32}", first.text)
    again = guarded.get("/")  # the client sends the cookie back
    assert again.text == first.text
    assert "set-cookie" not in again.headers


def test_forged_and_broken_cookies_are_new_visitors(guarded: TestClient):
    good = guarded.get("/").headers["set-cookie"].split(";")[0]
    guarded.cookies.clear()
    for cookie in ("answerdesk_customer=someone-else", good.replace("=", "=0", 1), 'answerdesk_customer="', "=;;\xff"):
        response = guarded.get("/", headers={"Cookie": cookie.encode("latin-1")})
        assert response.status_code == 200
        assert "set-cookie" in response.headers
        guarded.cookies.clear()


def test_cookie_stays_off_what_may_be_shared(guarded: TestClient):
    assert "set-cookie" not in guarded.get("/script.js").headers
    assert "set-cookie" in guarded.post("/echo", content=b"").headers


def test_cookie_over_https_only_where_set(desk: Desk):
    client = _guarded(desk.settings.model_copy(update={"secure_cookies": True}), desk.engine)
    assert client.get("/").headers["set-cookie"].endswith("; Secure")


def test_secret_is_kept_in_the_folder(desk: Desk):
    first = _guarded(desk.settings, desk.engine).get("/").headers["set-cookie"].split(";")[0]
    assert "set-cookie" not in _guarded(desk.settings, desk.engine).get("/", headers={"Cookie": first}).headers
    assert stat.S_IMODE((desk.settings.data_dir / "secret").stat().st_mode) == 0o600


def test_unforeseen_errors_tell_nothing(guarded: TestClient):
    page, api = guarded.get("/fail"), guarded.get("/api/fail")
    assert (page.status_code, api.status_code) == (500, 500)
    assert "secret" not in page.text + api.text
    assert api.json()["error"]["type"] == "server_error"


def test_log_has_no_query_strings(guarded: TestClient):
    with structlog.testing.capture_logs() as logs:
        guarded.get("/nothing?token=hidden-in-query")
        guarded.post("/echo?token=hidden-in-query", content=b"private text")
    assert [(line["event"], line["path"], line["status"]) for line in logs] == [("request", "/nothing", 404), ("request", "/echo", 200)]
    assert "hidden" not in str(logs)
    assert "private" not in str(logs)


def test_page_health_and_metrics(page: tuple[TestClient, Desk]):
    client, desk = page
    home = client.get("/")
    assert home.status_code == 200
    assert "set-cookie" in home.headers
    assert client.get("/healthz").json() == {"status": "up"}
    assert client.get("/readyz").json() == {"ready": True, "reasons": []}
    key = desk.store.add_key("page")
    for text in ("hi", "nothing known", "a person please", "down the ladder"):
        body = {"model": "answerdesk", "messages": [{"role": "user", "content": text}]}
        assert client.post("/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}).status_code == 200
    counted = client.get("/metrics").text
    assert 'answerdesk_turns_total{backend="extractive",language="en",route="answer"} 3.0' in counted
    assert 'answerdesk_handovers_total{reason="customer_request"} 1.0' in counted
    assert "answerdesk_abstained_total 1.0" in counted
    assert 'answerdesk_backend_errors_total{backend="big"} 1.0' in counted
    assert 'answerdesk_first_token_seconds_bucket{le="0.05"} 4.0' in counted
    assert "answerdesk_turn_seconds_count 4.0" in counted


def test_the_widget_is_there_and_shut_to_unlisted_sites(page: tuple[TestClient, Desk]):
    client = page[0]
    assert "Answerdesk" in client.get("/widget.js").text
    own = client.post("/widget/visit", content="{}", headers={"Origin": "http://127.0.0.1:7860"})
    assert (own.status_code, own.json()["anonymous"]) == (200, True)
    assert client.post("/widget/visit", content="{}", headers={"Origin": "https://shop.example"}).status_code == 403
    assert client.get("/shop").status_code == 404


def test_not_ready_says_why(page: tuple[TestClient, Desk]):
    client, desk = page
    desk.index.wrong = "the vectors are missing; run answerdesk ingest"
    try:
        response = client.get("/readyz")
    finally:
        desk.index.wrong = None
    assert response.status_code == 503
    assert response.json() == {"ready": False, "reasons": ["index: the vectors are missing; run answerdesk ingest"]}
    assert client.get("/healthz").status_code == 200


def test_page_serves_no_file_of_the_machine(page: tuple[TestClient, Desk]):
    client, desk = page
    client.get("/")
    for path in ("/etc/passwd", str(desk.settings.data_dir / "answerdesk.db")):
        for address in (f"/gradio_api/file={path}", f"/file={path}"):
            response = client.get(address)
            assert response.status_code in {403, 404}


def test_interrupted_turn_without_timings_is_counted():
    metrics = Metrics()
    metrics.observe(Answer("x", "c", "m", interrupted=True))
    text = metrics.text().decode()
    assert "answerdesk_interrupted_total 1.0" in text
    assert 'answerdesk_turns_total{backend="none",language="en",route="answer"} 1.0' in text
    assert "answerdesk_turn_seconds_count 0.0" in text


@pytest.mark.parametrize(
    ("method", "path", "told"), [("GET", "/", "debug"), ("HEAD", "/", "debug"), ("HEAD", "/none", "info"), ("POST", "/", "info")]
)
def test_what_only_reads_is_logged_for_who_looks_closely(method: str, path: str, told: str):
    """An open page asks every few seconds whether its server is there."""
    app = Starlette(routes=[Route("/", lambda request: Response(), methods=["GET", "POST"])])
    with capture_logs() as logs:
        TestClient(Outermost(app)).request(method, path)
    assert [(line["log_level"], line["method"]) for line in logs] == [(told, method)]


def test_logs_are_json_on_stderr(capsys: pytest.CaptureFixture[str]):
    from ui.logs import set_up

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        set_up("info")
        structlog.get_logger("web").info("request", path="/x")
        logging.getLogger("somelibrary").warning("a library says %s", "hello")
        logging.getLogger("httpx").info("HTTP Request: GET http://x/?key=1")
        out, err = capsys.readouterr()
    finally:
        root.handlers, root.level = handlers, level
    assert out == ""
    assert '"event": "request"' in err
    assert '"event": "a library says hello"' in err
    assert "key=1" not in err
