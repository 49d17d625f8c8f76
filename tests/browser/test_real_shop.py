"""A real Chromium on the real product over the sample shop."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import PATIENCE_MS, Visit, ways
from tests.browser.test_customer_page import accessible
from tests.real import Server, answerdesk, as_json, copy_of, start, wait_until_ready
from tests.stub_openai import Reply, Stub, free_port
from ui.languages import page_texts, texts

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]  # where the sample shop is not indexed yet, that comes first
Visits = Callable[..., Visit]
EVERYWHERE = pytest.mark.parametrize(("language", "size", "scheme"), ways(("zh", "phone", "dark")))
PRICE = {"en": ("How much is Product B?", r"\$1,?299", "en/products.csv"), "zh": ("产品C无线耳机的价格", "199", "zh/products.json")}
OTHERS = (
    "How much is Product A?",
    "How much is Product C?",
    "How long do I have to return a product?",
    "How long does delivery take?",
    "What does the warranty cover?",
    "Can I pay with PayPal?",
)


@pytest.fixture(scope="module")
def site(real_shop: Server) -> tuple[Server, str]:
    return real_shop, real_shop.url


def ask(visit: Visit, text: str) -> Locator:
    """Ask and wait for the finished reply."""
    replies = visit.page.locator(".reply[data-reply]")
    before = replies.count()
    visit.ask(text)
    expect(replies).to_have_count(before + 1, timeout=PATIENCE_MS)
    visit.settled()
    return replies.last


@EVERYWHERE
def test_a_customer_gets_a_right_and_cited_answer(visit: Visits, language: Any, size: str, scheme: str):
    """Asks, opens the source, asks on, comes back and finds it all."""
    seen, words = visit(language, size, scheme), texts(language)
    question, fact, page = PRICE[language]
    reply = ask(seen, question)
    expect(reply.locator(".text")).to_have_text(re.compile(fact))
    expect(reply.locator(".card .price").first).to_have_text(re.compile(fact))
    source = reply.locator("details").filter(has_text=page)
    expect(source.locator("blockquote")).to_be_hidden()
    source.locator("summary").click()
    expect(source.locator("blockquote")).to_have_text(re.compile(fact))
    assert accessible(seen)
    seen.shot(f"real-{size}-{language}-1-price")
    ask(seen, words.suggestions[0])
    seen.shot(f"real-{size}-{language}-2-returns")
    unknown = ask(seen, "who won the 1998 world cup" if language == "en" else "帮我写一首关于月亮的诗")
    expect(unknown.locator("details")).to_have_count(0)
    expect(unknown.locator(".chips.next").get_by_role("button", name=words.talk)).to_be_visible()
    before = seen.page.locator(".question, .reply .text").all_inner_texts()
    seen.reload()
    assert seen.page.locator(".question, .reply .text").all_inner_texts() == before
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.page.get_by_role("button", name=words.talk).first.click()
    expect(seen.page.get_by_text(words.waiting_title)).to_be_visible()
    expect(seen.page.get_by_text("help@techcorp.example").first).to_be_visible()
    seen.settled()
    seen.shot(f"real-{size}-{language}-3-person")


@pytest.mark.parametrize(
    ("language", "question"),
    [("en", "what is the difference between Product A and the Nova S5"), ("zh", "产品A和产品B哪个贵？")],
)
def test_the_lines_of_an_answer_are_lines(visit: Visits, language: str, question: str):
    seen = visit(language)
    reply = ask(seen, question)
    shown = reply.locator(".text").inner_text().strip().splitlines()
    assert len([line for line in shown if line.strip()]) >= 2
    seen.shot(f"real-desk-{language}-compared")


def test_what_another_shell_takes_in_is_answered_on_the_page(visit: Visits, real_shop: Server, tmp_path: Path):
    seen = visit()
    page = tmp_path / "engraving.md"
    page.write_text("# Engraving\n\nLaser engraving of a name costs $13 and takes four days.\n", encoding="utf-8")
    assert as_json(answerdesk("ingest", str(page), "--json", folder=real_shop.folder))["added"] == 1
    reply = ask(seen, "what does laser engraving cost?")
    expect(reply.locator(".text")).to_contain_text("$13")
    expect(reply.locator("details").first).to_contain_text("engraving.md")


def test_what_a_customer_types_is_text(visit: Visits):
    hostile = '<img src="http://evil.example/a.png" onerror="window.hit=1"> ![x](http://evil.example/b.png) how much is Product B?'
    seen = visit()
    ask(seen, hostile)
    expect(seen.page.locator(".question .text")).to_have_text(hostile)
    assert seen.page.evaluate("window.hit") is None


class TestHosted:
    """A slow model, so that there is something to stop."""

    @pytest.fixture
    def site(self, hosted_shop: tuple[Server, Stub]) -> tuple[Server, str]:
        return hosted_shop[0], hosted_shop[0].url

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_the_answer_grows_and_stop_keeps_what_came(self, visit: Visits, hosted_shop: tuple[Server, Stub], language: Any):
        stub, words = hosted_shop[1], texts(language)
        stub.reply = Reply(tuple(f"word{number} " for number in range(2000)), gap_s=0.2)  # not over before the stop, however slow the page
        stub.closed.clear()
        seen = visit(language)
        seen.ask(PRICE[language][0])
        growing = seen.page.locator(".reply.growing")
        expect(growing).to_contain_text("word1", timeout=PATIENCE_MS)
        expect(growing).to_contain_text("word9")
        seen.stop()
        seen.settled()
        expect(seen.page.locator(".stopped")).to_have_text(words.stopped)
        assert stub.closed.wait(PATIENCE_MS / 1000)  # the model is not left talking to nobody
        kept = seen.page.locator(".reply .text").last.inner_text()
        assert "word1999" not in kept
        seen.reload()
        assert seen.page.locator(".reply .text").last.inner_text() == kept

    def test_html_and_images_of_a_model_are_text(self, visit: Visits, hosted_shop: tuple[Server, Stub]):
        hosted_shop[1].reply = Reply(
            ('<img src="http://evil.example/a.png" onerror="window.hit=1"> ![pixel](http://evil.example/b.png) $1,299',)
        )
        seen = visit()
        reply = ask(seen, PRICE["en"][0])
        expect(reply.locator(".text")).to_contain_text("$1,299")
        expect(reply.locator("img")).to_have_count(0)
        assert seen.page.evaluate("window.hit") is None

    def test_the_backend_is_swapped_while_a_customer_chats_and_one_that_fails_rests(self, visit: Visits, hosted_shop: tuple[Server, Stub]):
        server, stub = hosted_shop
        stub.reply = Reply(("The model says $1,299.",))
        customer = visit()
        expect(ask(customer, PRICE["en"][0]).locator(".text")).to_contain_text("The model says")
        lead = visit("zh", "phone", "dark")
        words = page_texts("desk", "zh")
        sign_in(lead, server)
        lead.page.goto(f"{server.url}/desk/#tab=backends")
        lead.page.reload()
        hosted = lead.page.locator("article.card", has=lead.page.get_by_role("heading", name="hosted", exact=True))
        calls = re.escape(words["calls_n"]).replace(r"\{n\}", r"[1-9]\d*").replace(r"\{failed\}", "0")
        expect(hosted).to_contain_text(re.compile(calls))  # those of earlier tests may be less than a minute ago
        put_first(lead, words, "extractive")
        expect(ask(customer, PRICE["en"][0]).locator(".text")).to_contain_text("Product B")
        assert "The model says" not in customer.page.locator(".reply .text").last.inner_text()
        put_first(lead, words, "hosted")
        stub.reply = Reply(status=500)
        for question in OTHERS:
            expect(ask(customer, question).locator(".sources")).to_be_visible()  # by the next on the ladder
        expect(hosted).to_contain_text(re.compile(words["rests"].replace("{n}", r"\d+")))
        expect(hosted.locator(".mark.bad")).to_be_visible()
        assert accessible(lead)
        lead.shot("desk-breaker")
        asked = len(stub.bodies)
        expect(ask(customer, "How much is the Sonora H7?").locator(".text")).to_contain_text("249")
        assert len(stub.bodies) == asked  # it is spared


def sign_in(seen: Visit, server: Server) -> None:
    made = as_json(answerdesk("users", "add", "lea", "--role", "lead", "--json", folder=server.folder))
    seen.page.goto(f"{server.url}/login")
    seen.page.locator("#name").fill("lea")
    seen.page.locator("#password").fill(made["password"])
    seen.page.keyboard.press("Enter")
    for field, value in (("old", made["password"]), ("new", "a password of my own"), ("again", "a password of my own")):
        seen.page.locator(f"#{field}").fill(value)
    seen.page.keyboard.press("Enter")
    seen.page.locator("html.ready .staff header h1").wait_for()


def put_first(seen: Visit, words: Any, backend: str) -> None:
    """Make a backend the default, as a lead does."""
    seen.page.get_by_label(words["default"]).select_option(backend)
    seen.page.get_by_label(words["why"]).fill(f"{backend} first")
    seen.page.get_by_role("button", name=words["set_policy"]).click()
    expect(seen.page.locator(".toast")).to_be_visible()
    expect(seen.page.locator("#default")).to_have_value(backend)


def test_a_server_that_is_started_again_in_mid_work_loses_nothing(browser: Browser, shop_folder: Path, tmp_path: Path):
    """The pages stay open: a customer who talks with a person, a lead with a half-written reply."""
    folder, port = copy_of(shop_folder, tmp_path / "data"), free_port()
    server = start(folder, port)
    try:
        wait_until_ready(server)
        contexts = [browser.new_context(locale="en-GB") for _ in range(2)]
        for context in contexts:
            context.set_default_timeout(PATIENCE_MS)
        customer, lead = (Visit(context.new_page(), context, "en") for context in contexts)
        customer.page.goto(server.url)
        customer.page.locator("html.ready").wait_for()
        ask(customer, PRICE["en"][0])
        ask(customer, "I want to talk to a person")
        sign_in(lead, server)
        lead.page.locator(".row").first.click()
        lead.page.get_by_role("button", name="Take over").click()
        lead.page.locator("#write-reply").fill("I am half way through")
        expect(customer.page.locator("#brand .status")).to_have_text("lea is here")
        customer.page.locator("#box textarea").fill("Are you still there?")
        for seen in (customer, lead):
            seen.page.evaluate("window.before = 1")
        server.process.kill()
        server.process.wait()
        lead.page.wait_for_timeout(3000)  # the pages look for news meanwhile
        server = start(folder, port)
        wait_until_ready(server)
        for seen in (customer, lead):  # Gradio starts a page anew when its server is back
            seen.page.wait_for_function("!window.before && document.documentElement.classList.contains('ready')")
        expect(customer.page.locator("#box textarea")).to_have_value("Are you still there?")
        customer.page.locator("#box textarea").press("Enter")
        expect(lead.page.locator(".talk")).to_contain_text("Are you still there?")
        expect(lead.page.locator("#write-reply")).to_have_value("I am half way through")
        lead.page.locator("#write-reply").press("End")
        lead.page.keyboard.type(" and done")
        lead.page.keyboard.press("Enter")
        expect(customer.page.locator(".reply.person").last).to_contain_text("I am half way through and done")
        customer.page.reload()
        expect(customer.page.locator(".reply.person").last).to_contain_text("I am half way through and done")
        expect(customer.page.locator("#brand .status")).to_have_text("lea is here")
        for context in contexts:
            context.close()
    finally:
        server.process.kill()
        server.process.wait()
