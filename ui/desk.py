"""The leads' page: inbox, a conversation and what the bot saw of it, taking it over, corrections, reports, what people say again."""

import time
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.errors import UnknownConversation
from bot.outcomes import Tally, waiting_for_person
from ui import figures, inbox, operations_canned, operations_desk, operations_examples, operations_reports, phrases, saw, steer
from ui.errors import Failure, failure
from ui.panels import Ask, action, empty, mount_staff, staff_page, top
from ui.roles import user_of
from ui.sheet import report_csv
from ui.steer import Steering

if TYPE_CHECKING:
    from ui.build import App

TABS = ("inbox", "reports", "pool", "canned", "prompts", "backends", "playground")
ACTIONS = (
    "show", "search", "filter_language", "take", "say", "note", "hand_back", "close_chat", "review", "suggest", "correct", "edit_example",
    "approve", "reject", "add_canned", "edit_canned", "remove_canned", *steer.ACTIONS,
)  # fmt: skip
_STAYS = {"reports": ("main",), "prompts": ("foot",), "playground": ("foot",)}
"""What a page that only looks again by itself leaves as it is: what an action found out, or what takes long to count."""
_TALLY_S = 60  # how long the alerts about shares may lag behind: a week of replies is counted for them


def mount_desk(fastapi: FastAPI, app: "App", path: str = "/desk") -> None:
    """Mount the page, behind `ui.guards.SignedIn`."""

    @fastapi.get(f"{path}/report.csv")
    def report(request: Request, days: int = 7, zone: str = "UTC") -> Response:
        user_of(gr.Request(request), "lead")
        try:
            found = operations_reports.report(app, lambda _: None, days=days, zone=zone)
        except Failure as error:
            return JSONResponse({"detail": str(failure(error))}, 400)
        named = {"Content-Disposition": f'attachment; filename="answerdesk-{found["since"][:10]}-{found["until"][:10]}.csv"'}
        return Response(report_csv(found), media_type="text/csv; charset=utf-8", headers=named)

    mount_staff(fastapi, staff_page(DeskPanels(app), ACTIONS, "desk.js", "notify.js"), path, "lead", data_dir=app.settings.data_dir)


