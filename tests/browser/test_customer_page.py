import itertools
import re
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, Route, expect

from tests.browser.conftest import PATIENCE_MS, WAYS, Visit, ways
from tests.ui.shop import HOSTILE, Shop
from ui.languages import texts

pytestmark = pytest.mark.browser
Visits = Callable[..., Visit]
STILL = """Promise.all(document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => null))).then(() => true)"""
EVERYWHERE = pytest.mark.parametrize(("language", "size", "scheme"), ways())
EVERY_LOOK = [
    pytest.param(*look, marks=[pytest.mark.quick] if look in WAYS[:2] else [], id="-".join(look))
    for look in itertools.product(("en", "zh"), ("desk", "phone"), ("light", "dark"))
]


@pytest.mark.parametrize(("language", "size", "scheme"), EVERY_LOOK)
def test_a_visit(visit: Visits, site: tuple[Shop, str], language: Any, size: str, scheme: str):
    """Welcome, a suggested question, its answer and a source, thumbs with a reason, a person: readable for everyone throughout."""
    name, words = f"{size}-{scheme}-{language}", texts(language)
    seen = visit(language, size, scheme)
    page = seen.page
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
    expect(page).to_have_title(words.title.format(shop="TechCorp"))
    expect(page.get_by_role("heading", level=1)).to_have_text(words.title.format(shop="TechCorp"))
    assert accessible(seen)
    seen.shot(f"{name}-1-welcome")

    quick, site[0].router.pause_s = site[0].router.pause_s, 0.1  # so that a busy machine sees it grow, too
    page.get_by_role("button", name=words.suggestions[0]).click()
    expect(page.locator(".question")).to_have_text(re.compile(re.escape(words.suggestions[0])))
    expect(page.locator(".reply.growing")).to_be_visible()
    expect(page.get_by_role("button", name=words.stop)).to_be_visible()
    seen.shot(f"{name}-2-stream")
    seen.settled()
    site[0].router.pause_s = quick
    source = page.locator("details").first
    expect(source.locator("blockquote")).to_be_hidden()
    page.locator(".mark").first.click()
    expect(source.locator("blockquote mark")).to_be_visible()
    expect(source).to_contain_text("returns/return-window.md")
    assert accessible(seen)
    seen.shot(f"{name}-3-answer")

    page.get_by_role("button", name=words.not_helpful, exact=True).click()
    page.get_by_role("button", name=words.why_reasons[1]).click()
    assert accessible(seen)
    seen.shot(f"{name}-4-why")
    page.get_by_label(words.why_label).fill("14")
    page.get_by_role("button", name=words.why_send).click()
    expect(page.get_by_text(words.rating_thanks)).to_be_visible()

    seen.ask_to_the_end("unknown")
    seen.shot(f"{name}-5-unknown")
    page.locator(".chips.next").get_by_role("button", name=words.talk).click()
    expect(page.get_by_text(words.waiting_title)).to_be_visible()
    expect(page.locator("#brand .status")).to_have_text(words.status_waiting)
    seen.settled()
    assert accessible(seen)
    seen.shot(f"{name}-6-person")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#composer").bounding_box()["y"] > page.viewport_size["height"] - 120  # type: ignore[index]


@EVERYWHERE
def test_reloading_brings_the_conversation_back(visit: Visits, site: tuple[Shop, str], language: Any, size: str, scheme: str):
    seen = visit(language, size, scheme)
    seen.ask_to_the_end("How long?")
    before = seen.page.locator(".log").inner_text()
    seen.page.get_by_role("button", name=texts(language).helpful, exact=True).click()
    customer, conversation = site[0].router.asked[-1].customer or "", site[0].router.asked[-1].conversation or ""
    until(lambda: site[0].store.transcript(conversation, customer)[-1].rating == 1)
    seen.reload()
    assert seen.page.locator(".log").inner_text() == before
    expect(seen.page.locator("[data-rate='1']")).to_have_attribute("aria-pressed", "true")


def test_stop_keeps_what_came_and_marks_it(visit: Visits, site: tuple[Shop, str]):
    seen = visit()
    seen.ask("a long story")
    expect(seen.page.locator(".reply.growing")).to_contain_text("word by word")
    seen.stop()
    seen.settled()
    expect(seen.page.locator(".stopped")).to_have_text(texts("en").stopped)
    assert site[0].router.cancelled


def test_closing_the_tab_ends_the_turn(visit: Visits, site: tuple[Shop, str]):
    seen = visit()
    seen.ask("a long story")
    expect(seen.page.locator(".reply.growing")).to_be_visible()
    before = len(site[0].router.cancelled)
    seen.page.close()
    until(lambda: len(site[0].router.cancelled) == before + 1)


