"""The leads' page: the inbox, a conversation and what the bot saw of it, taking it over, and corrections on their way into the pool."""

from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from bot.errors import UnknownConversation
from ui import audit, control, inbox, operations_backends, operations_desk, operations_examples, operations_prompts, teaching
from ui.panels import Ask, Kept, action, empty, mount_staff, staff_page, top

if TYPE_CHECKING:
    from ui.build import App

TABS = ("inbox", "pool", "prompts", "backends", "playground")
ACTIONS = (
    "show", "search", "take", "say", "note", "hand_back", "close_chat", "review", "correct", "approve", "reject",
    "set_policy", "bring_back", "test_backends", "compare", "set_prompt", "bring_prompt_back",
)  # fmt: skip


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
        if ask.place.get("tab") == "backends":
            versions = self._do(operations_backends.policy_history, most=10)["versions"]
            return found | {"main": control.backends(ask, self._do(operations_backends.list_backends), versions)}
        if ask.place.get("tab") == "prompts":
            return found | {"main": self._prompts(ask)}
        if ask.place.get("tab") == "playground":
            if ask.quiet:
                del found["foot"]  # the answers stay where they are
            elif ask.answers:
                found["foot"] = control.side_by_side(ask)
            return found | {"main": control.playground(ask, list(self._app.backends))}
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

    @action("lead")
    def set_policy(self, ask: Ask) -> str:
        """Who answers from the next turn on; refused when somebody else has changed it since it was read."""
        canary, share = ask.data.get("canary", ""), _number(ask.data.get("share")) / 100
        change = {
            "default": ask.data.get("default", ""),
            "canary": {"backend": canary, "share": share} if canary and share else None,
            "shadow": ask.data.get("shadow") or None,
            "ladder": list(dict.fromkeys(name for place in range(control.RUNGS) if (name := ask.data.get(f"rung{place}", "")))),
        }
        args = {"change": change, "author": ask.user.name, "why": ask.data.get("why", "")}
        done = self._do(operations_backends.change_policy, expected=int(_number(ask.data.get("expected"))), **args)
        audit.record(self._app.engine, ask.user.name, "policy.change", f"version {done['version']}", ask.data.get("why", ""))
        return ask.words["policy_set"].format(n=done["version"])

    @action("lead")
    def bring_back(self, ask: Ask) -> str:
        """An earlier policy again, as a new version."""
        to = int(_number(ask.data.get("version")))
        args = {"author": ask.user.name, "why": ask.words["brought_back"].format(n=to)}
        done = self._do(operations_backends.rollback_policy, to=to, **args)
        audit.record(self._app.engine, ask.user.name, "policy.rollback", f"version {done['version']}", f"to {to}")
        return ask.words["policy_set"].format(n=done["version"])

    @action("lead")
    def test_backends(self, ask: Ask) -> str:
        """Ask each backend one thing."""
        tested = self._do(operations_backends.ask_backends, names=[])["tested"]
        return Kept(" · ".join(f"{each['name']}: {each['error'] or ask.words['ready']}" for each in tested))

    @action("lead")
    def compare(self, ask: Ask) -> None:
        """One question to two backends; nothing is saved."""
        ask.place.update(left=ask.data.get("left", ""), right=ask.data.get("right", ""), asked=ask.data.get("text", "")[:2000])
        names = list(dict.fromkeys((ask.place["left"], ask.place["right"])))
        ask.answers.extend(self._do(operations_desk.try_backends, text=ask.place["asked"], names=names)["answers"])

    @action("lead")
    def set_prompt(self, ask: Ask) -> str:
        """New templates from the next turn on; refused when somebody else has changed them since they were read."""
        given = {name: ask.data.get(name, "") for name in ("system", "user", "comment")}
        place = {"language": ask.data.get("code", ""), "expected": int(_number(ask.data.get("expected"))), "author": ask.user.name}
        done = self._do(operations_prompts.set_prompt, **given, **place)
        audit.record(self._app.engine, ask.user.name, "prompt.change", done["id"], given["comment"])
        return ask.words["prompt_set"].format(n=done["version"])

    @action("lead")
    def bring_prompt_back(self, ask: Ask) -> str:
        """An earlier prompt again, as a new version."""
        old, code = ask.data.get("version", ""), ask.data.get("code", "")
        done = self._do(operations_prompts.rollback_prompt, version=old, language=code, author=ask.user.name, comment=old)
        audit.record(self._app.engine, ask.user.name, "prompt.rollback", done["id"], f"to {old}")
        return ask.words["prompt_set"].format(n=done["version"])

    def _prompts(self, ask: Ask) -> str:
        code = ask.place.get("code", "")
        code = code if code in teaching.CODES else ask.language
        shown = self._do(operations_prompts.show_prompt, language=code)
        versions = self._do(operations_prompts.list_prompts, language=code)["prompts"]
        since = next((version["id"] for version in versions if version["id"] == ask.place.get("since")), None)
        changed = self._do(operations_prompts.diff_prompts, old=since, language=code)["difference"] if since else ""
        return teaching.prompts(ask, shown, versions, changed)

    def _do(self, operation: Any, **args: Any) -> Any:
        return partial(operation, self._app, lambda _: None)(**args)


def _number(text: str | None) -> float:
    """A number that a form sent, 0 where it is none."""
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if 0 <= number <= 1e9 else 0.0
