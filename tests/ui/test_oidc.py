"""Single sign-on against a small issuer that signs with a key of its own."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.ui.test_signin import PAGES
from ui import audit
from ui.accounts import Accounts, SignInRefused
from ui.database import migrate, open_engine
from ui.errors import Failure
from ui.guards import SignedIn
from ui.oidc import Sso, SsoRefused, role_of, signed
from ui.settings import Settings, load_settings
from ui.signin import SingleSignOn, add_signin

# An RSA key of 2048 bits for these tests alone: its modulus and its private exponent; the public one is 65537.
N = int(
    "b4c45f2915526afac18d5f6e6ac7291ec2c57d1f96a16c76dc096edff6db2243f7a66be6f8830233aad2a5f19607bf745b1d826a7eef6a6b1950a056"
    "d454628abd5ce3de655b2d9dc77cbcbe1770890cd121b03a26b1364da94d48e50dffcbcedfc57ac1b9a8438780a0b98aaa24e994f1f4080c17e220e9"
    "5066d8263feb9c7e916e2058264e1c37ee50fd3c11390bd8ce2268c1f4dbc4614fbb81271e3fb002dcf5228ed41550fcfe35d0e9160ead06f87030fe"
    "0d67c8e448de1d5d213d068de55a96dfd032a34a793a6c546f1dfaf243b310f377e0d37ce4f28e3bb1e3d3fab98832b4c2fb59bde46228d89bb2096f"
    "cb117b9cafd77397c5bc45ef57a61dd1",
    16,
)
D = int(
    "111a978a729b06c64d340c388d5fe4d32548bc6b15bc965fb4b82bc6833bfec50194bc96f122ac3da9471f2e79aca7ffe1732c58d943dc04e03351c8"
    "8574aa92481296f8ff0c1e87d44d482a905b348c82e9361c7a76c0159f1451f66259b6b60f5447263763e567d7d2dd5b7277e5a61332ace4400a4464"
    "ef179c121a7037b15554f5ba3d7890217f03ea8fe3474a76ef5aac30170e2fea2f7abfe972feda1004fbe148c19af9c97f2a22b527ee94f2e4a36f83"
    "fb409073d53f4091e396db34e01fdd6a64972e7cf5cc325044a392d68099d7855ad1aba81241c26aa68ff0b0705a79bef66a1113e01f2efd0755edc6"
    "cea5f68e5720c797279adb9996b0bd85",
    16,
)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(claims: dict[str, Any], *, kid: str = "one", alg: str = "RS256", d: int = D) -> str:
    """A JWT signed by hand with the private key: the tests have no library for it either."""
    body = f"{b64(json.dumps({'alg': alg, 'kid': kid}).encode())}.{b64(json.dumps(claims).encode())}"
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(body.encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (256 - len(digest) - 3) + b"\x00" + digest
    return f"{body}.{b64(pow(int.from_bytes(padded), d, N).to_bytes(256))}"


class Issuer:
    """claims: of the next token, over the usual ones. given: what the token's address was sent."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.how: dict[str, Any] = {}
        self.given: dict[str, str] = {}
        self.nonce = ""
        self.calls_itself: str | None = None
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = issuer.url
                if self.path == "/.well-known/openid-configuration":
                    places = {"authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token", "jwks_uri": f"{url}/keys"}
                    self.answer({"issuer": issuer.calls_itself or url, **places})
                elif self.path == "/keys":
                    key = {"kty": "RSA", "kid": "one", "use": "sig", "n": b64(N.to_bytes(256)), "e": b64((65537).to_bytes(3))}
                    self.answer({"keys": [key, {"kty": "EC", "kid": "other"}]})

            def do_POST(self) -> None:
                sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                issuer.given = {name: values[0] for name, values in sent.items()}
                self.answer({"id_token": token(issuer.usual() | issuer.claims, **issuer.how), "access_token": "x"})

            def answer(self, body: dict[str, Any]) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def usual(self) -> dict[str, Any]:
        now = int(time.time())
        who = {"sub": "u-1", "email": "Mei@Shop.example", "name": "Mei", "roles": ["support"]}
        return {"iss": self.url, "aud": "desk", "iat": now, "exp": now + 300, "nonce": self.nonce, **who}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def settings(issuer: Issuer, tmp_path: Path) -> Settings:
    ours = {"oidc_client_id": "desk", "oidc_client_secret": SecretStr("s3cret"), "oidc_leads": ["support"], "oidc_admins": ["it"]}
    return load_settings(data_dir=tmp_path, oidc_issuer=issuer.url, **ours)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: Engine, settings: Settings) -> TestClient:
    web = FastAPI()
    add_signin(web, engine, PAGES, secure=False, single=SingleSignOn(Sso(settings), "a secret for tests"))
    web.add_middleware(SignedIn, accounts=Accounts(engine), pages=PAGES)
    return TestClient(web, base_url="http://127.0.0.1", follow_redirects=False)


