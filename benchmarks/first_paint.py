"""The page's first paint, beside a bare Gradio chat, and how long a word takes from the backend to the screen.

`PYTHONPATH=. python benchmarks/first_paint.py [--runs 5]` starts both here, loads each as new visitors in headless
Chromium, and prints JSON.
The chat's aims: at most 1.3 times the bytes, the first contentful paint under 1.5 s, a word on the screen within 100 ms.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import FLAGS
from tests.ui.shop import serving, shop, web

PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
WORDS = 40


@contextmanager
def bare() -> Iterator[str]:
    """The smallest chat that Gradio makes."""
    with gr.Blocks() as demo:
        gr.ChatInterface(lambda text, _: text)
    fastapi = gr.mount_gradio_app(FastAPI(), demo, path="/")
    server = uvicorn.Server(uvicorn.Config(fastapi, host="127.0.0.1", port=0, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True


def load(browser: Browser, url: str, ready: str) -> dict[str, float]:
    """Open the page as a new visitor: bytes of all answers as they came over the wire, and when something was to be seen (ms)."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(120_000)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    took: list[float] = []
    network.on("Network.loadingFinished", lambda event: took.append(event["encodedDataLength"]))
    page.goto(url)
    page.locator(ready).wait_for()
    at_ready = page.evaluate("performance.now()")
    page.wait_for_timeout(2000)  # what comes later; a stream that stays open never lets the network be idle
    page.wait_for_function(PAINTED)
    found = {"bytes": sum(took), "requests": len(took), "paint_ms": page.evaluate(PAINTED), "usable_ms": at_ready}
    context.close()
    return found


def to_screen(browser: Browser, url: str, app: Any) -> list[float]:
    """Milliseconds from the moment at which the backend yields a word to its being drawn, one for each word."""
    said: list[float] = []
    real = app.router.turn

    def turn(request: Any, _: Any = None) -> Iterator[Any]:
        from bot.messages import Answer, Delta

        received = app.store.receive(request)
        for number in range(WORDS):
            time.sleep(0.12)  # slower than what is put together, so that each word is seen by itself
            said.append(time.time() * 1000)
            yield Delta(f"word{number:02} ")
        answer = Answer(" ".join(f"word{number:02}" for number in range(WORDS)), received.conversation, received.message)
        app.store.finish(answer, {})
        yield answer

    app.router.turn = turn
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    page.locator("html.ready").wait_for()
    page.evaluate(
        """() => {
          window.seen = {};
          const look = () => {
            const text = document.querySelector('.log')?.textContent || '';
            const now = Date.now();
            for (const [word] of text.matchAll(/word\\d\\d/g)) window.seen[word] ??= now;
          };
          const all = {subtree: true, childList: true, characterData: true};
          new MutationObserver(() => requestAnimationFrame(look)).observe(document.body, all);
        }"""
    )
    page.locator("#box textarea").fill("count")
    page.keyboard.press("Enter")
    page.locator("html.answering").wait_for()
    page.locator("html.ready:not(.answering)").wait_for()
    seen = page.evaluate("window.seen")
    context.close()
    app.router.turn = real
    return [seen[f"word{number:02}"] - at for number, at in enumerate(said) if f"word{number:02}" in seen]


def main() -> None:
    """Load both in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = shop(Path(folder))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with serving(web(app)) as ours, bare() as theirs:
            pages = {"answerdesk": (ours, "html.ready"), "gradio": (theirs, "textarea >> nth=0")}
            found: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
            for run in range(runs + 1):
                for name, (url, ready) in pages.items():
                    loaded = load(browser, url, ready)
                    if run:  # the first of each warms the server
                        found[name].append(loaded)
            words = to_screen(browser, ours, app)
        browser.close()
    medians = {name: {key: round(statistics.median(one[key] for one in all_), 1) for key in all_[0]} for name, all_ in found.items()}
    ratio = medians["answerdesk"]["bytes"] / medians["gradio"]["bytes"]
    words.sort()
    shown = {"median": round(statistics.median(words), 1), "p95": round(words[int(0.95 * len(words))], 1), "words": len(words)}
    print(json.dumps({**medians, "bytes_ratio": round(ratio, 3), "to_screen_ms": shown, "runs": runs}, indent=1))


if __name__ == "__main__":
    main()