def test_two_clicks_are_one_message(visit: Visits):
    seen = visit()
    seen.page.locator("#box textarea").fill("How long?")
    seen.page.locator("#send").dblclick()
    seen.page.keyboard.press("Enter")
    seen.settled()
    expect(seen.page.locator(".question")).to_have_count(1)
    expect(seen.page.locator("#box textarea")).to_have_value("")


def test_nothing_and_too_much_are_not_sent(visit: Visits):
    seen = visit()
    seen.ask("   ")
    expect(seen.page.locator(".question")).to_have_count(0)
    seen.ask("字" * 4001)
    expect(seen.page.get_by_role("alert")).to_contain_text("4001")
    expect(seen.page.locator(".question")).to_have_count(0)
    assert len(seen.page.locator("#box textarea").input_value()) == 4001


def test_choosing_a_word_in_an_input_method_does_not_send(visit: Visits):
    seen = visit("zh")
    seen.page.locator("#box textarea").fill("tui huo")
    choosing = "(box) => box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    seen.page.locator("#box textarea").evaluate(choosing)
    time.sleep(0.3)
    expect(seen.page.locator(".question")).to_have_count(0)
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator(".question")).to_have_count(1)
    seen.settled()


def test_the_language_changes_the_whole_page_and_is_remembered(visit: Visits):
    seen = visit("en", "phone")
    seen.ask_to_the_end("How long?")
    seen.page.get_by_role("button", name="中文").click()
    expect(seen.page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(seen.page.locator("#talk")).to_have_text(texts("zh").talk)
    expect(seen.page.locator("#box textarea")).to_have_attribute("placeholder", texts("zh").placeholder)
    expect(seen.page.locator(".question")).to_contain_text("How long?")
    expect(seen.page.locator(".sources h3")).to_have_text(texts("zh").sources)
    seen.reload()
    expect(seen.page.locator("html")).to_have_attribute("lang", "zh-CN")
    seen.page.get_by_role("button", name="English").click()
    expect(seen.page.locator("#talk")).to_have_text(texts("en").talk)


def test_a_new_chat_is_another_conversation(visit: Visits, site: tuple[Shop, str]):
    seen = visit()
    seen.ask_to_the_end("How long?")
    seen.page.get_by_role("button", name=texts("en").new_chat).click()
    expect(seen.page.locator(".welcome")).to_be_visible()
    expect(seen.page.locator(".question")).to_have_count(0)
    seen.ask_to_the_end("And now?")
    first, second = site[0].router.asked[-2:]
    assert first.customer == second.customer
    assert first.conversation != second.conversation


def test_a_new_chat_leaves_a_running_answer_behind(visit: Visits):
    seen = visit()
    seen.ask("a long story")
    expect(seen.page.locator(".reply.growing")).to_be_visible()
    seen.page.get_by_role("button", name=texts("en").new_chat).click()
    expect(seen.page.locator(".welcome")).to_be_visible()
    seen.ask_to_the_end("How long?")
    expect(seen.page.locator(".question")).to_have_count(1)
    expect(seen.page.locator("details")).to_have_count(2)


def test_asking_again_and_copying(visit: Visits):
    seen = visit()
    seen.ask_to_the_end("How long?")
    seen.page.get_by_role("button", name=texts("en").copy).click()
    expect(seen.page.get_by_text(texts("en").copied)).to_be_visible()
    copied = seen.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Most products can be returned within 30 days of delivery. Print the label")
    assert "Keep the original box" in copied
    seen.page.get_by_role("button", name=texts("en").again).click()
    expect(seen.page.locator(".question")).to_have_count(2)
    seen.settled()
    assert seen.page.locator(".question .text").all_inner_texts() == ["How long?", "How long?"]


def test_a_failed_answer_can_be_tried_again(visit: Visits, site: tuple[Shop, str]):
    router = site[0].router
    seen = visit()
    router.down = True
    seen.ask_to_the_end("How long?")
    router.down = False
    expect(seen.page.locator(".problem")).to_contain_text(texts("en").unanswered)
    seen.page.get_by_role("button", name=texts("en").try_again).click()
    expect(seen.page.locator("details")).to_have_count(2)
    seen.settled()
    expect(seen.page.locator(".question")).to_have_count(1)
    assert router.asked[-1].message == router.asked[-2].message


@pytest.mark.quick
def test_a_question_asked_before_the_page_is_there_is_answered_in_it(visit: Visits):
    """Who asks at once is faster than the page's own first request, which tells it what the conversation is."""
    seen = visit()
    late: dict[str, list[Route]] = {"**/gradio_api/run/predict**": [], "**/gradio_api/queue/join**": []}
    for address, routes in late.items():
        seen.page.route(address, keeping(routes))
    seen.page.reload()
    seen.ask("How long?")
    expect(seen.page.locator(".question")).to_have_text("How long?")
    for address, routes in late.items():  # the page's own first, as on a busy server
        for route in routes:
            route.continue_()
        seen.page.unroute(address)
        seen.page.locator("html.ready").wait_for()
    expect(seen.page.locator("details")).to_have_count(2)
    seen.settled()
    expect(seen.page.locator(".question")).to_have_count(1)


def test_a_page_that_lost_its_server_says_so_calmly(visit: Visits):
    seen = visit()
    seen.context.set_offline(True)
    seen.ask("How long?")
    expect(seen.page.locator(".problem")).to_contain_text(texts("en").offline)
    seen.context.set_offline(False)
    expect(seen.page.locator("details")).to_have_count(2)
    expect(seen.page.locator(".question")).to_have_count(1)
    seen.settled()
    seen.errors[:] = [error for error in seen.errors if "ERR_INTERNET_DISCONNECTED" not in error]


def test_what_was_being_written_is_there_again_after_a_reload(visit: Visits):
    seen = visit("zh", "phone")
    seen.page.locator("#box textarea").fill("还没写完")
    seen.reload()
    expect(seen.page.locator("#box textarea")).to_have_value("还没写完")
    seen.page.keyboard.press("Tab")
    seen.page.locator("#box textarea").press("Enter")
    expect(seen.page.locator(".question")).to_have_text(re.compile("还没写完"))
    seen.settled()
    seen.reload()
    expect(seen.page.locator("#box textarea")).to_have_value("")
    expect(seen.page.locator(".question")).to_have_count(1)


def test_a_full_queue_is_told_calmly(visit: Visits):
    seen = visit()
    seen.page.route("**/queue/join*", lambda route: route.fulfill(status=503, json={"detail": "Queue is full."}))
    seen.ask("How long?")
    expect(seen.page.locator(".problem")).to_contain_text(texts("en").busy)
    seen.page.unroute("**/queue/join*")
    for language in ("zh-CN", "en"):  # whatever the page shows anew, what could not be sent stays
        seen.page.locator("#language").click()
        expect(seen.page.locator("html")).to_have_attribute("lang", language)
        expect(seen.page.locator(".question")).to_contain_text("How long?")
        expect(seen.page.locator(".problem")).to_be_visible()
    seen.page.get_by_role("button", name=texts("en").try_again).click()
    expect(seen.page.locator("details")).to_have_count(2)
    seen.settled()
    seen.errors[:] = [error for error in seen.errors if "503" not in error]


@pytest.mark.parametrize("size", [pytest.param("desk", marks=pytest.mark.quick), "phone"])
def test_hostile_text_stays_text(visit: Visits, size: str):
    seen = visit("en", size)
    seen.ask_to_the_end(f"hostile {HOSTILE}")
    seen.page.locator("summary").click()
    seen.page.reload()
    seen.page.locator("html.ready").wait_for()
    expect(seen.page.locator(".question .text")).to_have_text(f"hostile {HOSTILE}")
    assert seen.page.evaluate("window.hit") is None
    assert seen.page.locator("#chat :is(img, script, iframe, a, svg, object, link, style)").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_systems_scheme_and_gradios_parameter_are_followed(visit: Visits, site: tuple[Shop, str], scheme: str):
    ground = {"light": "rgb(244, 246, 245)", "dark": "rgb(15, 21, 20)"}
    seen = visit("en", "desk", scheme)
    expect(seen.page.locator("body")).to_have_css("background-color", ground[scheme])
    other = {"light": "dark", "dark": "light"}[scheme]
    seen.page.goto(f"{site[1]}/?__theme={other}")
    seen.page.locator("html.ready").wait_for()
    expect(seen.page.locator("body")).to_have_css("background-color", ground[other])


def test_the_keyboard_alone_is_enough(visit: Visits):
    seen = visit()
    seen.ask_to_the_end("How long?")
    mark = seen.page.locator(".mark").first
    mark.focus()
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator("details[open]")).to_have_count(1)
    expect(seen.page.locator("summary").first).to_be_focused()
    seen.page.keyboard.press("Space")
    expect(seen.page.locator("details[open]")).to_have_count(0)


def keeping(routes: list[Route]) -> Callable[[Route], None]:
    """Holds requests back until somebody lets them go."""
    return lambda route: routes.append(route)  # noqa: PLW0108  (Playwright looks at its arguments)


def until(so: Callable[[], bool]) -> None:
    """Wait for what the server does by itself, however busy the machine is."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not so() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert so()


def accessible(seen: Visit, frame: Frame | None = None) -> bool:
    """True when axe finds nothing against WCAG 2.1 A and AA, in the page or in a frame of it; the findings are printed.

    What moves is waited for, but for what moves for ever.
    """
    (frame or seen.page).evaluate(STILL)
    found = Axe().run(cast("Page", frame or seen.page), options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    print(found.generate_report() if found.violations_count else "")
    return not found.violations_count
