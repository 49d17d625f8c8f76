from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from ui.accounts import Accounts, Role
from ui.database import migrate, open_engine
from ui.guards import OwnSessions, SignedIn
from ui.languages import page_texts
from ui.middleware import CustomerCookie, Outermost
from ui.signin import add_signin

PAGES: dict[str, Role] = {"/desk": "lead", "/admin": "admin"}
WORDS = page_texts("signin", "en")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: Engine) -> TestClient:
    return TestClient(site(engine), base_url="http://127.0.0.1", follow_redirects=False)


def site(engine: Engine) -> FastAPI:
    """Small routes where the pages are, behind the same guards."""
    web = FastAPI()
    add_signin(web, engine, PAGES, secure=False)

    @web.api_route("/{path:path}", methods=["GET", "POST"])
    async def page(request: Request) -> JSONResponse:
        body = (await request.body()).decode()
        return JSONResponse({"user": getattr(getattr(request.state, "user", None), "name", None), "body": body})

    web.add_middleware(OwnSessions)
    web.add_middleware(SignedIn, accounts=Accounts(engine), pages=PAGES)
    web.add_middleware(CustomerCookie, secret="a secret for tests", secure=False)
    web.add_middleware(Outermost)
    return web


def sign_in(client: TestClient, engine: Engine, name: str, role: str) -> None:
    """As somebody who has already chosen a password."""
    accounts = Accounts(engine)
    accounts.change_password(name, accounts.add(name, role), "a password of my own")
    sent = client.post("/login", data={"name": name, "password": "a password of my own"})
    assert sent.status_code == 303


@pytest.mark.parametrize(
    ("role", "asked", "to"),
    [
        ("admin", "/admin", "/admin"),
        ("admin", "/admin/#tab=keys&search=a+b%20c", "/admin/#tab=keys&search=a+b%20c"),
        ("lead", "/admin", "/desk"),
        ("lead", "/desk/?x=1", "/desk/?x=1"),
        ("lead", "/nowhere", "/desk"),
        *(
            ("admin", evil, "/desk")
            for evil in (
                "https://evil.example/desk", "//evil.example", "/\\evil.example", "/desk@evil.example", "/desk/../evil", "/desk//evil",
                "javascript:alert(1)", "/desk\r\nSet-Cookie: a=b", "desk", "/deskevil", "\t//evil.example",
            )
        ),
    ],
)  # fmt: skip
def test_a_sign_in_leads_on_to_where_one_was_going_on_our_own_pages(client: TestClient, engine: Engine, role: Role, asked: str, to: str):
    Accounts(engine).change_password("anna", Accounts(engine).add("anna", role), "a password of my own")
    sent = {"name": "anna", "password": "wrong"}
    again = client.post("/login", params={"next": asked}, data=sent).text
    assert ('action="/login?next=' in again) == (asked.startswith(("/desk/?", "/admin")))
    sent["password"] = "a password of my own"
    assert client.post("/login", params={"next": asked}, data=sent).headers["location"] == to


def test_who_chooses_a_password_first_goes_on_then(client: TestClient, engine: Engine):
    old = Accounts(engine).add("anna", "admin")
    left = client.get("/admin/?a=1", headers={"Accept": "text/html"}).headers["location"]
    answer = client.post(left, data={"name": "anna", "password": old})
    assert answer.headers["location"] == left == "/login?next=%2Fadmin%2F%3Fa%3D1"
    assert 'action="/login/password?next=%2Fadmin%2F%3Fa%3D1"' in client.get(left).text
    data = {"old": old, "new": "a password of my own", "again": "a password of my own"}
    assert client.post("/login/password?next=%2Fadmin%2F%3Fa%3D1", data=data).headers["location"] == "/admin/?a=1"


