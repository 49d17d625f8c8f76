"""The admin's day on the real product: transcripts in, approved, a model tuned on them, measured, promoted, asked, taken back.

It begins in English at a desk and ends in Chinese on a phone. Of so small a model nothing is asked but that it answers: where the gate is
against it, the admin says why it is to answer all the same.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES, Visit
from tests.browser.test_customer_page import accessible
from tests.finetune.talks import write_talks
from tests.real import Server, answerdesk, as_json, serving, starter_folder
from ui.languages import page_texts
from ui.operations_training import jobs_of

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(2400)]
Visits = Callable[..., Visit]
PASSWORD = "a password of my own"
EN, ZH = page_texts("admin", "en"), page_texts("admin", "zh")
WORK_MS = 900_000  # what training or measuring may take on a busy machine
SOON_MS = 120_000
QUESTION = "When does order {n} arrive?"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A new shop with the starter model as its local backend."""
    folder = tmp_path_factory.mktemp("day") / "data"
    model = starter_folder()
    shutil.copytree(model, folder / "models" / model.name)
    patient = {"first_token_s": "100", "idle_s": "100", "total_s": "300"}
    with serving(folder, admin_password=PASSWORD, local_model="starter", **patient) as server:
        expect.set_options(timeout=SOON_MS)
        yield server, server.url
        expect.set_options(timeout=5000)
    for job in jobs_of(folder).all():
        jobs_of(folder).stop(job.run)  # of a test that failed: a run outlives its server


def test_from_transcripts_to_an_adapter_that_answers_and_back(visit: Visits, site: tuple[Server, str], tmp_path: Path):
    server, url = site
    admin = signed_in(visit("en"), url)
    page = admin.page
    page.set_default_timeout(SOON_MS)
    page.on("dialog", lambda dialog: dialog.accept())

    teach(admin, server, tmp_path)
    train(admin, url)
    measure_in_chinese(admin, url)
    promote(admin)
    assert answered(visit, server, "48213")[1].startswith("r1@")
    assert answered(visit, server, "48214")[0] == "local"
    page.get_by_role("button", name=ZH["roll_back"]).click()
    expect(page.locator(".toast")).to_contain_text(ZH["base_alone"])
    expect(page.get_by_text(ZH["answers_not"])).to_be_visible()
    assert answered(visit, server, "48215") == ("extractive", "")
    adapters = as_json(answerdesk("finetune", "list", "--json", folder=server.folder))
    assert [change["adapter"] for change in adapters["history"]] == [None, "r1", "r1"]
    page.goto(f"{url}/admin/#tab=audit")
    page.reload()
    for what in ("finetune.train", "finetune.stop", "finetune.resume", "finetune.evaluate", "finetune.promote", "finetune.rollback"):
        expect(page.locator("td", has_text=what).first).to_be_visible()


def signed_in(seen: Visit, url: str) -> Visit:
    seen.page.goto(f"{url}/login")
    seen.page.locator("#name").fill("admin")
    seen.page.locator("#password").fill(PASSWORD)
    seen.page.keyboard.press("Enter")
    seen.page.locator("html.ready .staff header h1").wait_for()
    return seen


def teach(admin: Visit, server: Server, folder: Path) -> None:
    """A page of the shop, then what people said: looked at, proposed, approved; the first by hand, the others from the shell."""
    page = admin.page
    orders = folder / "orders.md"
    orders.write_text(
        "# Orders\n\n" + "\n".join(f"Order {n} leaves the house today and arrives within three days." for n in range(48210, 48220)),
        encoding="utf-8",
    )
    page.goto(f"{server.url}/admin/#tab=training")
    page.reload()
    expect(page.get_by_text(EN["no_material"])).to_be_visible()
    assert accessible(admin)
    page.goto(f"{server.url}/admin/#tab=documents")
    page.reload()
    page.locator("input[type=file]").set_input_files(orders)
    expect(page.locator("tr", has_text="orders.md")).to_be_visible(timeout=SOON_MS)
    page.get_by_role("link", name=EN["tab_transcripts"]).click()
    page.locator("input[type=file][data-do=check_transcripts]").set_input_files(write_talks(folder / "talks.jsonl", 60))
    report = page.locator("article.card", has_text="talks.jsonl")
    expect(report).to_contain_text(EN["personal"])
    report.get_by_role("button", name=EN["import"]).click()
    expect(page.locator(".toast")).to_contain_text("proposed")
    page.goto(f"{server.url}/desk/#tab=pool")
    page.locator(".card").first.get_by_role("button", name="Approve").click()
    expect(page.locator(".toast")).to_contain_text("Approved")
    pending = as_json(answerdesk("examples", "list", "--state", "pending", "--json", folder=server.folder))["examples"]
    ids = [example["id"] for example in pending]
    assert len(as_json(answerdesk("examples", "approve", *ids, "--json", folder=server.folder))["examples"]) == len(ids) > 80


