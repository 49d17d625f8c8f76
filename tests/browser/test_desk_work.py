"""What a lead does beside taking over: replies kept and drafted, the inbox by keyboard, alerts, reports, prompts tried."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from bot.canned import Canned
from bot.desk import chat as chat_of
from bot.tables import conversations
from bot.versions import PromptVersions
from tests.browser.conftest import WAYS, Visit, agree, whole_ways
from tests.browser.test_customer_page import accessible
from tests.browser.test_desk_page import desk, leads, opened
from tests.ui.shop import HOSTILE, Shop
from ui.languages import page_texts

__all__ = ["desk", "leads"]
pytestmark = pytest.mark.browser
Desk = Callable[..., Visit]
Visits = Callable[..., Visit]
BOTH = pytest.mark.parametrize("where", WAYS[:2], ids="-".join)
EVERYWHERE = pytest.mark.parametrize("where", WAYS, ids="-".join)
Where = tuple[Any, str, str]


def taken(desk: Desk, visit: Visits, text: str, where: Where = ("en", "desk", "light")) -> tuple[Visit, Visit]:
    """A customer who said `text` and wants a person, and the lead who has taken the conversation."""
    language = where[0]
    customer = visit(language)
    customer.ask_to_the_end(text)
    customer.ask_to_the_end("人工" if language == "zh" else "a person please")
    seen = desk(*where)
    opened(seen, text)
    seen.page.get_by_role("button", name=page_texts("desk", language)["take"]).click()
    expect(seen.page.locator("#write-reply")).to_be_visible()
    return customer, seen


def tab(page: Page, name: str) -> None:
    page.locator(f'nav a[href="#tab={name}"]').click()
    expect(page.locator(f'.staff[data-tab="{name}"]')).to_be_visible()


@EVERYWHERE
def test_who_looks_elsewhere_is_told_that_somebody_waits(visit: Visits, desk: Desk, where: Where):
    """The checkbox is kept, the title counts, one notification comes, and it says nothing of what was written."""
    language = where[0]
    words = page_texts("desk", language)
    seen = desk(*where)
    page = seen.page
    page.context.add_init_script(
        "window.told = []; window.Notification = class { static permission = 'granted'; "
        "static async requestPermission() { return 'granted'; } constructor(title, more) { window.told.push(title + ' ' + more.body); } };"
        "document.hasFocus = () => false;"
    )
    seen.reload()
    page.locator('[data-open="keys"]').click()
    expect(page.get_by_label(words["notify_sound"])).not_to_be_checked()
    page.get_by_label(words["notify_show"]).check()
    page.get_by_role("dialog").get_by_role("button", name=words["done"]).click()
    seen.reload()
    before = int((re.match(r"\((\d+)\)", page.title()) or [0, 0])[1])
    customer = visit(language)
    customer.ask_to_the_end("人工 4711" if language == "zh" else "a person please 4711")
    expect(page).to_have_title(f"({before + 1}) {words['title']}")
    page.wait_for_function("window.told.length === 1")
    assert page.evaluate("window.told") == [f"{words['notify_title']} {words['notify_text'].format(n=before + 1)}"]
    page.locator('nav a[href="#tab=inbox"]').click()  # where one is already: nothing goes on working for ever
    page.locator("html:not(.working)").wait_for()


@pytest.mark.parametrize("where", whole_ways(WAYS[1]))
def test_a_canned_reply_is_made_used_changed_and_removed(visit: Visits, desk: Desk, leads: Shop, where: Where):
    language, size, _ = where
    words, shortcut = page_texts("desk", language), {"en": "greet", "zh": "问候"}[language]
    customer, seen = taken(desk, visit, f"a canned question {language} {size}", where)
    page = seen.page
    tab(page, "canned")
    assert accessible(seen)
    page.get_by_text(words["canned_new"]).first.click() if page.locator(f"#new-{language}:not([open])").count() else None
    page.locator(f"#shortcut-new-{language}").fill(f"/{shortcut}")
    page.locator(f"#text-new-{language}").fill(f"Hello {HOSTILE}")
    page.locator(f"#new-{language}").get_by_role("button", name=words["keep"]).click()
    card = page.locator("article.card", has=page.get_by_role("heading", name=f"/{shortcut}", exact=True))
    expect(card).to_contain_text("Hello <img")
    kept = Canned(leads.engine).find(shortcut, language)
    assert (kept.text, kept.author) == (f"Hello {HOSTILE}", "anna")
    seen.shot(f"desk-{language}-{size}-canned")

    card.get_by_text(words["edit"]).click()
    card.get_by_label(words["canned_text"]).fill("Hello, this is Anna.")
    card.get_by_role("button", name=words["keep"]).click()
    expect(card.locator(".plain")).to_have_text("Hello, this is Anna.")

    tab(page, "inbox")
    opened(seen, f"a canned question {language} {size}")
    box = page.locator("#write-reply")
    box.press_sequentially("/nosuch")
    expect(page.get_by_text(words["none_fits"])).to_be_visible()
    box.fill("")
    box.press_sequentially(f"Hm. /{shortcut[:2]}")
    expect(page.get_by_role("option").filter(has_text="Hello, this is Anna.")).to_be_visible()
    assert accessible(seen)
    seen.shot(f"desk-{language}-{size}-picker")
    box.press("Enter")
    expect(box).to_have_value("Hm. Hello, this is Anna.")
    expect(page.locator(".picker")).to_be_hidden()
    box.press("Enter")
    expect(customer.page.locator(".reply.person")).to_contain_text("Hm. Hello, this is Anna.")

    tab(page, "canned")
    card.get_by_role("button", name=words["remove"]).click()
    agree(page, words["remove"], f"/{shortcut}")
    expect(card).to_have_count(0)
    expect(page.locator(".empty")).to_contain_text(words["none_canned"])
    assert Canned(leads.engine).list(language) == ()


@EVERYWHERE
def test_a_suggested_reply_is_a_draft_until_somebody_sends_it(visit: Visits, desk: Desk, leads: Shop, where: Where):
    language, size, _ = where
    words = page_texts("desk", language)
    customer, seen = taken(desk, visit, f"a question to draft {language} {size}", where)
    customer.ask("How long is the window?")
    customer.settled()
    page = seen.page
    expect(page.locator(".talk")).to_contain_text("How long is the window?")
    page.get_by_role("button", name=words["suggest"]).click()
    draft = page.locator(".draft")
    expect(draft).to_contain_text(words["draft"])
    expect(draft).to_contain_text("returns/return-window.md")
    assert leads.router.drafted[-1][0] == "How long is the window?"
    assert f"a question to draft {language} {size}" in [line.text for line in leads.router.drafted[-1][1]]
    assert accessible(seen)
    seen.shot(f"desk-{language}-{size}-draft")
    page.wait_for_timeout(2500)  # the page has looked again by itself
    expect(draft).to_be_visible()
    expect(page.locator("#write-reply")).to_have_value("")
    chat = re.search(r"chat=([\w-]+)", page.url)
    assert chat
    assert [line.role for line in chat_of(leads.engine, chat[1])[1]].count("agent") == 0  # nothing was sent
    draft.get_by_role("button", name=words["draft_use"]).click()
    expect(page.locator("#write-reply")).to_have_value(re.compile(r"Keep the original box"))
    page.locator("#write-reply").press("Enter")
    expect(customer.page.locator(".reply.person")).to_contain_text("Keep the original box")
    expect(draft).to_have_count(0)


def test_no_draft_where_the_bot_knows_nothing(visit: Visits, desk: Desk):
    customer, seen = taken(desk, visit, "a hard question")
    customer.ask("unknown thing")
    customer.settled()
    expect(seen.page.locator(".talk")).to_contain_text("unknown thing")
    seen.page.get_by_role("button", name="Suggest").click()
    expect(seen.page.locator(".draft")).to_contain_text("finds no answer")
    expect(seen.page.locator(".draft [data-insert]")).to_have_count(0)
    seen.page.get_by_role("button", name="Dismiss").click()
    expect(seen.page.locator(".draft")).to_have_count(0)


def test_the_inbox_goes_by_the_keyboard(visit: Visits, desk: Desk):
    for text in ("keyboard one", "keyboard two"):
        visit().ask_to_the_end(text)
    seen = desk()
    page = seen.page
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next, previous conversation")
    assert accessible(seen)
    seen.shot("desk-en-desk-keys")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("keyboard")
    page.keyboard.press("Enter")
    expect(page.locator(".row")).to_have_count(2)
    expect(page.locator(".found")).to_contain_text("2 found")
    page.keyboard.press("Escape")
    for key, place in (("j", 0), ("j", 1), ("j", 1), ("k", 0), ("j", 1)):
        page.keyboard.press(key)
        expect(page.locator(".row").nth(place)).to_be_focused()
    page.wait_for_timeout(2500)
    expect(page.locator(".row").nth(1)).to_be_focused()  # also after the page has looked again
    page.keyboard.press("Enter")
    expect(page.locator(".talk")).to_contain_text("keyboard one")

    page.keyboard.press("?")
    page.get_by_label("Shortcuts of a single key are on").uncheck()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    seen.reload()
    page.locator("body").click(position={"x": 600, "y": 5})
    page.keyboard.press("/")
    expect(page.locator("#search")).not_to_be_focused()


@EVERYWHERE
def test_conversations_are_found_by_customer_and_language(visit: Visits, desk: Desk, leads: Shop, where: Where):
    language, size, _ = where
    words = page_texts("desk", language)
    mine, other = f"only in {language} {size}", "in the other language"
    visit(language).ask_to_the_end(mine)
    visit("en" if language == "zh" else "zh").ask_to_the_end(other)
    seen = desk(*where)
    page = opened(seen, mine)
    customer = chat_of(leads.engine, re.search(r"chat=([\w-]+)", page.url)[1])[0].customer  # type: ignore[index]
    if size == "phone":
        page.get_by_role("button", name=words["back"], exact=True).click()
    page.locator("#search").fill(customer[3:20].upper())
    expect(page.locator(".row")).to_have_count(1)  # without any key more
    expect(page.locator("#search")).to_be_focused()
    page.locator("#search").press_sequentially("zz")
    expect(page.locator(".list .empty")).to_contain_text(words["none_found"])
    expect(page.locator("#search")).to_have_value(f"{customer[3:20].upper()}zz")
    page.get_by_role("button", name=words["clear"]).click()
    expect(page.locator(".row", has_text="").nth(1)).to_be_visible()
    with leads.engine.begin() as connection:  # the scripted router knows no languages
        connection.execute(update(conversations).values(language="en"))
        connection.execute(update(conversations).where(conversations.c.customer == customer).values(language="zh"))
    page.locator("#lang").select_option("zh")
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator("#box-all b")).to_have_text("1")
    assert accessible(seen)
    page.locator("#lang").select_option("other")
    expect(page.locator(".list .empty")).to_contain_text(words["none_found"])
    page.get_by_role("button", name=words["clear"]).click()
    expect(page.locator(".row", has_text="").nth(1)).to_be_visible()


@BOTH
def test_who_waits_too_long_is_on_every_page_of_the_desk(visit: Visits, desk: Desk, leads: Shop, where: Where):
    language, size, _ = where
    words = page_texts("desk", language)
    with leads.engine.begin() as connection:
        connection.execute(update(conversations).where(conversations.c.state == "waiting").values(state="bot"))
    customer = visit(language)
    customer.ask_to_the_end("人工" if language == "zh" else "a person please")
    seen = desk(*where)
    page = seen.page
    expect(page.locator(".alert")).to_have_count(0)
    long_ago = datetime.now(UTC) - timedelta(minutes=7)
    with leads.engine.begin() as connection:
        connection.execute(update(conversations).where(conversations.c.state == "waiting").values(handover_at=long_ago))
    tab(page, "backends")
    alert = page.get_by_role("button", name=words["alert_waiting"].format(minutes=5, n=1))
    expect(alert).to_be_visible()
    assert accessible(seen)
    seen.shot(f"desk-{language}-{size}-alert")
    alert.click()
    page.locator(".row").first.click()
    page.get_by_role("button", name=words["take"]).click()
    expect(alert).to_have_count(0)


@pytest.mark.parametrize(("where", "days"), [(("en", "desk", "light"), "1"), (("zh", "phone", "dark"), "30")], ids=["en-1", "zh-30"])
def test_a_report_counts_what_was_said(visit: Visits, desk: Desk, where: Where, days: str):
    language, size, _ = where
    words = page_texts("desk", language)
    visit(language).ask_to_the_end("for the report")
    seen = desk(*where)
    page = seen.page
    tab(page, "reports")
    chosen = page.get_by_role("tab", name=words[f"days_{days}"], exact=True)
    chosen.click()
    expect(chosen).to_have_attribute("aria-selected", "true")
    tile = page.locator(".tiles > div", has_text=words["conversations"]).first.locator("b")
    before = int(tile.inner_text())
    visit(language).ask_to_the_end("one more for the report")
    chosen.click()
    expect(tile).to_have_text(str(before + 1))
    title = words["volume_hour" if days == "1" else "volume_day"]
    expect(page.locator("svg.chart").first).to_have_attribute("aria-label", re.compile(re.escape(title)))
    assert accessible(seen)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.shot(f"desk-{language}-{size}-report-{days}")
    page.wait_for_timeout(2500)
    expect(tile).to_have_text(str(before + 1))  # also after the page has looked again
    with page.expect_download() as started:
        page.get_by_role("link", name=words["sheet"]).click()
    rows = list(csv.DictReader(io.StringIO(started.value.path().read_text(encoding="utf-8-sig"))))
    counted = {row["figure"]: row["value"] for row in rows if row["of"] == "all"}
    assert counted["conversations"] == str(before + 1)


@BOTH
def test_a_prompt_is_previewed_and_tried_before_it_is_in_use(desk: Desk, leads: Shop, where: Where):
    language, size, _ = where
    words, versions = page_texts("desk", language), PromptVersions(leads.engine)
    before = versions.history()
    seen = desk(*where)
    page = seen.page
    tab(page, "prompts")
    page.locator(f"#system-{language}").fill(f"Rhyme {HOSTILE.replace('$', '$$')}. ${{passages}}")
    page.locator("#asked").fill("How long can I return it?")
    page.locator("#on").select_option("hosted")
    page.get_by_role("button", name=words["preview"], exact=True).click()
    expect(page.locator("#tried pre").first).to_contain_text("Rhyme <img")
    expect(page.locator("#tried .parts")).to_contain_text(words["part_system"])
    expect(page.locator("#tried .by").first).to_contain_text("hosted")
    assert page.evaluate("window.hit") is None
    assert accessible(seen)
    seen.shot(f"desk-{language}-{size}-preview")

    page.get_by_role("button", name=words["try_it"]).click()
    cards = page.locator("#tried .card")
    expect(cards).to_have_count(2)
    expect(cards.nth(0)).to_contain_text(words["asked_current"])
    expect(cards.nth(1)).to_contain_text("told: Rhyme")
    expect(cards.nth(1)).to_contain_text("no route to it")  # who was asked did not answer
    page.wait_for_timeout(2500)
    expect(cards).to_have_count(2)
    assert accessible(seen)
    seen.shot(f"desk-{language}-{size}-tried")
    assert versions.history() == before  # nothing was saved
    expect(page.locator(f"#system-{language}")).to_have_value(re.compile("Rhyme"))

    page.locator(f"#system-{language}").fill("Rhyme. ${secret}")
    page.get_by_role("button", name=words["try_it"]).click()
    expect(page.locator(".toast.wrong")).to_contain_text("${secret}")
    page.locator(f"#system-{language}").fill("Rhyme. ${passages}")
    page.locator("#comment").fill("for the test")
    page.get_by_role("button", name=words["set_prompt"]).click()
    expect(page.locator(".toast")).to_contain_text("1")
    assert versions.current(language).system == "Rhyme. ${passages}"


def test_what_a_saved_turn_would_be_sent_now_is_one_press_away(visit: Visits, desk: Desk):
    visit().ask_to_the_end("a turn to preview")
    seen = desk()
    page = opened(seen, "a turn to preview")
    page.get_by_role("button", name="Preview in the prompt editor").click()
    expect(page.locator("#of")).not_to_have_value("")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.locator("#tried .plain")).to_have_text("a turn to preview")
    expect(page.locator("#tried")).to_contain_text("does not read these messages")  # the policy asks the built-in backend first


@BOTH
def test_two_backends_answer_side_by_side(desk: Desk, leads: Shop, where: Where):
    language, size, _ = where
    words = page_texts("desk", language)
    seen = desk(*where)
    page = seen.page
    tab(page, "playground")
    page.locator("#try").fill("How long can I return it?")
    page.get_by_role("button", name=words["compare"]).click()
    cards = page.locator('[data-region="foot"] .card')
    expect(cards).to_have_count(2)
    expect(cards.nth(0)).to_contain_text("extractive says")
    expect(cards.nth(1)).to_contain_text("hosted: no route to it")
    assert accessible(seen)
    seen.shot(f"desk-{language}-{size}-playground")
    expect(page.locator("#try")).to_have_value("How long can I return it?")


def test_what_the_bot_saw_opens_on_a_middling_screen_too(visit: Visits, desk: Desk):
    visit().ask_to_the_end("seen on a tablet")
    seen = desk()
    page = seen.page
    page.set_viewport_size({"width": 1000, "height": 760})
    opened(seen, "seen on a tablet")
    expect(page.get_by_role("heading", name="What the bot saw")).to_be_hidden()
    page.get_by_role("button", name="What the bot saw").click()
    expect(page.get_by_role("heading", name="What the bot saw")).to_be_visible()
    expect(page.locator(".passages")).to_contain_text("0.91")
    page.locator(".passages summary").first.click()
    expect(page.locator(".passages pre").first).to_contain_text("Most products can be returned")
    assert accessible(seen)
    seen.shot("desk-en-middling-saw")
    page.locator(".shut").click()
    expect(page.get_by_role("heading", name="What the bot saw")).to_be_hidden()
