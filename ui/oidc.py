"""Single sign-on for the staff: OpenID Connect's authorization code flow, with PKCE, state and nonce, at the one issuer of the settings.

The identity token has to be signed by one of the issuer's keys (RS256, which every issuer has), for us, now, and for this very sign-in.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import httpx

from ui.settings import Settings, safe_address

_TIMEOUT = httpx.Timeout(10, connect=3)
_MOST = 2**20  # bytes of an answer
_KEYS_S = 3600  # how long the issuer's addresses and keys are believed
_LEEWAY_S = 60  # clocks differ
_SMALLEST_BITS = 2048
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")  # the DigestInfo of SHA-256, RFC 8017


class SsoRefused(Exception):
    """Somebody is not let in, or the issuer cannot be believed; the message says why, without any token."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Where the issuer's parts are, and its keys: by id, each modulus and exponent."""

    authorize: str
    token: str
    keys: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Started:
    """A sign-in on its way; the browser keeps this, signed, until it is back. url: where it goes."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who the issuer says it is. subject: issuer and id, one person's for ever."""

    subject: str
    name: str
    shown: str
    role: Literal["lead", "admin"]


class Sso:
    """The client of the issuer. Thread-safe; every call may ask the issuer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: tuple[float, Issuer] | None = None

    def start(self, back: str) -> Started:
        """A new sign-in. back: the address that the issuer sends the browser to. Raises `SsoRefused`."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = _encode(hashlib.sha256(verifier.encode()).digest())
        asked = {
            "response_type": "code", "client_id": self._settings.oidc_client_id, "redirect_uri": back, "scope": self._settings.oidc_scopes,
            "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        address = self._issuer().authorize
        return Started(f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", state, nonce, verifier)

    def finish(self, code: str, back: str, nonce: str, verifier: str) -> Person:
        """Who came back with this code. Raises `SsoRefused`."""
        sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        settings, secret = self._settings, self._settings.oidc_client_secret.get_secret_value()
        sent |= {"client_id": settings.oidc_client_id, **({"client_secret": secret} if secret else {})}
        answer = _ask("POST", self._issuer().token, sent)
        claims = self._claims(str(answer.get("id_token", "")), nonce)
        return Person(
            f"{settings.oidc_issuer} {claims['sub']}",
            str(claims.get(settings.oidc_name_claim) or claims["sub"]).lower()[:64],
            str(claims.get("name") or claims.get(settings.oidc_name_claim) or claims["sub"])[:60],
            role_of(claims, settings),
        )

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        header = _part(token, 0)
        if header.get("alg") != "RS256":
            raise SsoRefused(f"the identity token is signed with {str(header.get('alg'))[:20]}; allowed: RS256")
        kid = str(header.get("kid", ""))
        key = self._issuer().keys.get(kid) or self._issuer(fresh=True).keys.get(kid)
        if key is None or not signed(token, key):
            raise SsoRefused("the identity token is not signed by one of the issuer's keys")
        claims, now, us = _part(token, 1), time.time(), self._settings.oidc_client_id
        audience = claims.get("aud")
        many = isinstance(audience, list) and len(audience) > 1
        wrong = {
            "issuer": claims.get("iss") != self._settings.oidc_issuer,
            "audience": us not in (audience if isinstance(audience, list) else [audience]),
            "authorized party": claims.get("azp", us) != us or (many and "azp" not in claims),
            "end": not isinstance(claims.get("exp"), int | float) or claims["exp"] < now - _LEEWAY_S,
            "time of issue": not isinstance(claims.get("iat"), int | float) or claims["iat"] > now + _LEEWAY_S,
            "nonce": not hmac.compare_digest(str(claims.get("nonce", "")), nonce),
            "subject": not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255,
        }
        if found := [name for name, so in wrong.items() if so]:
            raise SsoRefused(f"the identity token is not for this sign-in: {', '.join(found)}")
        return claims

    def _issuer(self, *, fresh: bool = False) -> Issuer:
        with self._lock:
            held = self._known
            # A key that nobody knows makes us ask anew, but not at every forged token.
            if held and time.monotonic() - held[0] < (10 if fresh else _KEYS_S):
                return held[1]
            self._known = (time.monotonic(), self._discovered())
            return self._known[1]

    def _discovered(self) -> Issuer:
        named = self._settings.oidc_issuer
        about = _ask("GET", f"{named.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != named:
            raise SsoRefused(f"the issuer calls itself {str(about.get('issuer'))[:200]!r}, and ANSWERDESK_OIDC_ISSUER says {named!r}")
        places = [str(about.get(name, "")) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        if not all(map(safe_address, places)):
            raise SsoRefused("the issuer names addresses that are not https")
        keys = {}
        for key in _ask("GET", places[2]).get("keys", []):
            if key.get("kty") == "RSA" and key.get("use", "sig") == "sig":
                modulus, exponent = (int.from_bytes(_decode(str(key[name]))) for name in ("n", "e"))
                if modulus.bit_length() >= _SMALLEST_BITS and exponent >= 3:
                    keys[str(key.get("kid", ""))] = (modulus, exponent)
        return Issuer(places[0], places[1], keys)


def role_of(claims: Mapping[str, Any], settings: Settings) -> Literal["lead", "admin"]:
    """The role that the claim gives; whoever has none of those that the settings name is refused."""
    held = claims.get(settings.oidc_role_claim)
    values = {held} if isinstance(held, str) else {value for value in held if isinstance(value, str)} if isinstance(held, list) else set()
    if values & set(settings.oidc_admins):
        return "admin"
    if values & set(settings.oidc_leads):
        return "lead"
    raise SsoRefused("the issuer gives this person no role here")


def signed(token: str, key: tuple[int, int]) -> bool:
    """Whether a JWT is signed with RS256 by this RSA key: the one encoding that there may be is made and compared (RFC 8017, 8.2.2)."""
    body, _, mark = token.rpartition(".")
    modulus, exponent = key
    length = (modulus.bit_length() + 7) // 8
    signature = _decode(mark)
    if len(signature) != length or int.from_bytes(signature) >= modulus:
        return False
    digest = _SHA256 + hashlib.sha256(body.encode()).digest()
    wanted = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    return hmac.compare_digest(pow(int.from_bytes(signature), exponent, modulus).to_bytes(length), wanted)


def _part(token: str, at: int) -> dict[str, Any]:
    parts = token.split(".")
    try:
        found = json.loads(_decode(parts[at])) if len(parts) == 3 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SsoRefused("the issuer sent no identity token that can be read")
    return found


def _ask(method: str, url: str, sent: Mapping[str, str] | None = None) -> dict[str, Any]:
    """JSON from the issuer, without redirects or proxies, and no more of it than `_MOST`. Raises `SsoRefused`."""
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream(method, url, data=sent, headers={"Accept": "application/json"}) as answer,
        ):
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > _MOST:
                    raise SsoRefused("the issuer's answer is too long")
            status = answer.status_code
        found = json.loads(body) if status == 200 else None
    except (httpx.HTTPError, ValueError, RecursionError) as error:
        raise SsoRefused(f"the issuer does not answer as it should: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise SsoRefused(f"the issuer answered {status}")
    return found


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SsoRefused("what the issuer sent cannot be read") from None
