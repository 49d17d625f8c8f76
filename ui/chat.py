"""What the customer's page does: answer, look for news, take ratings, end a conversation, hand a customer's data out and erase it.

Every event of a Gradio page is a public address. So each handler takes the customer from the signed cookie or token, the history from the
store, and checks whatever else the browser sends.
"""

import asyncio
import json
import logging
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from html import escape
from typing import Any, Protocol

import gradio as gr

from bot import ending
from bot.elsewhere import elsewhere
from bot.errors import BotError, UnknownConversation
from bot.messages import Request
from bot.records import Line
from knowledge.records import records_of
from ui import operations_customers, transcript
from ui.hours import OfficeHours, zone
from ui.identity import LANGUAGE_HEADER
from ui.languages import LANGUAGE_COOKIE, LANGUAGES, PageLanguage, Texts, language_of, texts, with_suggestions
from ui.roles import allowed, customer_of
from ui.turns import Router, Running, follow

_log = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


class CustomerApp(operations_customers.Keeps, Protocol):
    """What the page needs of the product: `ui.build.App`."""

    @property
    def router(self) -> Router: ...


class Handlers:
    """What the page's events do. Each starts from the visitor's id, which only the signed cookie gives."""

    def __init__(self, app: CustomerApp) -> None:
        self._app = app
        self._running = Running()
        self._hours, self._zone = OfficeHours.read(app.settings.office_hours), zone(app.settings.office_zone)

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
    async def turn(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        """A message: shown at once, answered in pieces, saved by the router."""
        customer, language, words = customer_of(request), _language(request), texts(_language(request))
        conversation, message = _id(event, "conversation"), _id(event, "message")
        text = _text(event, "text", self._app.settings.max_message_chars + 1).strip()
        if not text:
            return
        lines, now = await asyncio.to_thread(self._lines, customer, conversation)
        if not any(line.id == message for line in lines):
            lines = (*lines, Line(message, "customer", text, datetime.now(UTC)))
        asked = Request(text, conversation, customer, message, language=language)
        waiting = transcript.typing(message, words)
        first = _since(message, self._view(conversation, language, lines, now, waiting))
        yield first
        try:
            with self._running.turn(customer) as cancel:
                async with aclosing(follow(self._app.router, asked, cancel)) as growth:
                    async for so_far in growth:
                        growing = transcript.partial(message, so_far, words) if so_far else waiting
                        yield {**first, "items": [growing if item["key"] == waiting["key"] else item for item in first["items"]]}
        except Exception:  # noqa: BLE001  (whatever it is, it is logged, and the visitor reads a calm sentence)
            _log.exception("a turn of the customer's page failed")
        yield await asyncio.to_thread(self._answered, customer, conversation, message, language, lines)

    def _answered(self, customer: str, conversation: str, message: str, language: PageLanguage, lines: Sequence[Line]) -> dict[str, Any]:
        """What is new once a turn is over. lines: as they were when it began."""
        saved, now = self._lines(customer, conversation)
        if any(line.id == message for line in saved):
            lines = saved
        view = self._view(conversation, language, lines, now)
        # Where a person answers nothing comes after the message, so what the page shows there until then has to go.
        return view if now.state == "agent" else _since(message, view)

    @allowed("customer")
    def look(self, event: gr.EventData, request: gr.Request) -> Any:
        """What has happened since the page last heard: a person joined, wrote, handed back. Nothing when nothing has."""
        conversation, language = _id(event, "conversation"), _language(request)
        lines, now = self._lines(customer_of(request), conversation)
        if _stamp(language, lines, now) == _text(event, "stamp", 300):
            return gr.skip()
        return self._view(conversation, language, lines, now)

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
            return self._now(customer, conversation, language)
        return gr.skip()

    @allowed("customer")
    def end(self, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """The customer is done with a conversation."""
        customer, conversation = customer_of(request), _id(event, "conversation")
        self._running.stop(customer)
        try:
            ending.end(self._app.engine, conversation, customer)
        except BotError as error:
            _log.warning("a conversation was not ended: %s", error)
        return self._now(customer, conversation, _language(request))

    @allowed("customer")
    def score(self, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """How a conversation was, as a whole; the first rating stays."""
        customer, conversation, value = customer_of(request), _id(event, "conversation"), _data(event).get("value")
        try:
            ending.rate(self._app.engine, conversation, customer, value if type(value) is int else 0, _text(event, "why", 700))
        except (BotError, ValueError) as error:
            _log.warning("a rating was not saved: %s", error)
        return self._now(customer, conversation, _language(request))

    @allowed("customer")
    def download(self, event: gr.EventData, request: gr.Request) -> Any:
        """All that is kept of the customer, as a file."""
        customer, conversation, language = customer_of(request), _id(event, "conversation"), _language(request)
        kept = operations_customers.export_customer(self._app, _nobody, customer=customer)
        file = {
            "id": uuid.uuid4().hex,
            "name": f"chat-{datetime.now(UTC):%Y-%m-%d}.json",
            "text": json.dumps(kept, ensure_ascii=False, indent=2),
        }
        return {**self._now(customer, conversation, language), "file": file}

    @allowed("customer")
    def erase(self, event: gr.EventData, request: gr.Request) -> dict[str, Any]:
        """Erase the customer from every store, as `answerdesk customers erase` does; the page goes on with a new conversation."""
        customer, language = customer_of(request), _language(request)
        self._running.stop(customer)
        said = texts(language).erased
        try:
            operations_customers.erase(self._app, _nobody, customer=customer)
        except Exception:  # noqa: BLE001  (whatever it is, it is logged, and the visitor is told that it did not work)
            _log.exception("a customer could not be erased")
            said = texts(language).erase_failed
        return {**self._now(customer, _id(event, "conversation"), language), "said": said}

    def header(self, words: Texts, now: transcript.Standing) -> str:
        """The shop's name, and whether the bot answers, a person has been asked for, or one is there."""
        waits = now.state == "waiting" or (now.state == "agent" and not now.person)
        status = words.status_person.format(name=now.person) if now.person else words.status_waiting if waits else words.status_ready
        name = f"<h1>{escape(words.titled(self._app.settings.shop_name))}</h1>"
        return f'<span class="avatar"></span><div>{name}<p class="status{" waiting" * waits}">{escape(status)}</p></div>'

    def _page(self, customer: str, conversation: str, language: PageLanguage) -> list[Any]:
        words, view = texts(language), self._now(customer, conversation, language)
        return [
            view,
            view["head"],
            words.talk,
            words.new_chat,
            words.other_language,
            gr.update(label=words.message_label, placeholder=words.placeholder),
            words.send,
            words.stop,
            transcript.footnote(words),
        ]

    def _now(self, customer: str, conversation: str, language: PageLanguage) -> dict[str, Any]:
        """The conversation as it is saved."""
        return self._view(conversation, language, *self._lines(customer, conversation))

    def _lines(self, customer: str, conversation: str) -> tuple[tuple[Line, ...], transcript.Standing]:
        """What is saved of a conversation; nothing when it is new, or is not this customer's."""
        contact, other = self._app.settings.shop_contact, elsewhere(self._app.engine, customer, conversation)
        try:
            lines, stands = self._app.store.transcript_and_standing(conversation, customer)
        except UnknownConversation:
            return (), transcript.Standing(contact=contact, other=other)
        back = self._hours.next_opening(datetime.now(self._zone)) if stands.state == "waiting" else None
        ended = ending.Ending(stands.ended, stands.score)
        return lines, transcript.Standing(stands.state, stands.person, ended, back, contact, stands.left, other)

    def _view(
        self,
        conversation: str,
        language: PageLanguage,
        lines: Sequence[Line],
        now: transcript.Standing,
        answering: transcript.Item | None = None,
    ) -> dict[str, Any]:
        """What the page's script puts in place, the page's head too: Gradio makes every further output of an event anew in each piece.

        stamp: the same as long as nobody has said or done anything."""
        words = texts(language)
        opened = with_suggestions(words, language, self._app.settings.suggested_questions)
        records = records_of(self._app.engine, [cited.id for line in lines if line.answer for cited in line.answer.citations])
        said = (
            "log_label",
            "latest",
            "talk_request",
            "too_long",
            "busy",
            "wait",
            "lost",
            "offline",
            "try_again",
            "copied",
            "rating_thanks",
        )
        return {
            "language": language,
            "conversation": conversation,
            "title": words.titled(self._app.settings.shop_name),
            "head": self.header(words, now),
            "elsewhere": transcript.strip(now.other, words),
            "limit": self._app.settings.max_message_chars,
            "cookie": LANGUAGE_COOKIE,
            "words": {name: getattr(words, name) for name in said},
            "tail": False,
            "state": now.state,
            "open": bool(lines) and now.state != "closed",
            "replies": sum(line.role != "customer" for line in lines),
            "stamp": _stamp(language, lines, now),
            "items": transcript.items(lines, now, opened, records=records, answering=answering),
        }


def _nobody(event: dict[str, Any]) -> None:
    """Nobody follows how far an operation has come."""


def _stamp(language: PageLanguage, lines: Sequence[Line], now: transcript.Standing) -> str:
    last = lines[-1].id if lines else ""
    return f"{language} {now.state} {now.person} {now.ending.at} {now.ending.score} {now.back} {len(lines)} {last} {now.other}"


def _language(request: gr.Request) -> PageLanguage:
    chosen = request.request.headers.get(LANGUAGE_HEADER)  # in the widget's frame, which has no cookies
    for language in LANGUAGES:
        if chosen == language:
            return language
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