def test_a_one_time_password_leads_to_nothing_but_another_one(client: TestClient, engine: Engine):
    password = Accounts(engine).add("anna", "lead", "Anna")
    answer = client.post("/login", data={"name": "anna", "password": password})
    assert answer.headers["location"] == "/login"
    assert {"httponly", "samesite=lax", "max-age=43200"} <= set(answer.headers["set-cookie"].lower().split("; "))
    assert client.get("/desk", headers={"Accept": "text/html"}).headers["location"] == "/login?next=%2Fdesk"
    assert WORDS["new_hint"].format(shortest=10) in client.get("/login").text
    differing = {"old": password, "new": "a password of my own", "again": "a password of my OWN"}
    assert WORDS["differ"] in client.post("/login/password", data=differing).text
    assert "at least 10" in client.post("/login/password", data={"old": password, "new": "short", "again": "short"}).text
    done = client.post("/login/password", data={**differing, "again": "a password of my own"})
    assert done.headers["location"] == "/desk"
    assert client.get("/desk").json()["user"] == "anna"
    assert client.post("/login/out").headers["location"] == "/login"
    assert client.get("/desk").status_code == 401


def test_wrong_and_too_often(client: TestClient, engine: Engine):
    Accounts(engine).add("anna", "lead")
    for _ in range(5):
        refused = client.post("/login", data={"name": "anna", "password": "wrong"})
        assert (refused.status_code, WORDS["wrong"] in refused.text) == (403, True)
        assert "set-cookie" not in refused.headers or "answerdesk_session" not in refused.headers["set-cookie"]
    refused = client.post("/login", data={"name": "anna", "password": "wrong"})
    assert (refused.status_code, WORDS["throttled"].format(minutes=15) in refused.text) == (429, True)


def test_what_was_typed_is_escaped(client: TestClient):
    shown = client.post("/login", data={"name": '"><img src=x onerror=alert(1)>', "password": "x"}).text
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_another_sites_form_is_refused(client: TestClient, engine: Engine):
    password = Accounts(engine).add("anna", "lead")
    sent = client.post("/login", data={"name": "anna", "password": password}, headers={"Origin": "http://evil.example"})
    assert sent.status_code == 403
    sign_in(client, engine, "ben", "admin")
    assert client.post("/desk/x", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/desk/x", headers={"Origin": "http://127.0.0.1"}).status_code == 200


@pytest.mark.parametrize("path", ["", "/", "/gradio_api/queue/data?session_hash=x", "/gradio_api/cancel", "/assets/x.js"])
@pytest.mark.parametrize(("role", "codes"), [(None, (401, 401)), ("lead", (200, 403)), ("admin", (200, 200))])
def test_a_page_and_all_below_it_is_for_its_role(client: TestClient, engine: Engine, path: str, role: str | None, codes: tuple[int, int]):
    if role:
        sign_in(client, engine, "anna", role)
    for method in ("GET", "POST"):
        assert client.request(method, f"/desk{path}").status_code == codes[0]
        assert client.request(method, f"/admin{path}").status_code == codes[1]
    assert client.get("/desktop").status_code == 200  # another address that begins alike


def test_a_gradio_session_is_its_first_users_alone(client: TestClient, engine: Engine):
    body = {"session_hash": "mine", "data": [1]}
    joined = client.post("/gradio_api/queue/join", json=body)
    assert joined.json()["body"].replace(" ", "") == '{"session_hash":"mine","data":[1]}'
    assert client.get("/gradio_api/queue/data", params={"session_hash": "mine"}).status_code == 200
    thief = TestClient(client.app, base_url="http://127.0.0.1", follow_redirects=False)
    assert thief.get("/gradio_api/queue/data", params={"session_hash": "mine"}).status_code == 403
    assert thief.get("/gradio_api/heartbeat/mine").status_code == 403
    for address in ("cancel", "reset", "queue/join", "run/predict", "api/predict", "call/x"):
        assert thief.post(f"/gradio_api/{address}", json=body).status_code == 403
        assert thief.post(f"/gradio_api/{address}", json={**body, "session_hash": "own"}).status_code == 200
    sign_in(thief, engine, "anna", "admin")
    assert thief.post("/desk/gradio_api/cancel", json=body).status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"session_hash": 7}', b"\xff"])
def test_a_body_that_names_no_session_goes_through_as_it_is(client: TestClient, body: bytes):
    sent = client.post("/gradio_api/run/predict", content=body, headers={"Content-Type": "application/json"})
    assert sent.status_code == (200 if body != b"\xff" else 500)


@pytest.mark.parametrize(("accept", "title"), [("en", "Sign in"), ("zh-CN", "登录")])
def test_both_languages(client: TestClient, accept: str, title: str):
    assert f"<h1>{title}</h1>" in client.get("/login", headers={"Accept-Language": accept}).text