class DeskPanels(Steering):
    """What leads do. Every change goes through the function that the shell command calls too."""

    def __init__(self, app: "App") -> None:
        super().__init__(app)
        self._tallied: tuple[float, tuple[Tally, Tally] | None] = (0.0, None)

    def head(self, ask: Ask) -> dict[str, str]:
        """What stands around every panel."""
        tab = ask.place.get("tab", "")
        ask.place["tab"] = tab if tab in TABS else TABS[0]
        links = ["admin"] if ask.user.role == "admin" else []
        return {"top": top(ask, TABS, links) + inbox.keys(ask)}

    def regions(self, ask: Ask) -> dict[str, str]:
        """The panel where somebody is, under the alerts."""
        tab, told = ask.place["tab"], self._alerts()
        strip = inbox.waiting(ask, waiting_for_person(self._app.engine))
        strip += figures.alerts(ask, told["alerts"], told["limits"]["waiting_minutes"])
        shown = {
            "inbox": self._inbox,
            "reports": self._reports,
            "pool": self._pool,
            "canned": self._canned,
            "prompts": self._prompts,
            "backends": self._backends,
            "playground": self._playground,
        }[tab](ask)
        stays = ("foot",) if tab == "inbox" and ask.place.get("draft") else _STAYS.get(tab, ())
        blank = {"alerts": strip, "side": "", "main": "", "foot": "", "more": ""}
        return {name: html for name, html in (blank | shown).items() if not ask.quiet or name not in stays}

    def _inbox(self, ask: Ask) -> dict[str, str]:
        box = ask.place.get("box", "")
        ask.place["box"] = box = box if box in operations_desk.BOXES else "waiting"
        language = ask.place.get("lang", "")
        ask.place["lang"] = language = language if language in operations_desk.LANGUAGES else ""
        sought = {"search": ask.place.get("search", ""), "language": language}
        listed = self._do(operations_desk.list_chats, box=box, by=ask.user.name, **sought)
        side = inbox.boxes(ask, listed, box, operations_desk.BOXES)
        nothing = {"side": side, "main": empty(ask.words["choose"], ask.words["choose_hint"])}
        if not (chat := ask.place.get("chat")):
            return nothing
        try:
            shown = self._do(operations_desk.show_chat, conversation=chat)
        except UnknownConversation:
            ask.place["chat"] = ""
            return nothing
        if not ask.quiet and not ask.answers:
            ask.place["draft"] = ""
        replies = self._do(operations_canned.list_canned)["replies"]
        foot = inbox.composer(ask, shown, replies)
        return {"side": side, "main": inbox.conversation(ask, shown), "foot": foot, "more": saw.what_the_bot_saw(ask, shown)}

    def _reports(self, ask: Ask) -> dict[str, str]:
        if ask.quiet:
            return {}
        days = ask.place.get("days", "")
        ask.place["days"] = days = days if days in figures.DAYS else "7"
        return {"main": figures.reports(ask, self._do(operations_reports.report, days=int(days), zone=ask.zone))}

    def _pool(self, ask: Ask) -> dict[str, str]:
        examples = self._do(operations_examples.list_examples)["examples"]
        return {"main": inbox.pool(ask, examples, ask.place.get("pool", "pending"))}

    def _canned(self, ask: Ask) -> dict[str, str]:
        code = ask.place.get("code", "")
        ask.place["code"] = code = code if code in phrases.CODES else ask.language
        return {"main": phrases.canned(ask, self._do(operations_canned.list_canned, language=code)["replies"], code)}

    def _alerts(self) -> dict[str, Any]:
        looked, counted = self._tallied
        if counted is None or time.monotonic() - looked >= _TALLY_S:
            counted = operations_reports.tallies(self._app)
            self._tallied = (time.monotonic(), counted)
        return operations_reports.alerts_with(self._app, *counted)

    @action("lead")
    def show(self, ask: Ask) -> None:
        """Look, without changing anything."""

    @action("lead")
    def search(self, ask: Ask) -> None:
        """Look for words that somebody said, in all conversations."""
        ask.place["search"] = ask.data.get("search", "")
        if ask.place["search"]:
            ask.place["box"] = "all"

    @action("lead")
    def filter_language(self, ask: Ask) -> None:
        """Only conversations in one language."""
        ask.place["lang"] = ask.data.get("value", "")

    @action("lead")
    def take(self, ask: Ask) -> str:
        """Take a conversation over."""
        self._do(operations_desk.take_chat, conversation=ask.data.get("chat", ""), by=ask.user.name)
        ask.place["box"] = "mine"
        return ask.words["taken"]

    @action("lead")
    def say(self, ask: Ask) -> None:
        """Words to the customer."""
        sent = {"text": ask.data.get("text", ""), "message": ask.data.get("message", "")}
        self._do(operations_desk.say_in_chat, conversation=ask.data.get("chat", ""), by=ask.user.name, **sent)

    @action("lead")
    def note(self, ask: Ask) -> str:
        """A private note."""
        self._do(operations_desk.note_chat, conversation=ask.data.get("chat", ""), by=ask.user.name, text=ask.data.get("text", ""))
        return ask.words["noted"]

    @action("lead")
    def hand_back(self, ask: Ask) -> str:
        """The bot answers again; why is a note that only colleagues read."""
        given = {"conversation": ask.data.get("chat", ""), "by": ask.user.name, "why": ask.data.get("why", "").strip()}
        self._do(operations_desk.hand_back_chat, **given)
        return ask.words["handed_back"]

    @action("lead")
    def close_chat(self, ask: Ask) -> str:
        """Done with."""
        self._do(operations_desk.close_chat, conversation=ask.data.get("chat", ""), by=ask.user.name)
        return ask.words["closed"]

    @action("lead")
    def review(self, ask: Ask) -> str:
        """What was flagged has been looked at."""
        self._do(operations_desk.review_chat, conversation=ask.data.get("chat", ""), by=ask.user.name)
        return ask.words["reviewed"]

    @action("lead")
    def suggest(self, ask: Ask) -> None:
        """The bot's draft of what might be said next; it is shown here alone and sends nothing."""
        chat = ask.data.get("chat", "")
        ask.answers.append(self._do(operations_canned.suggest_reply, conversation=chat))
        ask.place["draft"] = chat

    @action("lead")
    def add_canned(self, ask: Ask) -> str:
        """A new canned reply."""
        given = {name: ask.data.get(name, "") for name in ("shortcut", "text")}
        made = self._do(operations_canned.add_canned, language=ask.data.get("code", ""), by=ask.user.name, **given)
        return ask.words["canned_kept"].format(name=made["shortcut"])

    @action("lead")
    def edit_canned(self, ask: Ask) -> str:
        """Another shortcut or text for one."""
        given = {name: ask.data.get(name, "") for name in ("id", "shortcut", "text")}
        made = self._do(operations_canned.edit_canned, language=ask.data.get("code", ""), by=ask.user.name, **given)
        return ask.words["canned_kept"].format(name=made["shortcut"])

    @action("lead")
    def remove_canned(self, ask: Ask) -> str:
        """Forget one."""
        self._do(operations_canned.remove_canned, id=ask.data.get("id", ""), by=ask.user.name)
        return ask.words["canned_removed"]

    @action("lead")
    def correct(self, ask: Ask) -> str:
        """A better answer, proposed for the pool, with what it rests on and whose conversation it comes from."""
        shown = self._do(operations_desk.show_chat, conversation=ask.data.get("chat", ""))
        line = next((line for line in shown["said"] if line["id"] == ask.data.get("reply")), None)
        cited = line["answer"]["citations"][:1] if line and line["answer"] else []
        row = {
            "question": ask.data.get("question", ""),
            "answer": ask.data.get("answer", ""),
            "evidence": cited[0]["text"] if cited else "",
            "conversation": shown["chat"]["id"],
            "customer": shown["chat"]["customer"],
            "corrects": direct["example"] if (direct := ((line and line["provenance"]) or {}).get("direct")) else "",
        }
        done = self._do(operations_examples.add_examples, rows=[row], approve=False, author=ask.user.name)
        return ask.words["proposed" if done["added"] else "known_already"]

    @action("lead")
    def edit_example(self, ask: Ask) -> str:
        """Another question or answer for one; it stays proposed, approved or rejected."""
        texts = {name: ask.data.get(name, "") for name in ("question", "answer")}
        self._do(operations_examples.edit_example, example=ask.data.get("example", ""), texts=texts, author=ask.user.name)
        return ask.words["example_kept"]

    @action("lead")
    def approve(self, ask: Ask) -> str:
        """A proposal becomes an example."""
        self._do(operations_examples.decide_examples, ids=[ask.data.get("example", "")], approve=True, author=ask.user.name)
        return ask.words["approved"]

    @action("lead")
    def reject(self, ask: Ask) -> str:
        """A proposal is not used."""
        given = {"approve": False, "author": ask.user.name, "why": ask.words["rejected_on_desk"]}
        self._do(operations_examples.decide_examples, ids=[ask.data.get("example", "")], **given)
        return ask.words["rejected"]
