"""The administration's panels about tuning over a shop that has a run and an adapter: in both languages, at a desk and on a phone."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from finetune import adapters, loop
from finetune.said import label
from tests.browser.conftest import Visit, agree, ways
from tests.browser.test_customer_page import accessible
from tests.ui.shop import PASSWORD, Shop, user
from tests.ui.tuned import done_run, examples, measured
from ui.languages import page_texts

pytestmark = pytest.mark.browser
Visits = Callable[..., Visit]
Enter = Callable[..., Visit]
EVERYWHERE = pytest.mark.parametrize(("language", "size", "scheme"), ways(("en", "desk", "light")))


@pytest.fixture(scope="module")
def tuned(site: tuple[Shop, str]) -> Shop:
    app = site[0]
    user(app, "root", "admin", "Root")
    examples(app)
    done_run(app)
    measured(app)
    done_run(app, "second", "qlora")
    app.backends.add("local", "local", {"model": "starter", "four_bit": False})
    return app


@pytest.fixture
def enter(visit: Visits, tuned: Shop, site: tuple[Shop, str]) -> Enter:
    """Opens a place of the administration, signed in: `enter("#tab=training", "zh", "phone")`."""

    def open_page(place: str, language: str = "en", size: str = "desk", scheme: str = "light") -> Visit:
        seen = visit(language, size, scheme)
        seen.page.goto(f"{site[1]}/login")
        seen.page.locator("#name").fill("root")
        seen.page.locator("#password").fill(PASSWORD)
        seen.page.keyboard.press("Enter")
        seen.page.locator("html.ready .staff header h1").wait_for()
        go(seen, site[1], place)
        return seen

    return open_page


def go(seen: Visit, url: str, place: str) -> None:
    seen.page.goto(f"{url}/admin/{place}")
    seen.page.reload()
    seen.page.locator("html.ready .staff header h1").wait_for()


@EVERYWHERE
def test_every_panel_is_readable_and_keeps_its_place(enter: Enter, site: tuple[Shop, str], language: Any, size: str, scheme: str):
    words = page_texts("admin", language)
    seen = enter("#tab=training&run=first", language, size, scheme)
    page = seen.page
    expect(page.locator("#run svg.plot polyline.two")).to_be_visible()
    expect(page.locator("tr", has_text="second")).to_be_visible()
    for place, shown in (
        ("#tab=training&run=first", words["new_run"]),
        ("#tab=adapters&adapter=first", words["promotion"]),
        ("#tab=advice", label("advice_collect", language)),
        ("#tab=settings", words["settings"]),
    ):
        go(seen, site[1], place)
        expect(page.get_by_text(shown).first).to_be_visible()
        assert accessible(seen), place
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
        seen.shot(f"tuning-{place[5:9]}-{language}-{size}")
        assert page.url.endswith(place)


def test_what_is_not_shown_to_be_better_is_refused_and_its_report_opens(enter: Enter, tuned: Shop):
    seen = enter("#tab=adapters")
    page = seen.page
    page.locator("tr", has_text="first").get_by_role("button", name="Open").click()
    expect(page.locator("#evaluation li").first).to_contain_text("at least 40 are needed")
    page.get_by_text("All measures").click()
    expect(page.locator("#measures td", has_text="chrF")).to_be_visible()
    time.sleep(2.5)  # the page looks again by itself meanwhile, and what was opened stays open
    expect(page.locator("#measures td", has_text="chrF")).to_be_visible()
    before = tuned.policies.newest().version
    form, asked = page.locator("#promotion"), page.locator("dialog.sure")
    form.get_by_role("button", name="Promote", exact=True).click()
    expect(asked).to_be_hidden()  # a reason comes first
    reason = form.get_by_label("Promote although")
    reason.fill("a trial")
    page.evaluate("document.querySelector('#promotion select#backend').innerHTML = '<option>nowhere</option>'")
    form.get_by_label("Share").select_option("100")
    form.get_by_role("button", name="Promote", exact=True).click()
    for told in ("Promote first against the gate?", "not show it to be better", "on nowhere: All conversations"):
        expect(asked).to_contain_text(told)
    assert accessible(seen)
    seen.shot("tuning-sure")
    asked.get_by_role("button", name="Cancel").click()
    expect(asked).to_be_hidden()
    assert tuned.policies.newest().version == before
    form.get_by_role("button", name="Promote", exact=True).click()
    asked.get_by_role("button", name="Promote", exact=True).click()
    expect(page.locator(".toast.wrong")).to_contain_text("There is no local backend 'nowhere'")
    assert tuned.policies.newest().version == before
    expect(reason).to_have_value("a trial")  # nothing was done, so nothing is lost
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the report").click()
    expect(opened.value.locator("h1")).to_have_text("first: report")
    opened.value.close()


def test_a_promotion_empties_its_form_and_a_rollback_says_who_answers(enter: Enter, tuned: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ui.operations_tuning.base_of", lambda name, *_: name)
    monkeypatch.setattr(loop, "fits", lambda entry, _base: adapters.check(Path(entry.folder)))  # the base of these folders is invented
    seen = enter("#tab=adapters&adapter=first")
    page = seen.page
    form = page.locator("#promotion")
    form.get_by_label("Share").select_option("25")
    form.get_by_label("Promote although").fill("a trial")
    form.get_by_role("button", name="Promote", exact=True).click()
    agree(page, "Promote", "first against the gate")
    expect(form).to_contain_text("local · 25%")
    expect(form.get_by_label("Promote although")).to_have_value("")
    expect(form.get_by_label("Share")).to_have_value("100")
    form.get_by_role("button", name="Roll back").click()
    agree(page, "Roll back", "Take first back from local?")
    expect(page.locator(".toast")).to_have_text("first answers nobody any more. From the next turn on extractive is asked first.")
    assert tuned.policies.newest().default == "extractive"


def test_the_advice_changes_with_what_is_so_here(enter: Enter):
    seen = enter("#tab=advice")
    page = seen.page
    expect(page.locator("#advice h3").first).to_have_text("Collect more examples first")
    page.get_by_label("A strong hosted model is at hand").check()
    expect(page.locator("#fact-strong")).to_be_checked()
    page.get_by_label("The shop's data may go to it").check()
    expect(page.locator("#advice")).not_to_contain_text("a strong hosted model that may see the data")
    page.reload()
    expect(page.locator("#fact-may_leave")).to_be_checked()
    expect(page.locator("svg.tree")).to_have_attribute("aria-label", re.compile("Collect more"))


def test_doctor_finds_what_is_down_and_settings_are_told(enter: Enter):
    seen = enter("#tab=settings")
    row = seen.page.locator("#faults tr", has_text="Hosted backend")
    expect(row).to_contain_text("Start that server")
    expect(seen.page.locator("tr", has_text="hosted_model")).to_contain_text("stub")
    expect(seen.page.locator("tr", has_text="hosted_key")).to_contain_text("not set")
