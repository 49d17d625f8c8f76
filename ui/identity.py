"""Who a visitor is where no cookie says it: the widget's own signed tokens, and the shop's word for its signed-in customers.

The shop's token is a JWT signed with HS256, as every language has a library to make one: `sub` is the shop's id of the customer, `exp` the
end of its validity, at most a day ahead.
"""

import base64
import binascii
import hashlib
import json
import time
from typing import Any

from itsdangerous import BadSignature, Signer, URLSafeSerializer

from bot.errors import BadMessage
from bot.records import checked_customer

VISITOR_HEADER = "x-answerdesk-visitor"
LANGUAGE_HEADER = "x-answerdesk-language"
ANONYMOUS_S = 365 * 24 * 3600
SIGNED_IN_S = 12 * 3600
_LONGEST_S = 24 * 3600
_LEEWAY_S = 60  # clocks differ
_SHOWN = 80


class IdentityRefused(Exception):
    """A token of the shop's is not taken; the message says why, without the token."""


class Visitors:
    """Makes and reads the tokens that the widget's frame sends with every request, as other sites' frames have no cookies of ours."""

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeSerializer(secret, salt="answerdesk.visitor")

    def token(self, customer: str, *, anonymous: bool) -> str:
        """For a year, or for half a day where the shop has said who it is."""
        until = int(time.time()) + (ANONYMOUS_S if anonymous else SIGNED_IN_S)
        return str(self._signer.dumps({"c": customer, "a": anonymous, "until": until}))

    def customer(self, token: str, *, anonymous: bool = False) -> str | None:
        """Whose token it is; None for one that is forged or has run out.

        anonymous: take no other. A token of somebody signed in must not be good for a new one, or it would last for ever.
        """
        try:
            said = self._signer.loads(token)
        except BadSignature:
            return None
        return str(said["c"]) if said["until"] > time.time() and (said["a"] or not anonymous) else None


def shop_customer(token: str, secret: str) -> str:
    """The customer's id in a token that the shop's server has signed. Raises `IdentityRefused`."""
    if not secret:
        raise IdentityRefused("ANSWERDESK_IDENTITY_SECRET is not set, so no token can be checked")
    # A JWT's signature with HS256 is what this makes: HMAC-SHA256 over all before the last dot, in URL-safe base64 without padding.
    signer = Signer(secret, sep=".", key_derivation="none", digest_method=hashlib.sha256)
    try:
        head, _, body = signer.unsign(token).decode().partition(".")
    except (BadSignature, UnicodeError):
        raise IdentityRefused("its signature is not one made with ANSWERDESK_IDENTITY_SECRET") from None
    kind, said, now = _part(head), _part(body), time.time()
    if kind.get("alg") != "HS256":
        raise IdentityRefused(f"its alg is {str(kind.get('alg'))[:_SHOWN]!r}; allowed: HS256")
    ends, begins, subject = said.get("exp"), said.get("nbf", 0), said.get("sub")
    if not isinstance(ends, int | float) or not isinstance(begins, int | float) or not isinstance(subject, str | int):
        raise IdentityRefused("it lacks sub (the customer's id) or exp (the end of its validity, in seconds)")
    if ends + _LEEWAY_S < now:
        raise IdentityRefused(f"it ran out {now - ends:.0f} s ago")
    if ends > now + _LONGEST_S + _LEEWAY_S or begins > now + _LEEWAY_S:
        raise IdentityRefused(f"it is valid too long or not yet; allowed: exp at most {_LONGEST_S} s ahead")
    try:
        return checked_customer(str(subject))
    except BadMessage:
        raise IdentityRefused("its sub is no customer's id; allowed: 1 to 256 printable characters") from None


def _part(encoded: str) -> dict[str, Any]:
    try:
        said = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (binascii.Error, ValueError):
        said = None
    if not isinstance(said, dict):
        raise IdentityRefused("it is no JWT")
    return said
