"""Single sign-on for the staff: OpenID Connect's authorization code flow, with PKCE, state and nonce, at the one issuer of the settings.

The identity token has to be signed by one of the issuer's keys (RS256, which every issuer has, or ES256), for us, now, and for this very
sign-in. PyJWT checks the signature, the times and whom it is for.
"""

import base64
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
import jwt

from ui.settings import Settings, safe_address

_TIMEOUT = httpx.Timeout(10, connect=3)
_MOST = 2**20  # bytes of an answer
_KEYS_S = 3600  # how long the issuer's addresses and keys are believed
_LEEWAY_S = 60  # clocks differ
_SMALLEST_BITS = 2048  # of an RSA key
_ALGORITHMS = {("RSA", ""): "RS256", ("EC", "P-256"): "ES256"}  # by the kind of a key: a token cannot choose its own
_NEEDED = ["iss", "aud", "exp", "iat", "sub"]


class SsoRefused(Exception):
    """Somebody is not let in, or the issuer cannot be believed; the message says why, without any token."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Where the issuer's parts are, and its public keys by id."""

    authorize: str
    token: str
    keys: Mapping[str, jwt.PyJWK]


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
        us = self._settings.oidc_client_id
        try:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
            key = self._issuer().keys.get(kid) or self._issuer(fresh=True).keys.get(kid)
            if key is None:
                raise SsoRefused("the identity token is not signed by one of the issuer's keys")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                [key.algorithm_name],
                options={"require": _NEEDED},
                audience=us,
                issuer=self._settings.oidc_issuer,
                leeway=_LEEWAY_S,
            )
        except jwt.PyJWTError as error:
            raise SsoRefused(f"the identity token is not for this sign-in: {type(error).__name__}") from None
        audience = claims["aud"]
        wrong = {
            "authorized party": claims.get("azp", us) != us or (isinstance(audience, list) and len(audience) > 1 and "azp" not in claims),
            "nonce": not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()),
            "subject": not 0 < len(claims["sub"]) <= 255,
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
        found = {str(key.get("kid", "")): key for key in _ask("GET", places[2]).get("keys", []) if key.get("use", "sig") == "sig"}
        return Issuer(places[0], places[1], {kid: made for kid, key in found.items() if (made := _key(key))})


def _key(key: dict[str, Any]) -> jwt.PyJWK | None:
    """A public key that may sign for the issuer; None for one of another kind, or too small."""
    try:
        made = jwt.PyJWK(key, algorithm=_ALGORITHMS.get((str(key.get("kty")), str(key.get("crv", "")))))
    except (jwt.PyJWTError, ValueError):
        return None
    bits = getattr(made.key, "key_size", 0)
    return made if made.algorithm_name in _ALGORITHMS.values() and (key["kty"] == "EC" or bits >= _SMALLEST_BITS) else None


def role_of(claims: Mapping[str, Any], settings: Settings) -> Literal["lead", "admin"]:
    """The role that the claim gives; whoever has none of those that the settings name is refused."""
    held = claims.get(settings.oidc_role_claim)
    values = {held} if isinstance(held, str) else {value for value in held if isinstance(value, str)} if isinstance(held, list) else set()
    if values & set(settings.oidc_admins):
        return "admin"
    if values & set(settings.oidc_leads):
        return "lead"
    raise SsoRefused("the issuer gives this person no role here")


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
