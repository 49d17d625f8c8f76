"""`/widget.js`, `/widget/visit`, the framed page and the sample shop's page, over HTTP; in a browser: tests/browser/test_widget.py."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from bot.messages import Request
from tests.ui.shop import SECRET, Shop, shop, web
from tests.ui.test_identity import SECRET as SHARED
from tests.ui.test_identity import jwt
from ui import audit
from ui.identity import VISITOR_HEADER, Visitors
from ui.settings import SettingsError, load_settings

LISTED, OTHER = "https://shop.example", "https://evil.example"
VISITORS = Visitors(SECRET)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, TestClient]]:
    app = shop(tmp_path_factory.mktemp("widget"), widget_origins=[LISTED], identity_secret=SHARED)
    with TestClient(web(app), base_url="http://127.0.0.1") as client:
        yield app, client


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def visit(client: TestClient, origin: str | None = LISTED, **sent: str) -> Any:
    return client.post("/widget/visit", content=json.dumps(sent), headers={"Origin": origin} if origin else {})


def customer(answer: Any) -> str | None:
    return VISITORS.customer(answer.json()["visitor"])


def test_the_launcher_is_one_script_that_asks_nobody_else(site: tuple[Shop, TestClient]):
    answer = site[1].get("/widget.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "public" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers
    assert "http://" not in answer.text.replace("http://www.w3.org", "")


def test_a_listed_site_gets_a_visitor_who_is_known_again(site: tuple[Shop, TestClient]):
    first = visit(site[1])
    assert first.headers["access-control-allow-origin"] == LISTED
    assert (first.json()["anonymous"], first.json()["replies"]) == (True, 0)
    assert "set-cookie" not in first.headers
    again = visit(site[1], visitor=first.json()["visitor"], language="zh-CN")
    assert customer(again) == customer(first)
    assert again.json()["language"] == "zh"
    assert customer(visit(site[1])) != customer(first)
    assert customer(visit(site[1], visitor=first.json()["visitor"][:-2])) != customer(first)


@pytest.mark.parametrize("origin", [OTHER, "null", None, "https://shop.example.evil.example", "http://shop.example"])
def test_an_unlisted_site_gets_nothing(site: tuple[Shop, TestClient], logged: list[Any], origin: str | None):
    answer = visit(site[1], origin)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert "visitor" not in answer.text
    assert any("ANSWERDESK_WIDGET_ORIGINS" in line["event"] for line in logged)


def test_our_own_pages_need_not_be_listed(site: tuple[Shop, TestClient]):
    assert visit(site[1], "http://127.0.0.1").status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b'{"visitor": 7}', b"\xff", json.dumps({"token": "x" * 5000}).encode()])
def test_what_is_no_request_is_refused(site: tuple[Shop, TestClient], body: bytes):
    assert site[1].post("/widget/visit", content=body, headers={"Origin": LISTED}).status_code == 422


def test_the_shops_token_makes_a_customer(site: tuple[Shop, TestClient]):
    site[0].store.receive(Request("hello", "seven", "shop-7"))
    site[0].store.hand_over("seven", "customer_request")
    answer = visit(site[1], token=jwt(), visitor=VISITORS.token("ann", anonymous=True))
    assert customer(answer) == "shop-7"
    assert answer.json()["anonymous"] is False
    assert (answer.json()["conversation"], answer.json()["live"]) == ("seven", True)
    later = visit(site[1], visitor=answer.json()["visitor"])  # a token of somebody signed in is good for no other
    assert customer(later) not in {"shop-7", "ann"}


def test_what_a_visitor_said_before_signing_in_becomes_the_customers(site: tuple[Shop, TestClient]):
    app, client = site
    app.store.receive(Request("my order is AB-1001", "before", "eva"))
    app.store.receive(Request("a parcel of fay", "fay-1", "fay"))
    answer = visit(client, token=jwt(sub="shop-8"), visitor=VISITORS.token("eva", anonymous=True))
    assert (customer(answer), answer.json()["conversation"]) == ("shop-8", "before")
    assert app.store.transcript("before", "shop-8")
    assert (app.store.latest("eva"), app.store.latest("fay")) == (None, "fay-1")
    (entry,) = [entry for entry in audit.entries(app.engine) if entry.what == "customers.adopt"]
    assert (entry.who, entry.about) == ("shop", "shop-8")
    assert "AB-1001" not in entry.detail
    again = visit(client, token=jwt(sub="shop-9"), visitor=VISITORS.token("eva", anonymous=True))
    assert (customer(again), again.json()["conversation"], app.store.latest("shop-8")) == ("shop-9", "", "before")


@pytest.mark.parametrize(
    ("token", "visitor"),
    [
        (jwt(sub="thief"), "gil"),  # the id alone
        (jwt(sub="thief"), VISITORS.token("gil", anonymous=True)[:-2]),
        (jwt(sub="thief"), Visitors("another secret").token("gil", anonymous=True)),
        (jwt(sub="thief"), VISITORS.token("gil", anonymous=False)),  # another signed-in customer's
        (jwt(sub="thief"), VISITORS.token("hal", anonymous=True)),  # another visitor's own
        (jwt("x" * 32, sub="thief"), VISITORS.token("gil", anonymous=True)),  # who has not signed in
        (jwt(sub="thief", exp=1_700_000_000), VISITORS.token("gil", anonymous=True)),
    ],
)
def test_nobody_gets_what_somebody_else_said(site: tuple[Shop, TestClient], token: str, visitor: str):
    app, client = site
    app.store.receive(Request("a parcel of gil", "gil-1", "gil"))
    answer = visit(client, token=token, visitor=visitor)
    assert (app.store.latest("gil"), app.store.latest("thief")) == ("gil-1", None)
    assert customer(answer) != "thief" or answer.json()["conversation"] == ""


def test_an_id_that_another_customer_has_is_no_visitors(site: tuple[Shop, TestClient]):
    """Whoever signs in as a customer gets a token that is no anonymous one, so that it takes nobody's conversations along."""
    app, client = site
    app.store.receive(Request("a parcel of ivy", "ivy-1", "shop-10"))
    theirs = visit(client, token=jwt(sub="shop-10")).json()["visitor"]
    visit(client, token=jwt(sub="shop-11"), visitor=theirs)
    assert (app.store.latest("shop-10"), app.store.latest("shop-11")) == ("ivy-1", None)


