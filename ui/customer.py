"""The customer's page: ask, read the streamed answer and its sources, rate it, talk to a person; in English and Chinese.

What its events do is in `ui.chat`.
"""

import json
from typing import Any

import gradio as gr
from fastapi import FastAPI

from ui.chat import CustomerApp, Handlers
from ui.languages import texts
from ui.settings import Settings
from ui.theme import STATIC, static, theme
from ui.transcript import Standing, footnote

_AT_ONCE = 32  # of each other event; each holds one of Gradio's 40 threads
_TURNS = 128  # that are answered at a time: they wait on the event loop, and hold none of those threads
_LOG = """
<div class="elsewhere" role="status" hidden></div>
<div class="scroller" tabindex="0" role="region"><div class="log" role="log" aria-live="polite" aria-busy="false"></div></div>
<button type="button" class="latest" hidden></button>
<p class="hint" role="alert" hidden></p>
"""


def mount_customer(fastapi: FastAPI, app: CustomerApp, path: str = "/") -> None:
    """Mount the page. Mount it last when `path` is "/", as it takes every address that no earlier route has.

    The visitor's id must be in `scope["state"]["customer"]` of every request below `path` (an ASGI middleware reads it from, or
    sets it in, a signed HttpOnly SameSite=Lax cookie). Handlers read it as `request.request.state.customer` of their `gr.Request`.
    Without it every address of the page answers 401.
    """
    gr.mount_gradio_app(
        fastapi,
        customer_page(app),
        path=path,
        auth_dependency=lambda request: getattr(request.state, "customer", None),
        theme=theme(),
        head=_head(app.settings),
        favicon_path=str(STATIC / "favicon.svg"),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        max_file_size=1,  # in bytes: the page takes no files
        allowed_paths=[],
        blocked_paths=[str(app.settings.data_dir.resolve())],
    )


def customer_page(app: CustomerApp) -> gr.Blocks:
    """Build the page."""
    handlers = Handlers(app)
    words = texts("en")
    script = static("customer.js") + static("lost.js") + static("acts.js")
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    with gr.Blocks(title=words.titled(app.settings.shop_name), analytics_enabled=False, fill_width=True) as demo:
        with gr.Row(elem_id="top"):
            header = gr.HTML(handlers.header(words, Standing()), elem_id="brand", apply_default_css=False)
            talk = gr.Button(words.talk, elem_id="talk")
            fresh = gr.Button(words.new_chat, elem_id="fresh")
            language = gr.Button(words.other_language, elem_id="language")
        chat = gr.HTML(None, elem_id="chat", html_template=_LOG, js_on_load=script, apply_default_css=False)
        with gr.Row(elem_id="composer"):
            box = gr.Textbox(
                label=words.message_label,
                placeholder=words.placeholder,
                lines=1,
                max_lines=6,
                container=False,
                elem_id="box",
                interactive=True,  # for Gradio it is only written to: the script reads it
                show_label=False,
            )
            send = gr.Button(words.send, elem_id="send")
            stop = gr.Button(words.stop, elem_id="stop")
        note = gr.HTML(footnote(words), elem_id="note", apply_default_css=False)

        # What the visitor does goes through the page's script, which shows it at once and then raises an event.
        everything = [chat, header, talk, fresh, language, box, send, stop, note]
        demo.load(handlers.show, None, everything, queue=False, **private)
        chat.open(handlers.show_again, None, everything, queue=False, trigger_mode="multiple", **private)
        asked = chat.ask(handlers.turn, None, chat, concurrency_limit=_TURNS, trigger_mode="multiple", **private)
        for ended in (asked.then, asked.failure):  # Gradio's `then` does not follow an error
            ended(None, js="() => window.answerdesk.settled()", **private)
        chat.look(handlers.look, None, chat, queue=False, trigger_mode="multiple", **private)
        chat.stop(handlers.stop, None, None, queue=False, trigger_mode="multiple", **private)
        chat.rate(handlers.rate, None, chat, queue=False, trigger_mode="multiple", **private)
        chat.end(handlers.end, None, chat, queue=False, **private)
        chat.score(handlers.score, None, chat, queue=False, **private)
        chat.download(handlers.download, None, chat, queue=False, **private)
        chat.erase(handlers.erase, None, chat, queue=False, **private)
    demo.queue(max_size=64, default_concurrency_limit=_AT_ONCE)
    demo.has_launched = True  # without it a mounted page serves any file of the machine to whoever names it in an upload
    return demo


def _head(settings: Settings) -> str:
    """Colours and looks, and what makes of the page the inside of the widget. Origins are checked settings, so no HTML is in them."""
    looks = "".join(map(static, ("palette.css", "products.css", "customer.css")))
    frame = f"const answerdeskOrigins = {json.dumps(settings.widget_origins)};\n{static('accent.js')}{static('frame.js')}"
    return f'<meta name="color-scheme" content="light dark"><style>{looks}</style><script>{frame}</script>'