def go(client: TestClient, issuer: Issuer, **more: str) -> Any:
    """To the issuer, who lets everybody in, and back."""
    left = client.get("/login/sso")
    assert left.status_code == 303
    asked = {name: values[0] for name, values in parse_qs(urlsplit(left.headers["location"]).query).items()}
    issuer.nonce = asked["nonce"]
    back = client.get("/login/sso/back", params={"code": "c0de", "state": asked["state"], **more})
    if issuer.given:
        assert b64(hashlib.sha256(issuer.given["code_verifier"].encode()).digest()) == asked["code_challenge"]
    return back


def test_whoever_the_issuer_knows_is_let_in_with_the_role_of_the_claim(client: TestClient, issuer: Issuer, engine: Engine):
    assert 'href="/login/sso"' in client.get("/login").text
    back = go(client, issuer)
    assert (back.status_code, back.headers["location"]) == (303, "/desk")
    assert issuer.given["client_secret"] == "s3cret"
    assert issuer.given["redirect_uri"] == "http://127.0.0.1/login/sso/back"
    (user,) = Accounts(engine).list()
    assert (user.name, user.shown, user.role, user.must_change) == ("mei@shop.example", "Mei", "lead", False)
    assert [entry.what for entry in audit.entries(engine)] == ["users.oidc"]
    issuer.claims = {"roles": "it", "email": "new@shop.example"}  # promoted, and married: still the same person
    assert go(client, issuer).headers["location"] == "/desk"
    (user,) = Accounts(engine).list()
    assert (user.name, user.role) == ("mei@shop.example", "admin")
    for password in ("", "x"):
        with pytest.raises(SignInRefused):
            Accounts(engine).sign_in("mei@shop.example", password)
    with pytest.raises(Failure, match="single sign-on"):
        Accounts(engine).reset("mei@shop.example")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": ["desk", "another"]},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"iat": 4102444800},
        {"nonce": "another"},
        {"sub": ""},
        {"roles": []},
        {"roles": None},
        {"roles": {"support": 1}},
        {"roles": ["customers"]},
        {"email": "ÄÖ", "sub": "||"},
    ],
    ids=str,
)
def test_everybody_else_is_refused(client: TestClient, issuer: Issuer, engine: Engine, claims: dict[str, Any]):
    issuer.claims = claims
    back = go(client, issuer)
    assert back.status_code == 403
    assert "answerdesk_session" not in back.cookies
    assert Accounts(engine).list() == []


@pytest.mark.parametrize("how", [{"d": D - 2}, {"alg": "none"}, {"alg": "HS256"}, {"kid": "unknown"}, {"kid": "other"}], ids=str)
def test_a_token_that_is_not_signed_by_the_issuer_is_refused(client: TestClient, issuer: Issuer, how: dict[str, Any]):
    issuer.how = how
    assert go(client, issuer).status_code == 403


def test_a_signature_is_right_or_wrong_in_every_bit():
    good = token({"sub": "x"})
    assert signed(good, (N, 65537))
    body, _, mark = good.rpartition(".")
    assert not signed(f"{body}x.{mark}", (N, 65537))
    assert not signed(f"{body}.{b64(bytes(256))}", (N, 65537))
    assert not signed(f"{body}.{b64(bytes(255))}", (N, 65537))
    assert not signed(good, (N + 2, 65537))


def test_the_way_back_belongs_to_the_browser_that_left(client: TestClient, issuer: Issuer):
    assert go(client, issuer, state="another").status_code == 403
    client.cookies.clear()
    assert client.get("/login/sso/back", params={"code": "c", "state": ""}).status_code == 403
    assert go(client, issuer, code="").status_code == 403


def test_an_account_that_is_there_is_never_taken_over_and_one_shut_out_stays_out(client: TestClient, issuer: Issuer, engine: Engine):
    Accounts(engine).add("boss@shop.example", "admin", "Boss")
    issuer.claims = {"email": "boss@shop.example"}
    assert go(client, issuer).status_code == 403
    issuer.claims = {}
    assert go(client, issuer).status_code == 303
    Accounts(engine).disable("mei@shop.example")
    assert go(client, issuer).status_code == 403


def test_an_issuer_that_calls_itself_otherwise_or_is_gone(client: TestClient, issuer: Issuer, settings: Settings):
    issuer.calls_itself = "https://evil.example"
    assert client.get("/login/sso").status_code == 502
    with pytest.raises(SsoRefused, match="calls itself"):
        Sso(settings).start("http://127.0.0.1/back")


def test_without_lists_of_roles_nobody_is_let_in(settings: Settings):
    none = settings.model_copy(update={"oidc_leads": [], "oidc_admins": []})
    with pytest.raises(SsoRefused, match="no role"):
        role_of({"roles": ["support", "it", "admin"]}, none)
