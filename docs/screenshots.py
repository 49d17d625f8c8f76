"""Takes the pictures of the README and of docs/widget.md from a running product with the sample shop, in Chromium.

`python docs/screenshots.py [URL]`
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parent / "images"
SIZES = {"": (1100, 760), "-phone": (390, 844)}
PRODUCTS = {"en": "How much is the Sonora H7?", "zh": "产品A多少钱？"}
QUESTIONS = {"en": ("en-GB", "can I send back opened earbuds?"), "zh": ("zh-CN", "退款多久能到账？")}


def take(browser: Browser, url: str, language: str, size: str) -> None:
    """One visitor, one question, and the first source of the answer opened."""
    locale, question = QUESTIONS[language]
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, locale=locale, device_scale_factor=2 if size else 1)
    page = context.new_page()
    page.goto(url)
    page.locator("html.ready").wait_for()
    page.locator("#box textarea").fill(question)
    page.keyboard.press("Enter")
    page.locator("html.answering").wait_for()
    page.locator("html.ready:not(.answering)").wait_for()
    page.locator(".sources summary").first.click()
    page.wait_for_timeout(600)
    page.screenshot(path=IMAGES / f"chat-{language}{size}.png")
    context.close()


def shop(browser: Browser, url: str, language: str, product: str) -> None:
    """The sample shop's page with the widget open, and a price asked in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale=QUESTIONS[language][0])
    page = context.new_page()
    page.goto(f"{url}/shop?language={language}")
    page.locator(".bubble").click()
    chat = page.frame_locator("iframe")
    chat.locator("html.ready").wait_for()
    chat.locator("#box textarea").fill(product)
    chat.locator("#box textarea").press("Enter")
    chat.locator(".reply[data-reply]").wait_for()
    page.wait_for_timeout(600)
    page.screenshot(path=IMAGES / f"widget-{language}.png")
    context.close()


def main() -> None:
    """Every language at every size."""
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860"
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for language in QUESTIONS:
            for size in SIZES:
                take(browser, url, language, size)
            shop(browser, url, language, PRODUCTS[language])
        browser.close()


if __name__ == "__main__":
    main()
