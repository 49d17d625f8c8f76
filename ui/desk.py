"""The leads' page: the inbox, a conversation and what the bot saw of it, taking it over, and corrections on their way into the pool."""

from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from bot.errors import UnknownConversation
from ui import inbox, operations_desk, operations_examples
from ui.panels import Ask, action, empty, mount_staff, staff_page, top

if TYPE_CHECKING:
    from ui.build import App

TABS = ("inbox", "pool")
ACTIONS = ("show", "search", "take", "say", "note", "hand_back", "close_chat", "review", "correct", "approve", "reject")


def mount_desk(fastapi: FastAPI, app: "App", path: str = "/desk") -> None:
    """Mount the page, behind `ui.guards.SignedIn`."""
    mount_staff(fastapi, staff_page(DeskPanels(app), ACTIONS), path, "lead", data_dir=app.settings.data_dir)


class DeskPanels:
    """What leads do. Every change goes through the function that the shell command calls too."""

    name = "desk"

    def __init__(self, app: "App") -> None:
        self._app = app

    def regions(self, ask: Ask) -> dict[str, str]:
        """The page as it is now, for where somebody is."""
        found = {"top": top(ask, TABS, ["admin"] if ask.user.role == "admin" else []), "side": "", "main": "", "foot": "", "more": ""}
        if ask.place.get("tab") == "pool":
            examples = self._do(operations_examples.list_examples)["examples"]
            return found | {"main": inbox.pool(ask, examples, ask.place.get("pool", "pending"))}
        ask.place["tab"] = "inbox"
        box = ask.place.get("box", "")
        box = box if box in operations_desk.BOXES else "waiting"
        ask.place["box"] = box
        listed = self._do(operations_desk.list_chats, box=box, by=ask.user.name, search=ask.place.get("search", ""))
        found["side"] = inbox.boxes(ask, listed, box, operations_desk.BOXES)
        if chat := ask.place.get("chat"):
            try:
                shown = self._do(operations_desk.show_chat, conversation=chat)
            except UnknownConversation:
                ask.place["chat"] = ""
            else:
                return found | {
                    "main": inbox.conversation(ask, shown),
                    "foot": inbox.composer(ask, shown),
                    "more": inbox.what_the_bot_saw(ask, shown),
                }
        return found | {"main": empty(ask.words["choose"], ask.words["choose_hint"])}

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
        """The bot answers again."""
        self._do(operations_desk.hand_back_chat, conversation=ask.data.get("chat", ""), by=ask.user.name)
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
        }
        done = self._do(operations_examples.add_examples, rows=[row], approve=False, author=ask.user.name)
        return ask.words["proposed" if done["added"] else "known_already"]

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

    def _do(self, operation: Any, **args: Any) -> Any:
        return partial(operation, self._app, lambda _: None)(**args)
