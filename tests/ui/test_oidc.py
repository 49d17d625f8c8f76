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

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import SecretStr
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.ui.test_signin import PAGES
from ui import audit
from ui.accounts import Accounts, SignInRefused
from ui.database import migrate, open_engine
from ui.errors import Failure
from ui.guards import SignedIn
from ui.oidc import Sso, SsoRefused, role_of
from ui.settings import Settings, load_settings
from ui.signin import SingleSignOn, add_signin

KEY, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
SMALL, CURVE = rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())  # noqa: S505 - to see it refused
JWKS = [
    {**json.loads(RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "one", "use": "sig"},
    {**json.loads(RSAAlgorithm.to_jwk(SMALL.public_key())), "kid": "small"},
    {**json.loads(ECAlgorithm.to_jwk(CURVE.public_key())), "kid": "curve"},
    {**json.loads(RSAAlgorithm.to_jwk(OTHER.public_key())), "kid": "not for signing", "use": "enc"},
    {"kty": "EC", "kid": "broken"},
    {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(claims: dict[str, Any], *, kid: str = "one", alg: str = "RS256", key: Any = KEY) -> str:
    return jwt.encode(claims, key, alg, {"kid": kid})


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
                    self.answer({"keys": JWKS})

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


def go(client: TestClient, issuer: Issuer, then: str = "", **more: str) -> Any:
    """To the issuer, who lets everybody in, and back."""
    left = client.get("/login/sso", params={"next": then} if then else {})
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


def test_an_elliptic_key_signs_as_well(client: TestClient, issuer: Issuer):
    issuer.how = {"kid": "curve", "alg": "ES256", "key": CURVE}
    assert go(client, issuer).status_code == 303


FORGED = {
    "another's key": {"key": OTHER},
    "none": {"alg": "none", "key": None},
    "shared secret": {"alg": "HS256", "key": "c" * 32},
    "shared secret of the issuer's list": {"alg": "HS256", "key": b"secret", "kid": "shared"},
    "unknown key": {"kid": "unknown"},
    "key for encryption": {"kid": "not for signing", "key": OTHER},
    "small key": {"kid": "small", "key": SMALL},
    "broken key": {"kid": "broken"},
    "another algorithm": {"alg": "RS512"},
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("how", FORGED.values(), ids=FORGED)
def test_a_token_that_is_not_signed_by_the_issuer_is_refused(client: TestClient, issuer: Issuer, how: dict[str, Any]):
    issuer.how = how
    assert go(client, issuer).status_code == 403


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
