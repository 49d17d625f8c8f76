import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ui.identity import IdentityRefused, Visitors, shop_customer

SECRET = "s" * 32


def jwt(secret: str = SECRET, head: Any = None, **said: Any) -> str:
    """As any library makes one (RFC 7515)."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    claims = {"sub": "shop-7", "exp": int(time.time()) + 600, **said}
    body = {name: value for name, value in claims.items() if value is not None}
    signed = f"{part(json.dumps(head or {'alg': 'HS256', 'typ': 'JWT'}).encode())}.{part(json.dumps(body).encode())}"
    return f"{signed}.{part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def test_the_example_of_the_standard_for_signatures_is_read():
    """The token of jwt.io's front page, signed there; it has no `exp`, so it is refused for that and not for its signature."""
    token = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
        "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    )
    with pytest.raises(IdentityRefused, match="exp"):
        shop_customer(token, "your-256-bit-secret")


@pytest.mark.parametrize(("sub", "customer"), [("shop-7", "shop-7"), (42, "42"), ("张三", "张三")])
def test_a_shops_customer(sub: object, customer: str):
    assert shop_customer(jwt(sub=sub), SECRET) == customer


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (lambda: jwt("t" * 32), "signature"),
        (lambda: (made := jwt())[:-8] + "xxxx" + made[-4:], "signature"),
        (lambda: "", "no JWT"),
        (lambda: "a.b", "no JWT"),
        (lambda: jwt(exp=int(time.time()) - 120), "ran out"),
        (lambda: jwt(exp=int(time.time()) + 3 * 24 * 3600), "too long"),
        (lambda: jwt(nbf=int(time.time()) + 600), "not valid yet"),
        (lambda: jwt(exp=None), "lacks"),
        (lambda: jwt(sub=None), "lacks"),
        (lambda: jwt(exp="9999999999"), "lacks"),
        (lambda: jwt(sub=["shop-7"]), "lacks"),
        (lambda: jwt(sub="a\nb"), "customer's id"),
        (lambda: jwt(sub="x" * 300), "customer's id"),
        (lambda: jwt(head={"alg": "none"}), "allowed: HS256"),
        (lambda: jwt(head=["HS256"]), "no JWT"),
    ],
)
def test_whatever_else_is_refused_with_its_reason(token: Callable[[], str], why: str):  # made when it is tried: it has a time in it
    with pytest.raises(IdentityRefused, match=why) as refused:
        shop_customer(token(), SECRET)
    assert "shop-7" not in str(refused.value)


def test_without_a_secret_nobody_is_signed_in():
    with pytest.raises(IdentityRefused, match="ANSWERDESK_IDENTITY_SECRET"):
        shop_customer(jwt(""), "")


def test_a_visitors_token(monkeypatch: pytest.MonkeyPatch):
    visitors = Visitors("secret")
    anonymous, signed_in = visitors.token("ann", anonymous=True), visitors.token("shop-7", anonymous=False)
    assert visitors.customer(anonymous) == visitors.customer(anonymous, anonymous=True) == "ann"
    assert visitors.customer(signed_in) == "shop-7"
    assert visitors.customer(signed_in, anonymous=True) is None  # it cannot be made into one that lasts
    assert Visitors("other").customer(anonymous) is None
    assert visitors.customer(anonymous[:-1]) is None
    later = time.time() + 13 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert visitors.customer(signed_in) is None
    assert visitors.customer(anonymous) == "ann"
