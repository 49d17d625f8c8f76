"""The admin's day: transcripts in, approved, a model tuned on them, measured, promoted, asked by a customer, taken back.

It begins in English at a desk and ends in Chinese on a phone. The model is the tests' own of a few thousand weights, which says nothing
that means anything: the gate is against it, and the admin says why it is to answer all the same.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Page, expect

from bot.examples import Pool
from bot.recall import Recall
from bot.router import Router
from finetune import loop
from finetune.starter import Recipe, make_tokenizer
from tests.browser.conftest import PATIENCE_MS, SIZES, Visit, agree
from tests.browser.test_customer_page import accessible
from tests.finetune.talks import write_talks
from tests.tiny import tiny_model
from tests.ui.shop import PASSWORD, Shop, serving, shop, user, web
from ui import audit, operations_desk
from ui.build import lessons, rules
from ui.languages import page_texts
from ui.operations_training import jobs_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(2400)]
Visits = Callable[..., Visit]
EN, ZH = page_texts("admin", "en"), page_texts("admin", "zh")
WORK_MS = 900_000  # what training or measuring may take on a busy machine
SOON_MS = 120_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, str]]:
    """A new shop whose turns are real ones, with a tiny model as its local backend."""
    folder = tmp_path_factory.mktemp("day")
    words = make_tokenizer(Recipe())  # of words, not of bytes: a prompt is a few hundred tokens
    model = tiny_model(folder / "tiny", tokenizer=words, positions=4096)
    app = shop(folder / "data")
    app = replace(app, settings=app.settings.model_copy(update={"max_tokens": 16, "hosted_url": ""}))
    app.backends.add("local", "local", {"model": str(model), "four_bit": False})
    app.policies.update({"limits": {"first_token_s": 100, "idle_s": 100, "total_s": 300, "turn_s": 300}}, "test", "a busy machine")
    taught = lessons(app.settings, app.engine, app.index.embedder)
    router: Any = Router(app.store, app.index, app.dispatch, rules(app.settings), lessons=taught, recall=Recall(app.engine))
    user(app, "root", "admin", "Root")
    with pytest.MonkeyPatch.context() as fewer, serving(web(replace(app, router=router))) as url:
        fewer.setattr(loop, "GENERAL", 8)  # questions of the evaluation, each asked of both
        fewer.setattr(loop, "REFUSED", 4)
        expect.set_options(timeout=SOON_MS)
        yield app, url
        expect.set_options(timeout=PATIENCE_MS / 2)
    for job in jobs_of(folder / "data").all():
        jobs_of(folder / "data").stop(job.run)  # of a test that failed: a run outlives its server


def test_from_transcripts_to_an_adapter_that_answers_and_back(visit: Visits, site: tuple[Shop, str], tmp_path: Path):
    app, url = site
    admin = signed_in(visit("en", patience_ms=SOON_MS), url)
    page = admin.page

    teach(admin, app, url, tmp_path)
    train(admin, url)
    measure_in_chinese(admin, url)
    promote(admin)
    backend, adapter = answered(visit, app, "48213")
    assert (backend, adapter.split("@")[0]) == ("local", "r1")
    page.get_by_role("button", name=ZH["roll_back"]).click()
    agree(page, ZH["roll_back"], "r1")
    expect(page.locator(".toast")).to_contain_text(ZH["now_first"].format(first="extractive"))
    expect(page.get_by_text(ZH["answers_not"])).to_be_visible()
    assert answered(visit, app, "48215") == ("extractive", "")
    assert not app.policies.newest().adapters
    whats = [entry.what for entry in audit.entries(app.engine)]
    for what in ("train", "stop", "resume", "evaluate", "promote", "rollback"):
        assert f"finetune.{what}" in whats
    go(page, f"{url}/admin/#tab=adapters&adapter=r1")
    expect(page.locator("tr", has_text=ZH["no_adapter"])).to_be_visible()


def signed_in(seen: Visit, url: str) -> Visit:
    seen.page.goto(f"{url}/login")
    seen.page.locator("#name").fill("root")
    seen.page.locator("#password").fill(PASSWORD)
    seen.page.keyboard.press("Enter")
    seen.page.locator("html.ready .staff header h1").wait_for()
    return seen


def go(page: Page, address: str) -> None:
    page.goto(address)
    page.reload()
    page.locator("html.ready .staff header h1").wait_for()


def teach(admin: Visit, app: Shop, url: str, folder: Path) -> None:
    """A page of the shop, then what people said: looked at, with what is personal marked, and approved."""
    page = admin.page
    orders = folder / "orders.md"
    said = [f"Order {number} leaves the house today and arrives within three days." for number in range(48210, 48220)]
    orders.write_text("# Orders\n\n" + "\n\n".join(said), encoding="utf-8")
    go(page, f"{url}/admin/#tab=training")
    expect(page.get_by_text(EN["no_material"])).to_be_visible()
    assert accessible(admin)
    go(page, f"{url}/admin/#tab=documents")
    page.locator("input[type=file]").set_input_files(orders)
    expect(page.locator("#documents tr", has_text="orders.md")).to_be_visible()
    page.get_by_role("link", name=EN["tab_transcripts"]).click()
    talks = write_talks(folder / "talks.jsonl", 40)
    talks.write_text(talks.read_text(encoding="utf-8").replace("Can I return order", "I am Anna Lee. Can I return order"), encoding="utf-8")
    page.locator("input[type=file][data-do=check_transcripts]").set_input_files(talks)
    report = page.locator("article.card", has_text="talks.jsonl")
    expect(report).to_contain_text(EN["personal"])
    expect(report.locator("mark").first).to_have_text("[NAME_1]")
    assert not Pool(app.engine).list()
    assert accessible(admin)
    admin.shot("day-0-transcripts")
    report.get_by_role("button", name=EN["import_approve"]).click()
    agree(page, EN["import_approve"], "talks.jsonl")
    expect(page.locator(".toast")).to_contain_text("approved")
    assert len(Pool(app.engine).list("approved")) > 60


def train(admin: Visit, url: str) -> None:
    """One run is found again by a reload, stopped and gone on with; another, shorter one ends by itself."""
    page, run = admin.page, admin.page.locator("#run")
    begin(admin, url, "long", "100000")
    expect(run.locator("svg.plot polyline.one")).to_be_visible(timeout=WORK_MS)
    page.reload()
    expect(run).to_contain_text(EN["run_running"])
    expect(run.locator("svg.plot polyline.one")).to_be_visible()
    expect(run.locator("pre.log")).to_contain_text(re.compile(r"step \d+/100000"), timeout=WORK_MS)
    assert accessible(admin)
    admin.shot("day-2-running")
    run.get_by_role("button", name=EN["stop_run"]).click()
    expect(run).to_contain_text(EN["run_stopped"], timeout=WORK_MS)
    go(page, f"{url}/admin/#tab=training")  # whoever has lost the place finds it in the list
    page.locator("tr", has_text="long").get_by_role("button", name=EN["open"]).click()
    run.get_by_role("button", name=EN["resume_run"]).click()
    expect(run).to_contain_text(EN["run_running"])
    run.get_by_role("button", name=EN["stop_run"]).click()
    expect(run).to_contain_text(EN["run_stopped"], timeout=WORK_MS)
    begin(admin, url, "r1", "12")
    expect(run.get_by_role("button", name=EN["to_adapter"])).to_be_visible(timeout=WORK_MS)
    expect(run).to_contain_text("12 / 12")
    assert accessible(admin)
    admin.shot("day-3-done")
    run.get_by_role("button", name=EN["to_adapter"]).click()


def begin(admin: Visit, url: str, name: str, steps: str) -> None:
    """Estimated, with the command that does the same, then begun."""
    page = admin.page
    go(page, f"{url}/admin/#tab=training")
    page.get_by_label(EN["method"]).select_option("lora")
    page.get_by_label(EN["option_steps"], exact=True).fill(steps)
    page.get_by_text(EN["more_options"]).click()
    page.get_by_label(EN["option_batch"]).fill("2")
    page.get_by_label(EN["option_name"]).fill(name)
    page.get_by_role("button", name=EN["estimate"]).click()
    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text(EN["takes_memory"], timeout=WORK_MS)
    said = f"answerdesk finetune train --base .*tiny --method lora .*--steps {steps} .*--data-dir /"
    expect(estimate.locator("pre")).to_contain_text(re.compile(said))
    assert accessible(admin)
    admin.shot("day-1-estimate")
    estimate.get_by_role("button", name=EN["begin_run"]).click()
    expect(page.locator("#run h3")).to_contain_text(name, timeout=WORK_MS)


def measure_in_chinese(admin: Visit, url: str) -> None:
    """Measured while the page is elsewhere; the verdict, the pictures, the replies and the report."""
    page = admin.page
    page.get_by_role("button", name="中文").click()
    width, height = SIZES["phone"]
    page.set_viewport_size({"width": width, "height": height})
    expect(page.get_by_text(ZH["not_evaluated"])).to_be_visible(timeout=SOON_MS)
    page.get_by_role("button", name=ZH["evaluate"], exact=True).click()
    expect(page.get_by_text(ZH["evaluating"])).to_be_visible()
    go(page, f"{url}/admin/#tab=keys")
    go(page, f"{url}/admin/#tab=adapters&adapter=r1")
    evaluation = page.locator("#evaluation")
    expect(evaluation).to_be_visible(timeout=WORK_MS)
    expect(evaluation.locator(".mark").first).to_have_text(re.compile(f"{ZH['gate_pass']}|{ZH['gate_fail']}"))
    expect(evaluation.locator("svg.plot")).to_have_count(2)
    expect(evaluation.locator("#replies tbody tr").first).to_be_visible()
    assert accessible(admin)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    admin.shot("day-4-evaluated")
    with page.expect_popup() as opened:
        evaluation.get_by_role("link", name=ZH["report"]).click()
    expect(opened.value.locator("h1")).to_contain_text("r1")
    expect(opened.value.locator("svg").first).to_be_visible()
    opened.value.close()


def promote(admin: Visit) -> None:
    """Verified, refused without a reason where the gate is against it, in a share first, then in all."""
    page = admin.page
    form = page.locator("#promotion")
    form.get_by_role("button", name=ZH["verify"]).click()
    expect(page.locator(".toast:not(.wrong)")).to_contain_text("r1")
    for share in ("50", "100"):
        form.get_by_label(ZH["share"]).select_option(share)
        against = page.get_by_label(ZH["override"])
        if refused := bool(against.count()):
            against.fill("to see it answer")
        form.get_by_role("button", name=ZH["promote"], exact=True).click()
        if refused:
            agree(page, ZH["promote"], "r1")
        expect(form).to_contain_text(f"local · {share}%")
    assert accessible(admin)
    admin.shot("day-5-promoted")


def answered(visit: Visits, app: Shop, order: str) -> tuple[str, str]:
    """What a new customer's question in the chat is answered by: the backend and its adapter. The first question loads the model."""
    for _ in range(3):
        customer = visit("en", patience_ms=WORK_MS)
        customer.ask_to_the_end(f"When does order {order} arrive?")
        expect(customer.page.locator(".reply .text").last).not_to_be_empty()
        listed = operations_desk.list_chats(cast("Any", app), lambda _: None, box="all", search=order)["chats"]
        shown = operations_desk.show_chat(cast("Any", app), lambda _: None, conversation=listed[0]["id"])
        answer = shown["said"][-1]["answer"]
        if answer["backend"] == app.policies.newest().default:
            break
    return answer["backend"], answer["adapter"] or ""
