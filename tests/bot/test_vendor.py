"""From the errors of vendors to ours."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.vendor import retry_after, translate
from bot.errors import (
    BackendRejected,
    BackendUnavailable,
    BadReply,
    RateLimited,
)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7),
        ("-3", 0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:10 GMT", 10),
        ("Wed, 21 Oct 2026 09:28:10 +0200", 10),
        ("Wed, 21 Oct 2026 07:28:10 -0000", 10),
        ("Wed, 21 Oct 2020 07:28:10 GMT", 0),
        ("Wed, 99 Oct 2026 07:28:10 GMT", None),
    ],
)
def test_retry_after_header(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)) == seconds


@given(st.text())
def test_no_retry_after_header_raises(header: str) -> None:
    seconds = retry_after(header, datetime(2026, 1, 1, tzinfo=UTC))
    assert seconds is None or seconds >= 0


def test_a_bug_or_an_unknown_vendor_is_an_unusable_reply() -> None:
    assert isinstance(translate(KeyError("x"), "any"), BadReply)


class VendorError(Exception):
    """As anthropic, mistral and others make theirs."""

    def __init__(self, status_code: int) -> None:
        super().__init__("vendor")
        self.status_code = status_code


def test_other_vendors_are_understood_by_their_status() -> None:
    kinds = [type(translate(VendorError(status), "any")) for status in (400, 401, 429, 529)]
    assert kinds == [BackendRejected, BackendRejected, RateLimited, BackendUnavailable]


def test_the_remedy_names_what_set_the_backend_up() -> None:
    class Refused(Exception):
        status_code = 404

    assert "Correct hosted_model or hosted_url" in str(translate(Refused("gone"), "hosted"))
    added = str(translate(Refused("gone"), "foo"))
    assert "hosted_" not in added
    assert "Correct its model (`answerdesk backends remove`, then `add`) or its url" in added
