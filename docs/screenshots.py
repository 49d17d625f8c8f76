"""Takes the pictures of the docs in Chromium, from the product over a shop at work (docs/demo.py).

`python docs/screenshots.py` makes those in docs/images; `--every FOLDER` all panels of the staff's pages in both languages, at both widths,
in light and dark, for looking at them before a release. `--shop FOLDER` keeps the shop for the next time.
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo import PASSWORD, at_work
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
SIZES = {"": (1100, 760), "-phone": (390, 844)}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
PRODUCTS = {"en": "How much is the Sonora H7?", "zh": "产品A多少钱？"}
QUESTIONS = {"en": "can I send back opened earbuds?", "zh": "退款多久能到账？"}
MINE = "chat-visitor-m4c81d2"
STAFF = (
    ("desk-inbox", "mei", "desk/#tab=inbox&box=mine&chat=" + MINE),
    ("desk-reports", "mei", "desk/#tab=reports&days=7"),
    ("desk-prompts", "mei", "desk/#tab=prompts"),
    ("admin-documents", "root", "admin/#tab=documents&test=do I have to pay for the way back?"),
    ("admin-users", "root", "admin/#tab=users"),
)
"""Pictures of the guide: name, who looks, where."""
PANELS = {
    "desk": (
        "tab=inbox&box=waiting", "tab=inbox&box=flagged", "tab=inbox&box=mine&chat=" + MINE, "tab=reports", "tab=pool", "tab=canned",
        "tab=prompts", "tab=backends", "tab=playground",
    ),
    "admin": (
        "tab=documents&test=how long can I return", "tab=transcripts", "tab=training&run=first", "tab=adapters&adapter=first", "tab=advice",
        "tab=users", "tab=keys", "tab=settings", "tab=audit",
    ),
}  # fmt: skip


def chat(browser: Browser, url: str, language: str, size: str) -> None:
    """One visitor, one question, and the first source of the answer opened."""
    with visitor(browser, language, SIZES[size], scale=2 if size else 1) as page:
        page.goto(url)
        page.locator("html.ready").wait_for()
        page.locator("#box textarea").fill(QUESTIONS[language])
        page.keyboard.press("Enter")
        page.locator("html.answering").wait_for()
        page.locator("html.ready:not(.answering)").wait_for()
        page.locator(".sources summary").first.click()
        page.wait_for_timeout(600)
        page.screenshot(path=IMAGES / f"chat-{language}{size}.png")


def widget(browser: Browser, url: str, language: str) -> None:
    """The sample shop's page with the widget open, and a price asked in it."""
    with visitor(browser, language) as page:
        page.goto(f"{url}/shop?language={language}")
        page.locator(".bubble").click()
        chat = page.frame_locator("iframe")
        chat.locator("html.ready").wait_for()
        chat.locator("#box textarea").fill(PRODUCTS[language])
        chat.locator("#box textarea").press("Enter")
        chat.locator(".reply[data-reply]").wait_for()
        page.wait_for_timeout(600)
        page.screenshot(path=IMAGES / f"widget-{language}.png")


def staff(browser: Browser, url: str) -> None:
    """The pages of leads and admins."""
    for name, who, place in STAFF:
        with visitor(browser, "en") as page:
            sign_in(page, url, who)
            look(page, f"{url}/{place}")
            if name == "desk-inbox":
                page.locator(".said.bot [data-go]").first.click()
                page.locator(".passages").wait_for()
            page.wait_for_timeout(500)
            page.screenshot(path=IMAGES / f"{name}.png")


def every(browser: Browser, url: str, folder: Path, only: str) -> None:
    """Every panel as everybody may see it; the name of a picture says how, `only` which of them are taken."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in LOCALES:
        for size, shape in (("desk", (1280, 800)), ("phone", (390, 844))):
            for scheme in ("light", "dark"):
                names = {
                    (f"{page}-{place[4:].split('&')[0]}-{at}-{language}-{size}-{scheme}", f"{url}/{page}/#{place}")
                    for page, places in PANELS.items()
                    for at, place in enumerate(places)
                }
                wanted = sorted((name, place) for name, place in names if all(part in name for part in only.split()))
                for who, kind in (("mei", "desk"), ("root", "admin")):
                    if mine := [(name, place) for name, place in wanted if name.startswith(kind)]:
                        with visitor(browser, language, shape, scheme) as page:
                            sign_in(page, url, who)
                            for name, place in mine:
                                look(page, place)
                                page.wait_for_timeout(400)
                                page.screenshot(path=folder / f"{name}.png")
                                wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
                                print(name, "IS WIDER THAN THE WINDOW" if wide else "")


@contextmanager
def visitor(browser: Browser, language: str, shape: tuple[int, int] = (1280, 800), scheme: str = "light", scale: int = 1) -> Iterator[Page]:
    """A page of somebody who was never here."""
    context = browser.new_context(
        viewport={"width": shape[0], "height": shape[1]},
        locale=LOCALES[language],
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=scale,
    )
    context.set_default_timeout(120_000)  # a busy machine is no failure
    yield context.new_page()
    context.close()


def sign_in(page: Page, url: str, who: str) -> None:
    page.goto(f"{url}/login")
    page.locator("#name").fill(who)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("html.ready .staff header h1").wait_for()


def look(page: Page, place: str) -> None:
    page.goto(place)  # where only what follows # is new, the page goes there by itself
    page.wait_for_timeout(300)
    page.locator("html.ready:not(.working) .staff header h1").wait_for()


def main() -> None:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=Path, metavar="FOLDER")
    parser.add_argument("--only", default="", help="with --every: pictures whose names have all these words")
    parser.add_argument("--shop", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu"]
    with (
        tempfile.TemporaryDirectory() as new,
        at_work(args.shop or Path(new), tuned=bool(args.every)) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        if args.every:
            every(browser, url, args.every, args.only)
        else:
            IMAGES.mkdir(exist_ok=True)
            for language in QUESTIONS:
                for size in SIZES:
                    chat(browser, url, language, size)
                widget(browser, url, language)
            staff(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