def train(admin: Visit, url: str) -> None:
    """Estimated, begun, found again by a reload, stopped, gone on with, done."""
    page = admin.page
    page.goto(f"{url}/admin/#tab=training")
    page.reload()
    page.get_by_label(EN["method"]).select_option("lora")
    page.get_by_label(EN["option_steps"], exact=True).fill("12")
    page.get_by_text(EN["more_options"]).click()
    page.get_by_label(EN["option_batch"]).fill("2")
    page.get_by_label(EN["option_name"]).fill("r1")
    page.get_by_role("button", name=EN["estimate"]).click()
    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text(EN["takes_memory"], timeout=WORK_MS)
    expect(estimate.locator("pre")).to_contain_text(
        re.compile("answerdesk finetune train --base starter --method lora .*--steps 12.*--data-dir /")
    )
    assert accessible(admin)
    admin.shot("day-1-estimate")
    estimate.get_by_role("button", name=EN["begin_run"]).click()
    run = page.locator("#run")
    expect(run).to_contain_text(EN["run_running"], timeout=WORK_MS)
    expect(run.locator("svg.plot polyline.one")).to_be_visible(timeout=WORK_MS)
    page.reload()
    expect(run).to_contain_text(EN["run_running"])
    expect(run.locator("svg.plot polyline.one")).to_be_visible()
    expect(run.locator("pre.log")).to_contain_text(re.compile(r"step \d+/12"), timeout=WORK_MS)
    assert accessible(admin)
    admin.shot("day-2-running")
    run.get_by_role("button", name=EN["stop_run"]).click()
    expect(run.get_by_role("button", name=EN["resume_run"])).to_be_visible(timeout=WORK_MS)
    page.goto(f"{url}/admin/#tab=training")  # whoever has lost the place finds it in the list
    page.reload()
    page.locator("tr", has_text="r1").get_by_role("button", name=EN["open"]).click()
    run.get_by_role("button", name=EN["resume_run"]).click()
    expect(run.get_by_role("button", name=EN["to_adapter"])).to_be_visible(timeout=WORK_MS)
    expect(run).to_contain_text("12 / 12")
    assert accessible(admin)
    admin.shot("day-3-done")
    run.get_by_role("button", name=EN["to_adapter"]).click()


def measure_in_chinese(admin: Visit, url: str) -> None:
    """Measured while the page is elsewhere; the verdict, the pictures, the replies and the report."""
    page = admin.page
    page.get_by_role("button", name="中文").click()
    width, height = SIZES["phone"]
    page.set_viewport_size({"width": width, "height": height})
    expect(page.get_by_text(ZH["not_evaluated"])).to_be_visible(timeout=SOON_MS)
    page.get_by_role("button", name=ZH["evaluate"], exact=True).click()
    expect(page.get_by_text(ZH["evaluating"])).to_be_visible()
    page.goto(f"{url}/admin/#tab=keys")
    page.reload()
    page.goto(f"{url}/admin/#tab=adapters&adapter=r1")
    page.reload()
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
    if page.get_by_label(ZH["override"]).count():
        form.get_by_role("button", name=ZH["promote"], exact=True).click()
        expect(page.locator(".toast.wrong")).to_contain_text("r1 is not promoted")
        page.get_by_label(ZH["override"]).fill("to see it answer")
    form.get_by_label(ZH["share"]).select_option("50")
    form.get_by_role("button", name=ZH["promote"], exact=True).click()
    expect(form).to_contain_text("local · 50%")
    form.get_by_label(ZH["share"]).select_option("100")
    override(page)
    form.get_by_role("button", name=ZH["promote"], exact=True).click()
    expect(form).to_contain_text("local · 100%")
    assert accessible(admin)
    admin.shot("day-5-promoted")


def override(page: Page) -> None:
    if page.get_by_label(ZH["override"]).count():
        page.get_by_label(ZH["override"]).fill("to see it answer everybody")


def answered(visit: Visits, server: Server, order: str) -> tuple[str, str]:
    """What a new customer's question in the chat is answered by: the backend and its adapter."""
    as_json(answerdesk("backends", "test", "local", "--json", folder=server.folder))  # loaded by now
    customer = visit("en")
    customer.ask_to_the_end(QUESTION.format(n=order))
    expect(customer.page.locator(".reply .text").last).not_to_be_empty()
    chats = as_json(answerdesk("desk", "list", "--box", "all", "--search", order, "--json", folder=server.folder))["chats"]
    shown = as_json(answerdesk("desk", "show", chats[0]["id"], "--json", folder=server.folder))
    answer = shown["said"][-1]["answer"]
    return answer["backend"], answer["adapter"] or ""
