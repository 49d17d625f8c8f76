"""The customer's page: ask, read the streamed answer and its sources, rate it, talk to a person; in English and Chinese.

Every event of a Gradio page is a public address. So each handler takes the customer from the signed cookie, the history from the
store, and checks whatever else the browser sends.
"""

import logging
import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Protocol

import gradio as gr
from fastapi import FastAPI

from bot.errors import BotError, UnknownConversation
from bot.messages import Request
from bot.records import Line, State
from bot.store import Store
from ui import transcript
from ui.languages import LANGUAGE_COOKIE, PageLanguage, Texts, language_of, texts
from ui.roles import allowed, customer_of
from ui.settings import Settings
from ui.theme import STATIC, static, theme
from ui.turns import Router, Running, follow

_log = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_AT_ONCE = 32  # turns that are answered at a time; each holds one of Gradio's 40 threads, and the page's other events need some
_LOG = """
<div class="scroller" tabindex="0" role="region"><div class="log" role="log" aria-live="polite" aria-busy="false"></div></div>
<button type="button" class="latest" hidden></button>
<p class="hint" role="alert" hidden></p>
"""


class CustomerApp(Protocol):
    """What the page needs of the product: `ui.build.App`."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> Store: ...
    @property
    def router(self) -> Router: ...


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
        head=f'<meta name="color-scheme" content="light dark"><style>{static("palette.css")}{static("customer.css")}</style>',
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
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    with gr.Blocks(title=words.title.format(shop=app.settings.shop_name), analytics_enabled=False, fill_width=True) as demo:
        with gr.Row(elem_id="top"):
            header = gr.HTML(handlers.header(words, "bot", ""), elem_id="brand", apply_default_css=False)
            talk = gr.Button(words.talk, elem_id="talk")
            fresh = gr.Button(words.new_chat, elem_id="fresh")
            language = gr.Button(words.other_language, elem_id="language")
        chat = gr.HTML(None, elem_id="chat", html_template=_LOG, js_on_load=static("customer.js"), apply_default_css=False)
        with gr.Row(elem_id="composer"):
            box = gr.Textbox(
                label=words.message_label,
                placeholder=words.placeholder,
                lines=1,
                max_lines=6,
                container=False,
                elem_id="box",
                show_label=False,
            )
            send = gr.Button(words.send, elem_id="send")
            stop = gr.Button(words.stop, elem_id="stop")
        note = gr.HTML(f"<p>{escape(words.footnote)}</p>", elem_id="note", apply_default_css=False)

        # What the visitor does goes through the page's script, which shows it at once and then raises one of four events.
        gr.on([box.submit, send.click], None, box, box, js="(text) => window.answerdesk.ask(text || '')", **private)
        talk.click(None, js="() => window.answerdesk.talk()", **private)
        fresh.click(None, js="() => window.answerdesk.fresh()", **private)
        language.click(None, js="() => window.answerdesk.language()", **private)
        stop.click(None, js="() => window.answerdesk.stop()", **private)

        everything = [chat, header, talk, fresh, language, box, send, stop, note]
        demo.load(handlers.show, None, everything, queue=False, **private)
        chat.open(handlers.show_again, None, everything, queue=False, trigger_mode="multiple", **private)
        asked = chat.ask(handlers.turn, None, [chat, header], concurrency_limit=_AT_ONCE, trigger_mode="multiple", **private)
        for ended in (asked.then, asked.failure):  # Gradio's `then` does not follow an error
            ended(None, js="() => window.answerdesk.settled()", **private)
        chat.look(handlers.look, None, [chat, header], queue=False, trigger_mode="multiple", **private)
        chat.stop(handlers.stop, None, None, queue=False, trigger_mode="multiple", **private)
        chat.rate(handlers.rate, None, chat, queue=False, trigger_mode="multiple", **private)
    demo.queue(max_size=64, default_concurrency_limit=_AT_ONCE)
    demo.has_launched = True  # without it a mounted page serves any file of the machine to whoever names it in an upload
    return demo


class Handlers:
    """What the page's events do. Each starts from the visitor's id, which only the signed cookie gives."""

    def __init__(self, app: CustomerApp) -> None:
        self._app = app
        self._running = Running()

    @allowed("customer")
    def show(self, request: gr.Request) -> list[Any]:
        """The page as it opens: the visitor's language and their latest conversation."""
        customer = customer_of(request)
        return self._page(customer, self._app.store.latest(customer) or uuid.uuid4().hex, _language(request))

    @allowed("customer")
    def show_again(self, event: gr.EventData, request: gr.Request) -> list[Any]:
        """The page in another language, or with another conversation of the same visitor."""
        return self._page(customer_of(request), _id(event, "conversation"), _language(request))

    @allowed("customer")
    def turn(self, event: gr.EventData, request: gr.Request) -> Iterator[tuple[Any, Any]]:
        """A message: shown at once, answered in pieces, saved by the router."""
        customer, language, words = customer_of(request), _language(request), texts(_language(request))
        conversation, message = _id(event, "conversation"), _id(event, "message")
        text = _text(event, "text", self._app.settings.max_message_chars + 1).strip()
        if not text:
            return
        lines, state = self._lines(customer, conversation)
        if not any(line.id == message for line in lines):
            lines = (*lines, Line(message, "customer", text, datetime.now(UTC)))
        asked = Request(text, conversation, customer, message, language=language)
        waiting = transcript.typing(message, words)
        first = _since(message, self._view(conversation, language, lines, state, waiting))
        yield first, gr.skip()
        try:
            with self._running.turn(customer) as cancel:
                for so_far in follow(self._app.router, asked, cancel):
                    growing = transcript.partial(message, so_far, words) if so_far else waiting
                    shown = [growing if item["key"] == waiting["key"] else item for item in first["items"]]
                    yield {**first, "items": shown}, gr.skip()
        except Exception:  # noqa: BLE001  (whatever it is, it is logged, and the visitor reads a calm sentence)
            _log.exception("a turn of the customer's page failed")
        saved, state = self._lines(customer, conversation)
        if any(line.id == message for line in saved):
            lines = saved
        view = self._view(conversation, language, lines, state)
        # Where a person answers nothing comes after the message, so what the page shows there until then has to go.
        yield view if state == "agent" else _since(message, view), self.header(words, state, self._person(conversation, state))

    @allowed("customer")
    def look(self, event: gr.EventData, request: gr.Request) -> tuple[Any, Any]:
        """What has happened since the page last heard: a person joined, wrote, handed back. Nothing when nothing has."""
        conversation, language = _id(event, "conversation"), _language(request)
        view = self._view(conversation, language, *self._lines(customer_of(request), conversation))
        if view["stamp"] == _text(event, "stamp", 200):
            return gr.skip(), gr.skip()
        return view, self.header(texts(language), view["state"], self._person(conversation, view["state"]))

    @allowed("customer")
    def stop(self, request: gr.Request) -> None:
        """End what is being answered for this visitor; what came until then stays."""
        self._running.stop(customer_of(request))

    @allowed("customer")
    def rate(self, event: gr.EventData, request: gr.Request) -> Any:
        """A thumb, with a reason where one was given. When it cannot be saved, the page shows again what is."""
        customer, language = customer_of(request), _language(request)
        try:
            self._app.store.rate(_id(event, "reply"), customer, 1 if _data(event).get("value") == 1 else -1, _text(event, "why", 700))
        except (BotError, ValueError) as error:
            _log.warning("a rating was not saved: %s", error)
            conversation = _id(event, "conversation")
            return self._view(conversation, language, *self._lines(customer, conversation))
        return gr.skip()

    def header(self, words: Texts, state: State, person: str) -> str:
        """The shop's name, and whether the bot answers, a person has been asked for, or one is there."""
        waiting = state == "waiting" or (state == "agent" and not person)
        status = words.status_person.format(name=person) if person else words.status_waiting if waiting else words.status_ready
        shop = self._app.settings.shop_name
        name = f"<h1>{escape(words.title.format(shop=shop))}</h1>"
        return f'<span class="avatar"></span><div>{name}<p class="status{" waiting" * waiting}">{escape(status)}</p></div>'

    def _page(self, customer: str, conversation: str, language: PageLanguage) -> list[Any]:
        words = texts(language)
        lines, state = self._lines(customer, conversation)
        return [
            self._view(conversation, language, lines, state),
            self.header(words, state, self._person(conversation, state)),
            words.talk,
            words.new_chat,
            words.other_language,
            gr.update(label=words.message_label, placeholder=words.placeholder),
            words.send,
            words.stop,
            f"<p>{escape(words.footnote)}</p>",
        ]

    def _lines(self, customer: str, conversation: str) -> tuple[tuple[Line, ...], State]:
        """What is saved of a conversation; nothing when it is new, or is not this customer's."""
        try:
            return self._app.store.transcript(conversation, customer), self._app.store.state(conversation)
        except UnknownConversation:
            return (), "bot"

    def _person(self, conversation: str, state: State) -> str:
        return self._app.store.person(conversation) if state == "agent" else ""

    def _view(
        self, conversation: str, language: PageLanguage, lines: Sequence[Line], state: State, answering: transcript.Item | None = None
    ) -> dict[str, Any]:
        """What the page's script puts in place. stamp: the same as long as nobody has said or done anything."""
        words = texts(language)
        person = self._person(conversation, state)
        said = ("log_label", "latest", "talk_request", "too_long", "busy", "offline", "try_again", "copied", "rating_thanks")
        return {
            "language": language,
            "conversation": conversation,
            "title": words.title.format(shop=self._app.settings.shop_name),
            "limit": self._app.settings.max_message_chars,
            "cookie": LANGUAGE_COOKIE,
            "words": {name: getattr(words, name) for name in said},
            "tail": False,
            "state": state,
            "stamp": f"{language} {state} {person} {len(lines)} {lines[-1].id if lines else ''}",
            "items": transcript.items(lines, state, self._app.settings.shop_contact, words, answering=answering, person=person),
        }


def _language(request: gr.Request) -> PageLanguage:
    return language_of(request.request.cookies, request.request.headers.get("accept-language", ""))


def _since(message: str, view: dict[str, Any]) -> dict[str, Any]:
    """Only what is new since a message: the page keeps what stands above it, so a long conversation streams as fast as a short one."""
    keys = [item["key"] for item in view["items"]]
    return {**view, "items": view["items"][keys.index(f"q:{message}") :], "tail": True}


def _data(event: gr.EventData) -> dict[str, Any]:
    sent = event._data  # noqa: SLF001  (its attributes are these, but raise on what the browser left out)
    return sent if isinstance(sent, dict) else {}


def _text(event: gr.EventData, name: str, longest: int) -> str:
    """A text the browser sent, without what no database can hold."""
    value = _data(event).get(name)
    return _NOT_TEXT.sub("", value[:longest]) if isinstance(value, str) else ""


def _id(event: gr.EventData, name: str) -> str:
    """An id the browser sent, or a new one when it is not one."""
    value = _data(event).get(name)
    return value if isinstance(value, str) and _ID.fullmatch(value) else uuid.uuid4().hex
