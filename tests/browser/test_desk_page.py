"""The desk beside a customer's page, in two browsers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bot.examples import Pool
from bot.flagged import propose_flagged
from bot.messages import Answer, Example, Request
from tests.browser.conftest import Visit, ways, whole_ways
from tests.browser.test_customer_page import accessible
from tests.ui.shop import HOSTILE, PASSWORD, Shop, user
from ui.accounts import Accounts
from ui.languages import page_texts, texts

pytestmark = pytest.mark.browser
Visits = Callable[..., Visit]


@pytest.fixture(scope="module")
def leads(site: tuple[Shop, str]) -> Shop:
    user(site[0], "anna", "lead", "Anna")
    user(site[0], "ben", "lead", "Ben")
    return site[0]


@pytest.fixture
def desk(visit: Visits, leads: Shop, site: tuple[Shop, str]) -> Callable[..., Visit]:
    """Opens the desk, signed in: `desk("zh", "phone", "dark", name="ben")`."""

    def open_desk(language: str = "en", size: str = "desk", scheme: str = "light", name: str = "anna") -> Visit:
        seen = visit(language, size, scheme)
        seen.page.goto(f"{site[1]}/desk")
        seen.page.locator("#name").fill(name)
        seen.page.locator("#password").fill(PASSWORD)
        seen.page.locator("form button.primary").click()
        seen.page.locator("html.ready .staff header h1").wait_for()
        return seen

    return open_desk


def opened(seen: Visit, text: str) -> Page:
    """The conversation that somebody said `text` in, found by the search."""
    seen.page.locator("#search").fill(text)
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator(".row")).to_have_count(1)
    seen.page.locator(".row").click()
    expect(seen.page.locator(".talk")).to_contain_text(text)
    return seen.page


@pytest.mark.parametrize(("language", "size", "scheme"), ways(("en", "desk", "light")))
def test_a_person_takes_over_while_the_customer_looks_on(visit: Visits, desk: Callable[..., Visit], language: Any, size: str, scheme: str):
    words, theirs, mark = page_texts("desk", language), texts(language), f"{language}-{size}"
    customer = visit(language, size)
    customer.ask_to_the_end("人工" if language == "zh" else "a person please")
    expect(customer.page.locator("#brand .status")).to_have_text(theirs.status_waiting)

    seen = desk(language, size, scheme)
    assert accessible(seen)
    seen.shot(f"desk-{mark}-1-inbox")
    seen.page.locator(".row").last.click()
    seen.page.get_by_role("button", name=words["take"]).click()
    expect(customer.page.locator("#brand .status")).to_have_text(theirs.status_person.format(name="Anna"))
    expect(customer.page.locator(".notice.person")).to_be_visible()
    seen.page.locator("#write-reply").fill(f"Hello from Anna {HOSTILE}")
    seen.page.keyboard.press("Enter")
    expect(customer.page.locator(".reply.person")).to_contain_text("Hello from Anna")
    assert customer.page.evaluate("window.hit") is None

    customer.ask("My parcel is lost")
    customer.settled()
    expect(seen.page.locator(".talk")).to_contain_text("My parcel is lost")
    expect(customer.page.locator(".reply.typing")).to_have_count(0)
    assert customer.page.locator(".reply:not(.person)").count() == 1  # the bot is silent
    seen.page.locator("#write-reply").fill("wants a refund")
    seen.page.get_by_role("button", name=words["note_send"]).click()
    expect(seen.page.locator("aside.note")).to_contain_text(["wants a refund"])
    expect(seen.page.locator("#write-reply")).to_have_value("")  # else the next Enter would send it to the customer
    assert accessible(seen)
    seen.shot(f"desk-{mark}-2-taken")
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    seen.page.locator(".menu summary", has_text=words["hand_back"]).click()
    seen.page.get_by_label(words["hand_back_note"]).fill("Wait for the invoice")
    assert accessible(seen)
    box = seen.page.locator(".menu form").bounding_box()
    assert box
    assert box["x"] >= 0  # all of it can be seen
    seen.shot(f"desk-{mark}-3-back")
    seen.page.keyboard.press("Escape")
    expect(seen.page.get_by_label(words["hand_back_note"])).to_be_hidden()
    seen.page.keyboard.press("Enter")  # the focus is where it was, and what was written stays
    seen.page.get_by_role("button", name=words["hand_back_do"]).click()
    expect(seen.page.locator("aside.note.returned")).to_contain_text("Wait for the invoice")
    expect(customer.page.locator("#brand .status")).to_have_text(theirs.status_ready)
    customer.ask_to_the_end("How long?")
    expect(customer.page.locator("details")).not_to_have_count(0)
    assert "invoice" not in customer.page.locator("body").inner_text()
    assert "refund" not in customer.page.locator(".log").inner_text().replace("Refunds", "").lower().replace("退款", "")


def test_of_two_leads_one_gets_the_conversation(visit: Visits, desk: Callable[..., Visit]):
    customer = visit()
    customer.ask_to_the_end("a person for two leads")
    anna, ben = desk(), desk(name="ben")
    for seen in (anna, ben):
        opened(seen, "a person for two leads")
    ben.page.get_by_role("button", name="Take over").click()
    expect(ben.page.locator("#write-reply")).to_be_visible()
    expect(anna.page.locator(".head .state")).to_have_text("With Ben")
    expect(anna.page.get_by_role("button", name="Take over")).to_have_count(0)
    expect(anna.page.locator("#write-reply")).to_have_count(0)


@pytest.mark.quick
def test_a_correction_becomes_an_approved_example(visit: Visits, desk: Callable[..., Visit], leads: Shop):
    customer = visit()
    customer.ask_to_the_end("How long is the correction window?")
    seen = desk()
    page = opened(seen, "correction window")
    expect(page.locator(".passages")).to_contain_text("returns/return-window.md")
    page.get_by_label("Better answer").fill("Thirty days, and 45 for members.")
    page.get_by_role("button", name="Propose").click()
    expect(page.locator(".toast")).to_contain_text("Proposed")
    page.get_by_role("link", name="Examples").click()
    card = page.locator(".card", has_text="Thirty days, and 45 for members.")
    expect(card).to_be_visible()
    assert accessible(seen)
    card.get_by_role("button", name="Approve").click()
    expect(card).to_have_count(0)
    approved = [example for example in Pool(leads.engine).list("approved") if "45 for members" in example.answer]
    assert [example.question for example in approved] == ["How long is the correction window?"]
    page.reload()
    page.get_by_role("tab", name=re.compile("Approved")).click()
    expect(page.locator(".card", has_text="Thirty days, and 45 for members.")).to_be_visible()


@pytest.mark.parametrize("way", whole_ways()[:2])
def test_an_approved_answer_that_a_customer_dislikes_is_corrected_in_the_pool(
    visit: Visits, desk: Callable[..., Visit], leads: Shop, way: Any
):
    language, size, scheme = way
    words, theirs = page_texts("desk", language), texts(language)
    question = {"en": "May I test a kite first?", "zh": "可以先试飞风筝吗？"}[language]
    wrong, right = {"en": ("Yes, for a day.", "No, kites cannot be tested."), "zh": ("可以试一天。", "不可以试飞。")}[language]
    old = Pool(leads.engine).add(Example("", question, wrong, language=language, state="approved")).example
    customer = visit(language, size, scheme)
    customer.ask_to_the_end(question)
    asked = leads.router.asked[-1]
    got = leads.store.receive(Request(question, asked.conversation, asked.customer))
    direct = Answer(wrong, got.conversation, got.message, backend="examples", language=language)  # given again, before any model
    leads.store.finish(direct, {"direct": {"example": old.id, "cosine": 1.0}})
    customer.reload()
    customer.page.locator(".reply", has_text=wrong).get_by_role("button", name=theirs.not_helpful).click()
    customer.page.get_by_role("button", name=theirs.why_reasons[0]).click()
    customer.page.get_by_role("button", name=theirs.why_send).click()
    expect(customer.page.locator(".said", has_text=theirs.rating_thanks)).to_be_visible()
    assert propose_flagged(leads.engine) == 1  # which the server does every few minutes
    seen = desk(language, size, scheme)
    page = seen.page
    page.get_by_role("tab", name=re.compile(words["box_flagged"])).click()
    expect(page.locator(".row", has_text=words["flag_thumbs_down"]).first).to_be_visible()
    page.get_by_role("link", name=words["tab_pool"]).click()
    card = page.locator(".card", has_text=question)
    expect(card).to_contain_text(words["takes_place"].format(answer=wrong))
    expect(card.get_by_role("button", name=words["approve"], exact=True)).to_have_count(0)
    assert accessible(seen)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.shot(f"disliked-{size}-{scheme}-{language}")
    card.get_by_label(words["better"]).fill(right)
    card.get_by_role("button", name=words["keep_example"]).click()
    expect(page.locator(".toast")).to_have_text(words["example_kept"])
    card.get_by_role("button", name=words["approve"], exact=True).click()
    expect(card).to_have_count(0)
    assert [example.answer for example in Pool(leads.engine).list("approved") if example.question == question] == [right]
    assert Pool(leads.engine).get(old.id).state == "rejected"


def test_a_flag_goes_when_it_was_looked_at(visit: Visits, desk: Callable[..., Visit]):
    customer = visit()
    customer.ask_to_the_end("unknown things to flag")
    seen = desk()
    seen.page.get_by_role("tab", name=re.compile("Flagged")).click()
    seen.page.locator(".row", has_text="Not answered").first.click()
    seen.page.get_by_role("button", name="Mark as reviewed").click()
    expect(seen.page.locator(".toast")).to_be_visible()
    expect(seen.page.get_by_role("button", name="Mark as reviewed")).to_have_count(0)
    seen.page.get_by_label("Search conversations").fill("things to flag")
    seen.page.keyboard.press("Enter")
    expect(seen.page.locator(".row")).to_have_count(1)


def test_a_session_that_ends_leads_back_to_the_sign_in(desk: Callable[..., Visit], leads: Shop):
    user(leads, "zoe", "lead", "Zoe")
    seen = desk(name="zoe")
    Accounts(leads.engine).disable("zoe")
    seen.page.wait_for_url("**/login?next=%2Fdesk%2F*")
    seen.errors[:] = [error for error in seen.errors if "401" not in error]


@pytest.mark.quick
def test_whoever_must_change_the_password_does_so_first(visit: Visits, leads: Shop, site: tuple[Shop, str]):
    password = Accounts(leads.engine).add("carl", "lead", "Carl")
    seen = visit("en", "phone")
    page = seen.page
    page.goto(f"{site[1]}/login")
    assert accessible(seen)
    page.locator("#name").fill("carl")
    page.locator("#password").fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    assert accessible(seen)
    for field, value in (("old", password), ("new", PASSWORD), ("again", PASSWORD)):
        page.locator(f"#{field}").fill(value)
    page.get_by_role("button", name="Save password").click()
    page.locator("html.ready .staff").wait_for()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
