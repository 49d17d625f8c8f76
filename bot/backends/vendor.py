"""From the errors of model vendors and HTTP clients to ours, by what they carry, so that no vendor's package is imported."""

import json
import math
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.errors import BackendError, BackendRejected, BackendTimeout, BackendUnavailable, BadReply, ContextOverflow, RateLimited

LONGEST_QUOTE = 300  # characters of a vendor's message that are passed on

_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|maximum context|(prompt|input) is too long|too many (input |prompt )?tokens"
    r"|exceed\w* .{0,40}tokens",
    re.IGNORECASE,
)

OF_SETTINGS = "hosted"
"""The backend that the settings `hosted_...` set up; all others were added by `answerdesk backends add`."""
_SETTING = re.compile(r"\bhosted_(url|model|key|window)\b")

# What a failure without an HTTP status means, by the class names in its chain of causes; the first line that fits.
_KINDS: tuple[tuple[set[str], type[BackendError], str], ...] = (
    (
        {"UnsupportedProtocol", "InvalidURL", "LocalProtocolError"},
        BackendRejected,
        "the request could not be sent: {said}. Correct hosted_url and hosted_key",
    ),
    (
        {"ConnectTimeout", "ConnectError"},
        BackendUnavailable,
        "no connection to the model server: {said}. Start it, or correct hosted_url",
    ),
    (
        {"TimeoutException", "APITimeoutError", "ModelTimeoutError", "TimeoutError"},
        BackendTimeout,
        "the model server was silent for too long: {said}",
    ),
    (
        {"TransportError", "APIConnectionError", "ModelConnectionError", "OSError"},
        BackendUnavailable,
        "the connection to the model server broke: {said}",
    ),
    ({"APIError", "ModelError"}, BackendUnavailable, "the model server reports an error: {said}"),  # sent within the stream
)


def translate(error: BaseException, name: str, secrets: Collection[str] = (), *, opening: bool = False) -> BackendError:
    """Our error for the vendor's `error`, met while backend `name` was asked, or, where `opening`, while its client was made.

    The vendor's words are quoted, cut and without `secrets`; never those about a refused key, which tend to repeat it.
    """
    found = _translated(error, name, secrets, opening=opening)
    if name != OF_SETTINGS:
        found.args = (_SETTING.sub(r"its \1 (`answerdesk backends remove`, then `add`)", str(found), count=1), *found.args[1:])
        found.args = (_SETTING.sub(r"its \1", str(found)), *found.args[1:])
    return found


def _translated(error: BaseException, name: str, secrets: Collection[str], *, opening: bool) -> BackendError:
    chain = list(_chain(error))
    kinds = {cls.__name__ for link in chain for cls in type(link).__mro__}
    status = next((code for link in chain if (code := _status(link)) is not None), None)
    said = _quote(chain, secrets)
    if status not in {401, 403, 404, 429} and ("ContextOverflowError" in kinds or _TOO_LONG.search(f"{_code(error)} {error}")):
        return ContextOverflow(
            f"{name}: the prompt is longer than the model's window: {said}. Set hosted_window to the server's real window"
        )
    if status is None and _code(error) == "rate_limit_exceeded":  # sent within the stream
        status = 429
    if status is not None:
        return _by_status(status, name, said, chain)
    for names, kind, words in _KINDS:
        if kinds & names:
            return kind(f"{name}: {words.format(said=said)}")
    if opening:
        return BackendRejected(f"{name}: the model could not be opened: {said}. Correct hosted_model, hosted_url or hosted_key")
    return BadReply(f"{name}: what came back is not a chat reply: {said}. Does hosted_url end in the API's path, e.g. /v1?")


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or an HTTP date; None where there is none, or nonsense. Never below 0."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _by_status(status: int, name: str, said: str, chain: list[BaseException]) -> BackendError:
    wait = retry_after(_header(chain, "retry-after"), datetime.now(UTC))
    if status == 429 or (status == 503 and wait is not None):
        asked = "without saying for how long" if wait is None else f"for {wait:,.1f} s"
        return RateLimited(f"{name}: the model server asks to wait {asked} (HTTP {status}): {said}", wait)
    if status in {401, 403}:
        return BackendRejected(f"{name}: the API key was refused (HTTP {status}); correct hosted_key")
    if status == 404:
        return BackendRejected(f"{name}: no such model or address (HTTP 404): {said}. Correct hosted_model or hosted_url")
    if status == 408 or status >= 500:
        return BackendUnavailable(f"{name}: the model server failed (HTTP {status}): {said}")
    if status >= 400:
        return BackendRejected(f"{name}: the request was refused (HTTP {status}): {said}")
    return BadReply(f"{name}: what came back is not a chat reply (HTTP {status}): {said}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    """The HTTP status, as vendors carry it: on the error, or on its response."""
    for holder in (error, getattr(error, "response", None)):
        code = getattr(holder, "status_code", None)
        if isinstance(code, int):
            return code
    return None


def _code(error: BaseException) -> str | None:
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else None


def _header(chain: list[BaseException], name: str) -> str | None:
    headers = (getattr(getattr(link, "response", None), "headers", None) or {} for link in chain)
    return next((str(found[name]) for found in headers if name in found), None)


def _quote(chain: list[BaseException], secrets: Collection[str]) -> str:
    """The vendor's own words on one line, else the error's class."""
    error = chain[0]
    body = getattr(error, "body", None)
    text = str(body["message"]) if isinstance(body, dict) and body.get("message") else str(error)
    if text == "Connection error.":  # openai's, which says less than its causes
        text = next((words for link in chain if (words := str(link)) and words != text), text)
    if isinstance(error, json.JSONDecodeError):
        text = f"invalid JSON ({text})"
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    text = " ".join(text.split())
    text = text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"
    return text.rstrip(".") or type(error).__name__
