"""An admin's day: documents, users, keys; and a lead's at the backends. Every panel changes something real and reads it back."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from bot.examples import Pool
from bot.versions import PromptVersions
from tests.browser.conftest import PATIENCE_MS, WAYS, Visit, agree, whole_ways
from tests.browser.test_customer_page import accessible
from tests.ui.shop import PASSWORD, Shop, user
from ui import audit
from ui.accounts import Accounts
from ui.languages import page_texts

pytestmark = pytest.mark.browser
Visits = Callable[..., Visit]
Enter = Callable[..., Visit]


@pytest.fixture(scope="module")
def staff(site: tuple[Shop, str]) -> Shop:
    user(site[0], "root", "admin", "Root")
    user(site[0], "lea", "lead", "Lea")
    return site[0]


@pytest.fixture
def enter(visit: Visits, staff: Shop, site: tuple[Shop, str]) -> Enter:
    """Opens a page of the staff, signed in: `enter("admin", "#tab=users", "root")`."""

    def open_page(page: str, place: str = "", name: str = "root", *, way: tuple[str, str, str] = WAYS[0]) -> Visit:
        seen = visit(*way)
        seen.page.goto(f"{site[1]}/login")
        seen.page.locator("#name").fill(name)
        seen.page.locator("#password").fill(PASSWORD)
        seen.page.keyboard.press("Enter")
        seen.page.locator("html.ready .staff header h1").wait_for()
        seen.page.goto(f"{site[1]}/{page}/{place}")
        seen.page.locator("html.ready .staff header h1").wait_for()
        return seen

    return open_page


@pytest.mark.parametrize("way", whole_ways(WAYS[0]))
def test_documents_come_in_are_found_and_go(enter: Enter, staff: Shop, tmp_path: Path, way: Any):
    language, size, _ = way
    words = page_texts("admin", language)
    good, bad = tmp_path / f"warranty-{language}-{size}.md", tmp_path / f"broken-{language}-{size}.pdf"
    good.write_text(f"# Warranty {size}\n\nThe {size} warranty lasts 24 months from delivery.\n", encoding="utf-8")
    bad.write_bytes(b"this is no PDF")
    seen = enter("admin", way=way)
    page = seen.page
    page.locator("input[type=file]").set_input_files([good, bad])
    listed, taken = page.locator("#documents tr", has_text=good.name), page.locator("#taken")
    expect(listed).to_be_visible()
    expect(taken.locator("tr", has_text=good.name)).to_contain_text(words["file_added"])
    expect(taken.locator("tr", has_text=bad.name)).to_contain_text(words["file_failed"])
    assert (staff.settings.data_dir / "documents" / good.name).exists()
    assert not (staff.settings.data_dir / "documents" / bad.name).exists()
    page.locator("#test").fill(f"How long is the {size} warranty?")
    page.keyboard.press("Enter")
    expect(page.locator(".hit").first).to_contain_text("24 months")
    verdict = page.locator(".verdict")
    best = float(page.locator(".hit .score").first.inner_text())
    expect(verdict).to_contain_text(f"{best:.2f}")
    page.locator("#threshold").fill(str(min(1, best + 0.05)))
    expect(page.locator(".slide output")).to_have_text(f"{min(1, best + 0.05):.2f}")
    page.locator("#threshold").dispatch_event("change")
    expect(verdict.locator(".bad")).to_be_visible()
    expect(page.locator(".hit.under").first).to_contain_text(words["under_threshold"])
    page.reload()  # nothing of it is lost
    expect(verdict.locator(".bad")).to_be_visible()
    expect(taken.locator("tr", has_text=bad.name)).to_contain_text(words["file_failed"])
    assert accessible(seen)
    seen.shot(f"admin-{language}-documents")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    taken.get_by_role("button", name=words["dismiss"]).click()
    expect(taken).to_have_count(0)
    good.write_text(f"# Warranty {size}\n\nThe {size} warranty lasts 36 months from delivery.\n", encoding="utf-8")
    page.locator("input[type=file]").set_input_files(good)
    expect(taken).to_contain_text(words["file_updated"])
    page.get_by_role("button", name=words["reindex"]).click()
    agree(page, words["reindex"], words["sure_reindex"].split("\n")[0])
    expect(page.locator("#reindexed")).to_be_visible()
    page.locator("#test").fill(f"How long is the {size} warranty?")
    page.keyboard.press("Enter")
    expect(page.locator(".hit").first).to_contain_text("36 months")
    listed.get_by_role("button", name=words["remove"]).click()
    agree(page, words["remove"], good.name)
    expect(listed).to_have_count(0)
    page.reload()
    page.locator("#documents, .empty").first.wait_for()
    expect(listed).to_have_count(0)
    assert not (staff.settings.data_dir / "documents" / good.name).exists()
    assert {entry.what for entry in audit.entries(staff.engine)} >= {"documents.upload", "documents.reindex", "documents.remove"}


def test_a_file_that_is_too_large_is_told_of_and_the_page_goes_on(enter: Enter, staff: Shop, tmp_path: Path):
    seen = enter("admin", way=WAYS[0])
    large, small = tmp_path / "large.md", tmp_path / "small.md"
    large.write_bytes(b"# Large\n" + b"x" * (13 * 2**20))
    small.write_text("# Small\n\nIt is small.\n", encoding="utf-8")
    seen.page.locator("input[type=file]").set_input_files(large)
    expect(seen.page.locator(".toast")).to_contain_text("large.md could not be sent")
    expect(seen.page.locator("html.working")).to_have_count(0)
    assert not (staff.settings.data_dir / "documents" / large.name).exists()
    seen.page.get_by_role("link", name="Users").click()
    expect(seen.page.locator(".toast")).to_be_hidden()  # it belongs to the panel where it happened
    seen.page.get_by_role("link", name="Documents").click()
    expect(seen.page.locator(".toast")).to_be_hidden()
    seen.page.locator("input[type=file]").set_input_files([small, large])
    expect(seen.page.locator(".toast.wrong")).to_contain_text("large.md")
    seen.page.locator("input[type=file]").set_input_files(small)
    expect(seen.page.locator(".toast.wrong")).to_have_count(0)
    expect(seen.page.locator("#documents tr", has_text=small.name)).to_be_visible()
    seen.errors.clear()  # the refusal


def test_a_user_is_made_signs_in_and_is_shut_out(enter: Enter, visit: Visits, staff: Shop, site: tuple[Shop, str]):
    seen = enter("admin", "#tab=users")
    page = seen.page
    page.get_by_label("User name").fill("nora")
    page.get_by_label("Shown to customers as").fill("Nora")
    page.get_by_role("button", name="Add user").click()
    expect(page.locator(".toast")).to_contain_text("One-time password of nora")
    password = page.locator(".toast code").inner_text()
    assert password not in page.url
    assert accessible(seen)
    seen.shot("admin-users")
    assert Accounts(staff.engine).sign_in("nora", password)
    row = page.locator("tr", has_text="nora")
    page.locator(".toast").get_by_role("button", name="Done").click()
    row.get_by_role("button", name="Disable").click()
    agree(page, "Disable", "Shut nora out?")
    expect(row).to_contain_text("Enable")
    assert Accounts(staff.engine).get("nora").disabled
    page.get_by_role("link", name="Audit log").click()
    expect(page.locator("tbody tr").first).to_contain_text("disabled a user")
    assert accessible(seen)


def test_a_key_is_made_and_revoked(enter: Enter, staff: Shop):
    seen = enter("admin", "#tab=keys")
    page = seen.page
    page.get_by_label("Name of the key").fill("website")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator(".toast")).to_contain_text("ad_")
    toast = page.locator(".toast")
    key = toast.locator("code").inner_text()
    assert staff.store.check_key(key) == "website"
    seen.shot("admin-key")
    toast.get_by_role("button", name="Copy").click()
    expect(toast.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key
    page.get_by_role("link", name="Users").click()
    expect(toast).to_be_hidden()
    page.get_by_role("link", name="API keys").click()
    expect(toast).to_contain_text(key)  # nobody could see it again
    page.keyboard.press("Escape")
    toast.get_by_role("button", name="Done").click()
    expect(toast).to_be_hidden()
    page.locator("tr", has_text="website").get_by_role("button", name="Revoke").click()
    page.locator("dialog.sure").get_by_role("button", name="Cancel").click()
    assert staff.store.check_key(key) == "website"
    page.locator("tr", has_text="website").get_by_role("button", name="Revoke").click()
    agree(page, "Revoke", "Revoke the key website?")
    expect(page.locator("tr", has_text="website")).to_contain_text("Revoked")
    assert staff.store.check_key(key) is None


def test_a_lead_sees_no_administration(enter: Enter, site: tuple[Shop, str]):
    seen = enter("desk", name="lea")
    expect(seen.page.get_by_role("link", name="Administration")).to_have_count(0)
    answer = seen.page.goto(f"{site[1]}/admin/")
    assert answer
    assert answer.status == 403
    expect(seen.page.locator("h1")).to_have_text(page_texts("signin", "en")["closed_title"])
    assert accessible(seen)
    seen.shot("closed")
    seen.page.get_by_role("link", name="Open the desk").click()
    seen.page.locator("html.ready .staff header h1").wait_for()
    seen.errors[:] = [error for error in seen.errors if "403" not in error]


@pytest.mark.quick
def test_who_was_going_somewhere_gets_there_by_the_sign_in(visit: Visits, staff: Shop, site: tuple[Shop, str]):
    seen = visit("zh")
    page, words = seen.page, page_texts("signin", "zh")
    page.goto(f"{site[1]}/admin/#tab=keys")
    page.locator("#name").fill("root")
    page.locator("#password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".alert")).to_have_text(words["wrong"])
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/#tab=keys")
    expect(page.locator("h2")).to_have_text(page_texts("admin", "zh")["tab_keys"])
    page.goto(f"{site[1]}/no/such/page")
    expect(page.locator("h1")).to_have_text(words["lost_title"])
    assert accessible(seen)
    seen.shot("lost")
    page.locator("#language").click()
    expect(page.locator("h1")).to_have_text(page_texts("signin", "en")["lost_title"])
    seen.errors[:] = [error for error in seen.errors if "404" not in error and "403" not in error]


@pytest.mark.parametrize("way", whole_ways(WAYS[1]))
def test_the_policy_is_changed_and_brought_back(enter: Enter, staff: Shop, way: Any):
    language = way[0]
    words = page_texts("desk", language)
    seen = enter("desk", "#tab=backends", "lea", way=way)
    page = seen.page
    before = staff.policies.newest()
    assert before.default == "extractive"
    page.get_by_label(words["default"]).select_option("extractive")
    page.get_by_label(words["canary"], exact=True).select_option("hosted")
    page.locator("#share").fill("20")
    page.locator("#rung0").select_option("hosted")
    page.locator("#why").fill("try the hosted model")
    time.sleep(2.5)  # the page looks again by itself meanwhile, and what was chosen stays
    page.get_by_role("button", name=words["set_policy"]).click()
    expect(page.locator(".toast")).to_contain_text(str(before.version + 1))
    changed = staff.policies.newest()
    assert changed.canary
    assert (changed.canary.backend, changed.canary.share, changed.ladder) == ("hosted", 0.2, ("hosted",))
    expect(page.locator("tbody tr").first).to_contain_text("try the hosted model")
    assert accessible(seen)
    seen.shot(f"desk-{language}-backends")
    if before.version:
        page.locator("tbody tr").nth(1).get_by_role("button", name=words["bring_back"]).click()
        expect(page.locator("tbody tr")).to_have_count(before.version + 2)
        assert staff.policies.newest().canary is before.canary
    else:
        staff.policies.update({"canary": None, "ladder": []}, "test", "back")


def test_two_leads_do_not_overwrite_each_others_policy(enter: Enter, staff: Shop):
    seen = enter("desk", "#tab=backends", "lea")
    page = seen.page
    page.locator("#why").fill("mine")
    read = page.locator("input[name=expected]").input_value()
    page.evaluate("document.querySelector('input[name=expected]').value = '9999'")
    page.get_by_role("button", name="Set the policy").click()
    expect(page.locator(".toast.wrong")).to_contain_text("changed meanwhile")
    assert staff.policies.newest().version == int(read)


def test_two_backends_answer_side_by_side(enter: Enter):
    seen = enter("desk", "#tab=playground", "lea")
    page = seen.page
    page.get_by_label("Question to try").fill("How long can I return?")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("article.card h3")).to_have_text(["extractive", "hosted"])
    time.sleep(2.5)
    expect(page.locator("article.card")).to_have_count(2)
    expect(page.locator("article.card").nth(1)).to_contain_text(re.compile("hosted says"))
    assert accessible(seen)
    seen.shot("desk-playground")


def test_a_prompt_is_changed_compared_and_brought_back(enter: Enter, staff: Shop):
    seen = enter("desk", "#tab=prompts&code=en", "lea")
    page, versions = seen.page, PromptVersions(staff.engine)
    before = versions.current("en")
    text = page.get_by_label("System template").input_value()
    page.get_by_label("System template").fill(f"{text}\nAlways end with a friendly word.")
    page.get_by_label("Why").fill("friendlier")
    page.get_by_role("button", name="Put in use").click()
    expect(page.locator("tbody tr").first).to_contain_text("friendlier")
    assert versions.current("en").system.endswith("Always end with a friendly word.")
    page.locator("tbody tr").nth(1).get_by_role("button", name="What changed").click()
    expect(page.locator("pre")).to_contain_text("+Always end with a friendly word.")
    assert accessible(seen)
    seen.shot("desk-prompts")
    page.locator("tbody tr").nth(1).get_by_role("button", name="Bring back").click()
    expect(page.get_by_label("System template")).to_have_value(text)
    assert versions.current("en").system == before.system


def test_transcripts_are_looked_at_then_proposed(enter: Enter, staff: Shop, tmp_path: Path):
    rows = [
        {
            "id": f"t{number}",
            "turns": [
                {"role": "customer", "text": f"{question} My mail is ann.lee{number}@example.com."},
                {"role": "agent", "text": answer},
            ],
        }
        for number, (question, answer) in enumerate(
            [
                ("Can I return a lamp that I have opened?", "Yes, an opened lamp can be returned within 30 days when it is not damaged."),
                ("How long does a parcel to Norway take?", "A parcel to Norway takes between five and seven working days."),
            ]
        )
    ]
    file = tmp_path / "chats.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    seen = enter("admin", "#tab=transcripts")
    page, before = seen.page, len(Pool(staff.engine).list())
    page.locator("input[type=file]").set_input_files(file)
    report = page.locator("article.card", has_text="chats.jsonl")
    expect(report).to_contain_text("Personal data replaced", timeout=PATIENCE_MS)
    assert len(Pool(staff.engine).list()) == before  # only looked at
    time.sleep(2.5)
    assert accessible(seen)
    seen.shot("admin-transcripts")
    report.get_by_role("button", name="Propose to the pool").click()
    expect(page.locator(".toast")).to_contain_text("proposed", timeout=PATIENCE_MS)
    proposed = Pool(staff.engine).list("pending")
    assert len(Pool(staff.engine).list()) == before + 2
    assert not any("@example.com" in example.question for example in proposed)
