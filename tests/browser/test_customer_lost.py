"""A server that goes away and comes back while customers write, and where one goes on writing after each press of a button."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Visit, ways
from tests.ui.shop import Shop, serving, shop, web
from ui.languages import texts

pytestmark = pytest.mark.browser
Visits = Callable[..., Visit]


@pytest.mark.parametrize(("language", "size", "scheme"), ways())
def test_whatever_is_sent_while_the_server_is_away_is_shown_kept_and_answered_when_it_is_back(
    visit: Visits, tmp_path: Path, language: Any, size: str, scheme: str
):
    words, app = texts(language), shop(tmp_path)
    with serving(web(app)) as url:
        seen = visit(language, size, scheme, at=url)
        page = seen.page
        page.locator("html.ready").wait_for()
        seen.ask_to_the_end("How long?")
    expect(page.locator("#brand .status")).to_have_text(words.lost, timeout=PATIENCE_MS)
    seen.ask("unknown one")
    expect(page.locator("#box textarea")).to_have_value("")
    page.locator("#box textarea").fill("unknown two")
    page.wait_for_timeout(600)
    page.locator("#send").click()
    page.wait_for_timeout(600)
    page.locator("#talk").click()
    sent = ["How long?", "unknown one", "unknown two", words.talk_request]
    expect(page.locator(".question .text")).to_have_text(sent)
    expect(page.locator(".problem")).to_have_text([re.compile(re.escape(words.offline))] * 3)
    page.locator("#fresh").click()
    expect(page.get_by_role("alert")).to_have_text(words.lost)
    page.locator("#box textarea").fill("a draft")
    seen.shot(f"lost-{size}-{scheme}-{language}")
    assert [request.text for request in app.router.asked] == sent[:1]
    with serving(web(app), int(url.rpartition(":")[2])):
        expect(page.locator(".notice.waiting")).to_be_visible(timeout=PATIENCE_MS)
        seen.settled()
        expect(page.locator(".question .text")).to_have_text(sent)
        expect(page.locator(".problem")).to_have_count(0)
        expect(page.locator("#brand .status")).to_have_text(words.status_waiting)
        expect(page.locator("#box textarea")).to_have_value("a draft")
        assert [request.text for request in app.router.asked] == sent
        assert len({request.conversation for request in app.router.asked}) == 1
        page.close()
    seen.errors.clear()  # of a connection that was refused


def test_a_suggested_question_in_a_new_chat_is_kept_for_that_chat(visit: Visits, tmp_path: Path):
    words, app = texts("en"), shop(tmp_path)
    with serving(web(app)) as url:
        seen = visit(at=url)
        page = seen.page
        page.locator("html.ready").wait_for()
        seen.ask_to_the_end("How long?")
        page.locator("#fresh").click()
        expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator("#brand .status")).to_have_text(words.lost, timeout=PATIENCE_MS)
    page.get_by_role("button", name=words.suggestions[1]).click()
    expect(page.locator(".problem")).to_contain_text(words.offline)
    with serving(web(app), int(url.rpartition(":")[2])):
        expect(page.locator(".question .text")).to_have_text([words.suggestions[1]], timeout=PATIENCE_MS)
        expect(page.locator("details")).to_have_count(2, timeout=PATIENCE_MS)  # of its answer: the first chat may show before it
        first, second = app.router.asked
        assert first.conversation != second.conversation
        page.close()
    seen.errors.clear()


def test_a_double_click_on_send_does_not_stop_the_answer(visit: Visits, site: tuple[Shop, str]):
    seen = visit()
    before = len(site[0].router.cancelled)
    seen.page.locator("#box textarea").fill("How long?")
    seen.page.locator("#send").hover()
    seen.page.mouse.down()
    seen.page.mouse.up()
    seen.page.locator("html.answering").wait_for()
    seen.page.mouse.down(click_count=2)
    seen.page.mouse.up(click_count=2)
    seen.settled()
    expect(seen.page.locator("details")).to_have_count(2)
    assert len(site[0].router.cancelled) == before


def test_one_goes_on_writing_after_a_suggestion_send_stop_and_new_chat(visit: Visits):
    seen, words = visit(), texts("en")
    page, box = seen.page, seen.page.locator("#box textarea")
    page.get_by_role("button", name=words.suggestions[0]).click()
    expect(box).to_be_focused()
    seen.settled()
    box.fill("a long story")
    page.locator("#send").click()
    expect(box).to_be_focused()
    expect(page.locator(".reply.growing")).to_contain_text("word by word word by word word by word")
    seen.stop()
    seen.settled()
    expect(box).to_be_focused()
    page.locator("#fresh").click()
    expect(page.locator(".welcome")).to_be_visible()
    expect(box).to_be_focused()
    page.get_by_role("button", name=words.talk).click()
    seen.settled()
    expect(page.locator("#talk")).to_be_disabled()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_who_sends_while_the_answer_streams_is_told_and_keeps_the_text(visit: Visits, language: Any):
    seen, words = visit(language), texts(language)
    seen.ask("a long story")
    expect(seen.page.locator(".reply.growing")).to_contain_text("word by word word by word word by word")
    seen.page.wait_for_timeout(600)
    seen.ask("And now?")
    expect(seen.page.get_by_role("alert")).to_have_text(words.wait)
    expect(seen.page.locator("#box textarea")).to_have_value("And now?")
    seen.shot(f"wait-{language}")
    seen.stop()
    seen.settled()
    expect(seen.page.get_by_role("alert")).to_be_hidden()
    seen.page.locator("#box textarea").press("Enter")
    expect(seen.page.locator(".question .text")).to_have_text(["a long story", "And now?"])
