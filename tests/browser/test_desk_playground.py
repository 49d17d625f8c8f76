"""One question to several backends: what is there first is read first."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_customer_page import accessible
from tests.browser.test_desk_page import desk, leads
from ui import operations_desk

__all__ = ["desk", "leads"]
pytestmark = pytest.mark.browser


@pytest.mark.quick
def test_the_fast_backend_is_read_while_the_slow_one_still_answers(desk: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch):
    slow, plain = Event(), operations_desk.try_backends

    def try_backends(app: Any, emit: Any, *, text: str, names: list[str]) -> dict[str, Any]:
        if names == ["hosted"]:
            assert slow.wait(60)
        return plain(app, emit, text=text, names=names)

    monkeypatch.setattr(operations_desk, "try_backends", try_backends)
    seen = desk()
    page = seen.page
    page.get_by_role("link", name="Playground").click()
    page.locator("#try").fill("How long can I return it?")
    page.get_by_role("button", name="Compare").click()
    cards = page.locator('[data-region="foot"] .card')
    expect(cards.nth(0)).to_contain_text("extractive says")
    expect(cards.nth(1)).to_contain_text("Still answering")
    assert accessible(seen)
    seen.shot("desk-playground-waiting")
    page.wait_for_timeout(11_000)  # it asked, in vain, and asks again
    expect(cards.nth(1)).to_contain_text("Still answering")
    slow.set()
    expect(cards.nth(1)).to_contain_text("hosted: no route to it")
    expect(page.locator("progress")).to_have_count(0)
