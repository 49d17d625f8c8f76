"""Who a visitor is where no cookie says it: the widget's own signed tokens, and the shop's word for its signed-in customers.

The shop's token is a JWT signed with HS256, as every language has a library to make one: `sub` is the shop's id of the customer, `exp` the
end of its validity, at most a day ahead.
"""

import time

import jwt
from itsdangerous import BadSignature, URLSafeSerializer
from jwt.types import Options

from bot.errors import BadMessage
from bot.records import checked_customer

VISITOR_HEADER = "x-answerdesk-visitor"
LANGUAGE_HEADER = "x-answerdesk-language"
ANONYMOUS_S = 365 * 24 * 3600
SIGNED_IN_S = 12 * 3600
_LONGEST_S = 24 * 3600
_LEEWAY_S = 60  # clocks differ
_CHECKED: Options = {"require": ["exp", "sub"], "verify_sub": False, "verify_aud": False, "verify_iat": False}  # a sub may be a number
_WHY: dict[type[jwt.PyJWTError], str] = {
    jwt.InvalidSignatureError: "its signature is not one made with ANSWERDESK_IDENTITY_SECRET",
    jwt.InvalidAlgorithmError: "it is signed in another way; allowed: HS256",
    jwt.ExpiredSignatureError: "it ran out",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.MissingRequiredClaimError: "it lacks sub (the customer's id) or exp (the end of its validity, in seconds)",
}


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
    try:
        said = jwt.decode(token, secret, ["HS256"], leeway=_LEEWAY_S, options=_CHECKED)
    except jwt.PyJWTError as error:
        raise IdentityRefused(next((why for kind, why in _WHY.items() if isinstance(error, kind)), "it is no JWT")) from None
    if not isinstance(said["exp"], int | float) or not isinstance(said["sub"], str | int):
        raise IdentityRefused(_WHY[jwt.MissingRequiredClaimError])
    if said["exp"] > time.time() + _LONGEST_S + _LEEWAY_S:
        raise IdentityRefused(f"it is valid too long; allowed: exp at most {_LONGEST_S} s ahead")
    try:
        return checked_customer(str(said["sub"]))
    except BadMessage:
        raise IdentityRefused("its sub is no customer's id; allowed: 1 to 256 printable characters") from None
