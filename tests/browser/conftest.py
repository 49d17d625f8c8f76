"""A real Chromium on the pages. Each visit fails on an error in the console and on any request to another machine."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.ui.shop import Shop, serving, shop, web

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAYS = (("en", "desk", "light"), ("zh", "phone", "dark"), ("en", "phone", "dark"), ("zh", "desk", "light"))
"""How a page is walked: language, width, scheme."""
SIZES = {"desk": (1280, 800), "phone": (390, 844)}
PATIENCE_MS = 60_000  # a busy machine is no failure
LOCALES = {"en": "en-GB", "zh": "zh-CN"}


@dataclass
class Visit:
    """One visitor's page, with what it said and asked for."""

    page: Page
    context: BrowserContext
    language: str
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def ask(self, text: str) -> None:
        self.page.locator("#box textarea").fill(text)
        self.page.keyboard.press("Enter")

    def ask_to_the_end(self, text: str) -> None:
        self.ask(text)
        self.page.locator("html.answering").wait_for()
        self.settled()

    def stop(self) -> None:
        """Later than a double click on Send would."""
        self.page.wait_for_timeout(600)
        self.page.locator("#stop").click()

    def settled(self) -> None:
        self.page.locator("html.ready:not(.answering)").wait_for()

    def reload(self) -> None:
        self.page.reload()
        self.page.locator("html.ready").wait_for()

    def shot(self, name: str) -> None:
        """A picture, where ANSWERDESK_TEST_PICTURES names a folder for them."""
        if folder := os.environ.get("ANSWERDESK_TEST_PICTURES"):
            self.page.screenshot(path=Path(folder) / f"{name}.png")


def agree(page: Page, label: str, told: str) -> None:
    """Say yes to what is asked before something that is not lightly taken back. told: what the question names."""
    asked = page.locator("dialog.sure")
    expect(asked.locator("#sure-asked")).to_contain_text(told)
    asked.get_by_role("button", name=label, exact=True).click()
    expect(asked).to_be_hidden()


def ways(*quick: tuple[str, str, str]) -> list[Any]:
    """All of `WAYS` as parameters; those of `quick` are walked by `make test` too."""
    return [pytest.param(*way, marks=[pytest.mark.quick] if way in quick else [], id="-".join(way)) for way in WAYS]


def whole_ways(*quick: tuple[str, str, str]) -> list[Any]:
    """As `ways`, each as one parameter."""
    return [pytest.param(way, marks=[pytest.mark.quick] if way in quick else [], id="-".join(way)) for way in WAYS]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A walk in a browser takes long, but for the few that are marked quick: one or two for each page."""
    for item in items:
        if item.get_closest_marker("browser") and not item.get_closest_marker("quick"):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine; apt-get install chromium runs the browser tests")
    expect.set_options(timeout=PATIENCE_MS / 2)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, str]]:
    app = shop(tmp_path_factory.mktemp("site"))
    with serving(web(app)) as url:
        yield app, url


@pytest.fixture
def visit(browser: Browser, site: tuple[Shop, str]) -> Iterator[Callable[..., Visit]]:
    """Opens the page as a new visitor: `visit("zh", "phone", "dark")`. at: another address, which is not waited for."""
    visits: list[Visit] = []

    def open_page(
        language: str = "en", size: str = "desk", scheme: str = "light", at: str = "", patience_ms: int = PATIENCE_MS, **more: object
    ) -> Visit:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=LOCALES[language],
            color_scheme="dark" if scheme == "dark" else "light",
            device_scale_factor=2 if size == "phone" else 1,
            has_touch=size == "phone",
            permissions=["clipboard-read", "clipboard-write"],
            **more,  # type: ignore[arg-type]
        )
        context.set_default_timeout(patience_ms)
        seen = Visit(context.new_page(), context, language)

        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                seen.errors.append(message.text)

        def asked(request: Request) -> None:
            if not request.url.startswith(("data:", "blob:")):
                seen.hosts.add(urlsplit(request.url).hostname or "")

        seen.page.on("console", said)
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        context.on("request", asked)
        seen.page.goto(at or site[1])
        if not at:
            seen.page.locator("html.ready").wait_for()
        visits.append(seen)
        return seen

    yield open_page
    for seen in visits:
        seen.context.close()
        assert seen.errors == []
        assert seen.hosts <= {"127.0.0.1", "localhost"}
        assert seen.hosts
