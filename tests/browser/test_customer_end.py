"""The end of a conversation, a person who is away, and one's own data, in a browser; what the desk sees of it."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from bot import desk
from tests.browser.conftest import Visit, ways
from tests.browser.test_customer_page import accessible
from tests.ui.shop import PASSWORD, Shop, elsewhen, serving, shop, user, web
from ui.languages import page_texts, texts

pytestmark = pytest.mark.browser
Visits = Callable[..., Visit]
EVERYWHERE = pytest.mark.parametrize(("language", "size", "scheme"), ways())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, str]]:
    """A shop whose people are away."""
    app = shop(tmp_path_factory.mktemp("end"), office_hours=elsewhen(), office_zone="Asia/Shanghai")
    user(app, "anna", "lead", "Anna")
    with serving(web(app)) as url:
        yield app, url


def customer(site: tuple[Shop, str]) -> str:
    """Who asked last."""
    return site[0].router.asked[-1].customer or ""


@pytest.mark.parametrize(("language", "size", "scheme"), ways(("zh", "phone", "dark")))
def test_a_conversation_is_rated_at_its_end_and_the_desk_reads_it(
    visit: Visits, site: tuple[Shop, str], language: Any, size: str, scheme: str
):
    words, theirs = texts(language), page_texts("desk", language)
    seen = visit(language, size, scheme)
    page = seen.page
    expect(page.get_by_role("button", name=words.end)).to_be_hidden()
    seen.ask_to_the_end("How long?")
    page.get_by_role("button", name=words.not_helpful, exact=True).click()
    page.get_by_role("button", name=words.why_reasons[2]).click()
    page.get_by_role("button", name=words.why_send).click()
    page.get_by_role("button", name=words.end).click()
    expect(page.locator(".notice.closed")).to_have_text(words.closed)
    star = page.get_by_label(words.score_n.format(n=1, name=words.scores[0]))
    star.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_label(words.score_n.format(n=4, name=words.scores[3]))).to_be_checked()
    page.get_by_label(words.score_why).fill("<b>quick</b>")
    assert accessible(seen)
    seen.shot(f"end-{size}-{language}-1-rating")
    page.get_by_role("button", name=words.score_send).click()
    expect(page.locator(".rated")).to_contain_text(words.score_thanks.format(n=4))
    seen.reload()
    expect(page.locator(".rated")).to_contain_text(words.score_thanks.format(n=4))
    expect(page.locator("form.rating")).to_have_count(0)
    assert accessible(seen)

    page.goto(f"{site[1]}/desk")
    page.locator("#name").fill("anna")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("tab", name=re.compile(theirs["box_all"])).click()
    page.locator(".row").first.click()
    expect(page.locator("aside.note.rated")).to_contain_text([theirs["rated"].format(n=4) + "“<b>quick</b>”"])
    expect(page.locator(".said .why")).to_contain_text(words.why_reasons[2])
    expect(page.locator("aside.note.closed")).to_contain_text(theirs["the_customer"])
    seen.shot(f"end-{size}-{language}-2-desk")


def test_who_writes_again_is_answered_and_may_rate_what_comes_next_only_if_not_yet(visit: Visits):
    seen = visit()
    seen.ask_to_the_end("How long?")
    seen.page.get_by_role("button", name="End chat").click()
    expect(seen.page.locator("form.rating")).to_be_visible()
    seen.ask_to_the_end("And for members?")
    expect(seen.page.locator("form.rating")).to_have_count(0)
    expect(seen.page.locator(".notice.closed")).to_have_count(0)
    seen.page.get_by_role("button", name="End chat").click()
    expect(seen.page.locator("form.rating")).to_be_visible()


@EVERYWHERE
def test_outside_of_the_office_hours_a_person_is_promised_and_comes(
    visit: Visits, site: tuple[Shop, str], language: Any, size: str, scheme: str
):
    words, seen = texts(language), visit(language, size, scheme)
    page, app = seen.page, site[0]
    page.locator("#talk").click()
    expect(page.locator(".notice.waiting .away")).to_contain_text(words.waiting_away.split("{time}")[0])
    assert re.search(r"UTC|\{", page.locator(".notice.waiting").inner_text()) is None  # in the visitor's own time
    seen.settled()
    assert accessible(seen)
    seen.shot(f"end-{size}-{language}-3-away")
    conversation = app.store.latest(customer(site)) or ""
    assert conversation in [chat.id for chat in desk.inbox(app.engine, "waiting", "anna")]
    desk.take_over(app.engine, conversation, "anna", "Anna")
    expect(page.locator("#brand .status")).to_have_text(words.status_person.format(name="Anna"))
    expect(page.locator(".notice.waiting")).to_have_count(0)
    desk.hand_back(app.engine, conversation, "anna")
    expect(page.locator("form.rating")).to_be_visible()


@EVERYWHERE
def test_ones_own_data_is_taken_and_erased(visit: Visits, site: tuple[Shop, str], language: Any, size: str, scheme: str):
    words, seen = texts(language), visit(language, size, scheme)
    page, app = seen.page, site[0]
    seen.ask_to_the_end("How long does my Zanzibar last?")
    whose = customer(site)
    page.get_by_role("button", name=words.data).click()
    assert accessible(seen)
    with page.expect_download() as downloading:
        page.get_by_role("button", name=words.data_download).click()
    kept = json.loads(Path(downloading.value.path()).read_text(encoding="utf-8"))
    assert kept["conversations"][0]["lines"][0]["text"] == "How long does my Zanzibar last?"

    page.get_by_role("button", name=words.data_erase).click()
    expect(page.get_by_role("button", name=words.data_keep)).to_be_focused()
    page.get_by_role("button", name=words.data_keep).click()
    assert app.store.latest(whose)
    page.get_by_role("button", name=words.data_erase).click()
    assert accessible(seen)
    seen.shot(f"end-{size}-{language}-4-erase")
    page.get_by_role("button", name=words.data_sure).click()
    expect(page.get_by_role("alert")).to_have_text(words.erased)
    expect(page.locator(".question")).to_have_count(0)
    expect(page.locator(".welcome")).to_be_visible()
    assert app.store.latest(whose) is None
    seen.ask_to_the_end("How long?")
    assert app.store.latest(whose)


def test_a_source_opens_at_the_sentence_that_was_cited(visit: Visits):
    seen = visit("en", "phone")
    seen.ask_to_the_end("a long page please")
    seen.page.locator(".mark").click()
    expect(seen.page.locator("blockquote mark")).to_be_in_viewport()
    expect(seen.page.locator("blockquote mark")).to_have_text("The cable is two metres long.")
    seen.page.locator("summary").click()
    seen.page.locator("summary").click()
    expect(seen.page.locator("blockquote mark")).to_be_in_viewport()