@pytest.mark.parametrize(("token", "why"), [(jwt("x" * 32), "signature"), (jwt(exp=1_700_000_000), "ran out")])
def test_a_token_that_is_not_taken_leaves_the_visitor_anonymous_and_says_why(
    site: tuple[Shop, TestClient], logged: list[Any], token: str, why: str
):
    answer = visit(site[1], token=token, visitor=VISITORS.token("ann", anonymous=True))
    assert customer(answer) == "ann"
    assert answer.json()["anonymous"] is True
    told = next(line for line in logged if "identity token" in line["event"])
    assert why in told["reason"]
    assert token not in str(told)


def test_only_the_framed_page_may_be_framed_and_only_by_listed_sites(site: tuple[Shop, TestClient]):
    framed = site[1].get("/?widget=1")
    assert f"frame-ancestors 'self' {LISTED};" in framed.headers["content-security-policy"] + ";"
    assert "x-frame-options" not in framed.headers
    assert "set-cookie" not in framed.headers
    assert f'answerdeskOrigins = [\\"{LISTED}\\"]' in framed.text
    for path in ("/", "/login", "/desk?widget=1", "/login?widget=1"):
        page = site[1].get(path, follow_redirects=False)
        assert page.headers["content-security-policy"].endswith("frame-ancestors 'self'")
        assert page.headers["x-frame-options"] == "SAMEORIGIN"


def test_a_frames_requests_are_its_visitors_and_a_bad_token_is_nobodys(site: tuple[Shop, TestClient]):
    app, client = site
    app.store.receive(Request("the parcel of ann", "ann-1", "ann"))
    load = next(each["id"] for each in client.get("/config").json()["dependencies"] if each["targets"][0][1] == "load")
    body = {"data": [], "fn_index": load, "session_hash": "w1", "event_data": None}

    def show(token: str, language: str = "zh") -> Any:
        headers = {VISITOR_HEADER: token, "X-Answerdesk-Language": language}
        return client.post("/gradio_api/run/predict", json=body | {"session_hash": token[-8:]}, headers=headers)

    shown = show(VISITORS.token("ann", anonymous=True))
    assert "the parcel of ann" in shown.text
    assert shown.json()["data"][0]["language"] == "zh"
    assert "set-cookie" not in shown.headers
    assert "the parcel of ann" not in show(VISITORS.token("bob", anonymous=True)).text
    assert show("forged").status_code == 401


@pytest.mark.parametrize(
    "origin", ["shop.example", "https://shop.example/path", "https://*.example", "https://a.example; script-src *", "*"]
)
def test_an_origin_that_is_none_is_refused(origin: str):
    with pytest.raises(SettingsError, match="is no origin"):
        load_settings(widget_origins=[origin])


def test_a_secret_that_is_short_is_refused_and_not_shown():
    with pytest.raises(SettingsError, match="openssl") as refused:
        load_settings(identity_secret="too short")
    assert "too short" not in str(refused.value)


@pytest.mark.parametrize(("language", "product", "price"), [("en", "Nova Max 6", "$949"), ("zh", "星辰 Max 6 手机 Nova Max 6", "949 美元")])
def test_the_sample_shops_page(tmp_path: Path, language: str, product: str, price: str):
    app = shop(tmp_path)
    client = TestClient(web(app), base_url="http://127.0.0.1")
    assert client.get("/shop").status_code == 404
    app.store.set_setting("sample", value=True)
    page = client.get(f"/shop?language={language}&theme=dark").text
    for said in (product, price, f'data-language="{language}"', 'data-theme="dark"', 'src="/widget.js"', "class=dark"):
        assert said in page


def test_without_listed_sites_nobody_may_frame_it(tmp_path: Path):
    client = TestClient(web(shop(tmp_path)), base_url="http://127.0.0.1")
    assert visit(client).status_code == 403
    assert client.get("/?widget=1").headers["x-frame-options"] == "SAMEORIGIN"
