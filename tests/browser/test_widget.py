"""The chat on pages of other sites: `localhost` is another site than 127.0.0.1, so its frames get no cookies of ours."""

import html
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from bot import desk
from tests.browser.conftest import PATIENCE_MS, Visit, ways
from tests.browser.test_customer_page import accessible
from tests.ui.shop import Shop, serving, shop, web
from tests.ui.test_identity import SECRET, jwt
from ui.languages import page_texts, texts

pytestmark = pytest.mark.browser
Visits = Callable[..., Visit]


class ShopPage(BaseHTTPRequestHandler):
    """A page of a shop's with the launcher. Its query: the chat's address, and the script's attributes."""

    def do_GET(self) -> None:
        query = {name: value[0] for name, value in parse_qs(urlsplit(self.path).query).items()}
        chat, language = query.pop("chat", ""), query.pop("lang", "en")
        tag = "".join(f' data-{name}="{html.escape(value)}"' for name, value in query.items() if name != "frame")
        inside = f'<iframe src="{chat}/?widget=1"></iframe>' if "frame" in query else f'<script src="{chat}/widget.js"{tag} async></script>'
        page = (
            f'<!doctype html><html lang="{language}"><head><title>A shop</title><link rel="icon" href="data:,">'
            '<meta name="viewport" content="width=device-width"><style>* { color: #222; font-size: 30px !important }</style></head>'
            f"<body><main><h1>A shop</h1><button>Buy</button></main>{inside}</body></html>"
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def shops() -> Iterator[tuple[str, str]]:
    """Two sites: one that is listed, one that is not."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), ShopPage) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tuple(f"http://localhost:{server.server_port}" for server in servers)  # type: ignore[misc]
    for server in servers:
        server.shutdown()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shops: tuple[str, str]) -> Iterator[tuple[Shop, str]]:
    app = shop(tmp_path_factory.mktemp("widget"), widget_origins=[shops[0]], identity_secret=SECRET)
    app.store.set_setting("sample", value=True)
    with serving(web(app)) as url:
        yield app, url


@pytest.fixture
def at(site: tuple[Shop, str], shops: tuple[str, str]) -> Callable[..., str]:
    """The address of a shop's page: `at(theme="dark")`."""
    return lambda number=0, **attributes: f"{shops[number]}/?{urlencode({'chat': site[1], **attributes})}"


def opened(page: Page) -> FrameLocator:
    """The chat, once its bubble was pressed."""
    page.locator(".bubble").click()
    return ready(page)


def ready(page: Page) -> FrameLocator:
    frame = page.frame_locator("iframe")
    expect(frame.locator("html.ready")).to_be_attached()
    return frame


def ask(frame: FrameLocator, text: str) -> None:
    """Ask and wait for the finished reply."""
    replies = frame.locator(".reply[data-reply]")
    before = replies.count()
    frame.locator("#box textarea").fill(text)
    frame.locator("#box textarea").press("Enter")
    expect(replies).to_have_count(before + 1)
    expect(frame.locator("html.ready:not(.answering)")).to_be_attached()


@pytest.mark.parametrize(("language", "size", "scheme"), ways(("en", "desk", "light")))
def test_a_customer_chats_on_another_sites_page(visit: Visits, at: Callable[..., str], language: Any, size: str, scheme: str):
    words, theirs = page_texts("widget", language), texts(language)
    seen = visit(language, size, scheme, at=at(language=language, accent="#ff5500", theme=scheme))
    page = seen.page
    bubble = page.get_by_role("button", name=words["open"].format(shop="TechCorp"))
    expect(bubble).to_have_attribute("aria-expanded", "false")
    assert accessible(seen)
    bubble.focus()
    page.keyboard.press("Enter")
    frame = ready(page)
    expect(frame.locator("html")).to_have_attribute("lang", "zh-CN" if language == "zh" else "en")
    frame.get_by_role("button", name=theirs.suggestions[0]).click()
    expect(frame.locator("details")).not_to_have_count(0)
    expect(frame.locator("html.ready:not(.answering)")).to_be_attached()
    assert page.get_by_role("dialog").bounding_box() == (
        {"x": 870, "y": 68, "width": 390, "height": 640} if size == "desk" else {"x": 0, "y": 0, "width": 390, "height": 844}
    )
    time.sleep(0.3)
    colours = frame.locator("#send").evaluate("send => getComputedStyle(send).backgroundColor")
    assert colours not in {"rgb(14, 95, 92)", "rgb(111, 207, 195)"}  # the shop's own colour
    assert accessible(seen)
    assert accessible(seen, page.frames[1])
    seen.shot(f"widget-{size}-{scheme}-{language}")
    frame.locator("#box textarea").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(bubble).to_be_focused()
    expect(page.get_by_role("button", name="Buy")).to_be_enabled()
    assert seen.context.cookies() == []


def test_the_next_page_knows_the_visitor_again_and_is_open_where_it_was(visit: Visits, at: Callable[..., str]):
    seen = visit(at=at())
    ask(opened(seen.page), "How long?")
    seen.page.reload()
    expect(ready(seen.page).locator(".question")).to_contain_text("How long?")
    expect(seen.page.get_by_role("dialog")).to_be_visible()
    seen.page.get_by_role("button", name="Close the chat").first.click()
    seen.page.reload()
    expect(seen.page.locator(".bubble")).to_be_visible()
    expect(seen.page.get_by_role("dialog")).to_be_hidden()


def test_on_a_phone_the_next_page_starts_closed_and_the_page_behind_cannot_be_reached(visit: Visits, at: Callable[..., str]):
    seen = visit("en", "phone", at=at())
    opened(seen.page)
    assert seen.page.locator("main").evaluate("main => main.inert")
    seen.page.get_by_role("button", name="Close the chat").click()
    assert not seen.page.locator("main").evaluate("main => main.inert")
    seen.page.locator(".bubble").click()
    seen.page.reload()
    expect(seen.page.locator(".bubble")).to_be_visible()
    expect(seen.page.get_by_role("dialog")).to_be_hidden()


def test_a_persons_words_are_counted_while_it_is_closed(visit: Visits, site: tuple[Shop, str], at: Callable[..., str]):
    seen, app = visit(at=at()), site[0]
    ask(opened(seen.page), "a person please")
    conversation = app.store.latest(app.router.asked[-1].customer or "") or ""
    seen.page.keyboard.press("Escape")
    desk.take_over(app.engine, conversation, "anna", "Anna")
    for number in range(2):
        desk.say(app.engine, conversation, "anna", message=f"m{number}", text="I am here")
    expect(seen.page.locator(".badge")).to_have_text("2", timeout=PATIENCE_MS)
    expect(seen.page.get_by_role("button", name="2 unread")).to_be_visible()
    expect(seen.page.get_by_role("status")).to_have_text("2 unread")
    seen.page.reload()
    expect(seen.page.locator(".badge")).to_have_text("2")
    desk.say(app.engine, conversation, "anna", message="m3", text="Are you still there?")
    expect(seen.page.locator(".badge")).to_have_text("3", timeout=PATIENCE_MS)  # the frame is there, as a person may write at any time
    frame = opened(seen.page)
    expect(frame.locator("#brand .status")).to_have_text("Anna is here")
    expect(seen.page.locator(".badge")).to_be_hidden()
    seen.page.keyboard.press("Escape")
    seen.page.reload()
    expect(seen.page.locator(".bubble")).to_be_visible()
    expect(seen.page.locator(".badge")).to_be_hidden()


def test_a_language_chosen_in_the_chat_is_kept(visit: Visits, at: Callable[..., str]):
    seen = visit(at=at(lang="en"))
    frame = opened(seen.page)
    frame.get_by_role("button", name="中文").click()
    expect(frame.locator("#talk")).to_have_text(texts("zh").talk)
    expect(seen.page.locator(".bubble")).to_have_attribute("aria-label", page_texts("widget", "zh")["close"])
    ask(frame, "要多久？")
    seen.page.reload()
    expect(ready(seen.page).locator("#talk")).to_have_text(texts("zh").talk)
    expect(seen.page.locator(".bubble")).to_have_attribute("aria-label", page_texts("widget", "zh")["close"])


def test_who_the_shop_has_signed_in_finds_the_conversation_on_every_device_and_nobody_after_them(visit: Visits, at: Callable[..., str]):
    first = visit(at=at(token=jwt(sub="customer-7")))
    ask(opened(first.page), "Where is my parcel of seven?")
    second = visit("en", "phone", at=at(token=jwt(sub="customer-7")))
    expect(opened(second.page).locator(".question")).to_contain_text("parcel of seven")
    first.page.goto(at())  # signed out at the same computer
    expect(ready(first.page).locator(".welcome")).to_be_visible()
    first.page.evaluate("token => Answerdesk.identify(token)", jwt(sub="customer-7"))
    expect(ready(first.page).locator(".question")).to_contain_text("parcel of seven")


@pytest.mark.parametrize(("language", "size"), [pytest.param("en", "desk", marks=pytest.mark.quick), ("zh", "phone")])
def test_what_was_said_before_signing_in_goes_along(
    visit: Visits, site: tuple[Shop, str], at: Callable[..., str], language: Any, size: str
):
    said, who = f"Before I signed in, {language}", f"customer-{language}"
    seen = visit(language, size, at=at())
    ask(opened(seen.page), said)
    before = site[0].router.asked[-1].customer
    seen.page.evaluate("token => Answerdesk.identify(token)", jwt(sub=who))
    expect(ready(seen.page).locator(".question")).to_contain_text(said)
    ask(ready(seen.page), "And now")
    assert (site[0].router.asked[-1].customer, site[0].store.latest(before or "")) == (who, None)
    seen.page.goto(at())  # signed out: whoever is here now is somebody new
    frame = ready(seen.page) if size == "desk" else opened(seen.page)
    expect(frame.locator(".welcome")).to_be_visible()
    ask(frame, "Hello")
    assert site[0].router.asked[-1].customer not in {who, before}
    other = visit(language, size, at=at(token=jwt(sub=who)))
    expect(opened(other.page).locator(".question").first).to_contain_text(said)


def test_a_token_that_runs_out_is_renewed(visit: Visits, at: Callable[..., str]):
    seen = visit(at=at())
    ask(opened(seen.page), "How long?")
    time.sleep(1)  # tokens are told apart by the second
    frame = seen.page.frames[1]
    frame.evaluate("window.before = 1")
    seen.page.route("**/gradio_api/run/predict*", lambda route: route.fulfill(status=401, json={"detail": "run out"}), times=1)
    frame.wait_for_function("!window.before", timeout=60_000)  # the page starts anew when it next looks for news
    expect(ready(seen.page).locator(".question")).to_contain_text("How long?")
    seen.errors[:] = [error for error in seen.errors if "401" not in error]


@pytest.mark.parametrize("token", [jwt("f" * 32, sub="customer-8"), jwt(sub="customer-8", exp=1_700_000_000)])
def test_a_forged_or_expired_token_leaves_the_visitor_anonymous(visit: Visits, site: tuple[Shop, str], at: Callable[..., str], token: str):
    seen = visit(at=at(token=token))
    ask(opened(seen.page), "How long?")
    assert site[0].router.asked[-1].customer != "customer-8"
    assert site[0].store.latest("customer-8") is None


def test_a_site_that_is_not_listed_gets_no_chat(visit: Visits, at: Callable[..., str]):
    seen = visit(at=at(1))
    with seen.page.expect_console_message(lambda message: "ANSWERDESK_WIDGET_ORIGINS" in message.text):
        seen.page.reload()
    expect(seen.page.locator(".bubble")).to_have_count(0)
    seen.page.goto(at(1, frame="1"))
    seen.page.wait_for_timeout(1000)
    assert seen.page.frames[1].locator("#box").count() == 0
    assert all("CORS" in error or "403" in error or "frame-ancestors" in error or "ERR_FAILED" in error for error in seen.errors)
    assert seen.errors
    seen.errors.clear()


def test_it_works_where_other_sites_frames_have_neither_cookies_nor_storage(browser: Browser, at: Callable[..., str]):
    context = browser.new_context()
    blocked = "Object.defineProperty(window, '{}', {{ get() {{ throw new DOMException('blocked', 'SecurityError'); }} }});"
    script = "if (window.parent !== window) {" + "".join(blocked.format(name) for name in ("localStorage", "sessionStorage")) + "}"
    context.add_init_script(script)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(at())
    ask(opened(page), "How long?")
    page.reload()
    expect(ready(page).locator(".question")).to_contain_text("How long?")
    context.close()
    assert errors == []


@pytest.mark.parametrize(("language", "size", "scheme"), [("en", "desk", "dark"), ("zh", "phone", "light")])
def test_the_sample_shops_page(visit: Visits, site: tuple[Shop, str], language: Any, size: str, scheme: str):
    other = {"light": "dark", "dark": "light"}[scheme]
    seen = visit(language, size, other, at=f"{site[1]}/shop?theme={scheme}")
    expect(seen.page.get_by_role("heading", level=1)).to_have_text(page_texts("shop", language)["title"])
    expect(seen.page.locator("li")).to_have_count(30)
    expect(seen.page.locator(".bubble")).to_be_visible()
    assert accessible(seen)
    seen.shot(f"shop-{size}-{scheme}-{language}")
    ask(opened(seen.page), "How long?")
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sample_shops_page_follows_the_systems_scheme_until_another_is_chosen(visit: Visits, site: tuple[Shop, str], scheme: Any):
    words, other = page_texts("shop", "en"), {"light": "dark", "dark": "light"}[scheme]
    ground = {"light": "rgb(244, 246, 245)", "dark": "rgb(15, 21, 20)"}
    seen = visit("en", "desk", scheme, at=f"{site[1]}/shop")
    expect(seen.page.locator("body")).to_have_css("background-color", ground[scheme])
    expect(opened(seen.page).locator("body")).to_have_css("background-color", ground[scheme])
    expect(seen.page.get_by_role("link", name=words[scheme])).to_be_hidden()
    seen.page.emulate_media(color_scheme=other)
    expect(seen.page.locator("body")).to_have_css("background-color", ground[other])
    seen.page.get_by_role("link", name=words[scheme]).click()
    expect(seen.page.locator("body")).to_have_css("background-color", ground[scheme])
    seen.page.get_by_role("link", name=words["other"]).click()
    expect(seen.page.locator("body")).to_have_css("background-color", ground[scheme])
