"""A person at the desk and a customer who looks at another conversation, or whom the person leaves."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from bot import desk
from tests.browser.conftest import Visit, ways
from tests.browser.test_customer_page import accessible
from tests.ui.shop import Shop
from ui.languages import texts

pytestmark = pytest.mark.browser
Visits = Callable[..., Visit]


def before_time(text: str) -> str:
    return text.split("{time}", maxsplit=1)[0].format(name="Mei")


@pytest.mark.parametrize(("language", "size", "scheme"), ways())
def test_a_new_chat_does_not_hide_what_a_person_writes_in_the_other(
    visit: Visits, site: tuple[Shop, str], language: Any, size: str, scheme: str
):
    words, engine, seen = texts(language), site[0].engine, visit(language, size, scheme)
    page, strip = seen.page, seen.page.locator(".elsewhere")
    expect(strip).to_be_hidden()
    seen.ask_to_the_end(words.talk_request)
    conversation = site[0].router.asked[-1].conversation or ""
    expect(strip).to_be_hidden()
    page.locator("#fresh").click()
    expect(strip).to_contain_text(words.elsewhere)
    seen.ask_to_the_end("How long?")
    desk.take_over(engine, conversation, "mei", "Mei")
    desk.say(engine, conversation, "mei", message="l1", text="Hello, see https://shop.example/<b>")
    expect(strip).to_contain_text(before_time(words.elsewhere_said))
    assert re.search(r"UTC|\{", strip.inner_text()) is None
    assert accessible(seen)
    seen.shot(f"elsewhere-{size}-{scheme}-{language}")
    strip.get_by_role("button", name=words.elsewhere_open).click()
    expect(page.locator(".reply.person")).to_contain_text("Hello, see https://shop.example/<b>")
    link = page.locator(".reply.person a")
    expect(link).to_have_attribute("href", "https://shop.example/")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(strip).to_be_hidden()
    expect(page.locator("#talk")).to_be_disabled()
    assert accessible(seen)
    seen.shot(f"elsewhere-{size}-{scheme}-{language}-2-there")
    desk.close(engine, conversation, "mei")


@pytest.mark.parametrize(("language", "size", "scheme"), ways())
def test_a_person_who_leaves_is_told_calmly_and_the_assistant_goes_on(
    visit: Visits, site: tuple[Shop, str], language: Any, size: str, scheme: str
):
    words, engine, seen = texts(language), site[0].engine, visit(language, size, scheme)
    page = seen.page
    seen.ask_to_the_end(words.talk_request)
    conversation = site[0].router.asked[-1].conversation or ""
    desk.take_over(engine, conversation, "mei", "Mei")
    desk.say(engine, conversation, "mei", message="l1", text="Hello")
    expect(page.locator(".reply.person")).to_be_visible()
    seen.ask("How long?")
    page.locator(".question").nth(1).wait_for()
    seen.settled()
    desk.hand_back(engine, conversation, "mei")
    expect(page.locator(".notice.left")).to_contain_text(words.person_left.format(name="Mei"))
    expect(page.locator(".problem")).to_have_count(0)
    expect(page.locator("#talk")).to_be_enabled()
    assert accessible(seen)
    seen.shot(f"left-{size}-{scheme}-{language}")
    page.get_by_role("button", name=words.ask_bot).click()
    expect(page.locator(".sources")).to_be_visible()
    seen.settled()
    expect(page.locator(".question")).to_have_count(2)
    expect(page.locator(".notice.left")).to_have_text(words.person_left.format(name="Mei"))
