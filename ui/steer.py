"""What leads steer from the desk: who answers, and with which words a model is told to."""

from functools import partial
from typing import TYPE_CHECKING, Any

from ui import audit, control, operations_backends, operations_desk, operations_prompts, teaching
from ui.errors import Failure
from ui.panels import Ask, Kept, action
from ui.races import Races

if TYPE_CHECKING:
    from ui.build import App

ACTIONS = (
    "set_policy", "bring_back", "test_backends", "compare", "compare_more",
    "set_prompt", "bring_prompt_back", "preview_prompt", "try_prompt",
)  # fmt: skip


_AT_ONCE_S, _MORE_S = 0.5, 10.0  # how long a page waits for the first answer, and for the next


class Steering:
    """The actions and panels of backends, prompts and the playground. Every change goes through the function that the shell calls too."""

    name = "desk"

    def __init__(self, app: "App") -> None:
        self._app = app
        self._races = Races()

    @action("lead")
    def set_policy(self, ask: Ask) -> str:
        """Who answers from the next turn on; refused when somebody else has changed it since it was read."""
        canary, share = ask.data.get("canary", ""), number(ask.data.get("share")) / 100
        if canary and not share:
            raise Failure(ask.words["canary_without_share"].format(name=canary), 2)
        change = {
            "default": ask.data.get("default", ""),
            "canary": {"backend": canary, "share": share} if canary and share else None,
            "shadow": ask.data.get("shadow") or None,
            "ladder": list(dict.fromkeys(name for place in range(control.RUNGS) if (name := ask.data.get(f"rung{place}", "")))),
        }
        args = {"change": change, "author": ask.user.name, "why": ask.data.get("why", "")}
        done = self._do(operations_backends.change_policy, expected=int(number(ask.data.get("expected"))), **args)
        audit.record(self._app.engine, ask.user.name, "policy.change", f"version {done['version']}", ask.data.get("why", ""))
        return ask.words["policy_set"].format(n=done["version"])

    @action("lead")
    def bring_back(self, ask: Ask) -> str:
        """An earlier policy again, as a new version."""
        to = int(number(ask.data.get("version")))
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
        """One question to two backends at once; nothing is saved. What is there first is shown first."""
        ask.place.update(left=ask.data.get("left", ""), right=ask.data.get("right", ""), asked=ask.data.get("text", "")[:2000])
        names = list(dict.fromkeys((ask.place["left"], ask.place["right"])))
        text = ask.place["asked"]
        self._races.begin(ask.user.name, names, lambda name: self._do(operations_desk.try_backends, text=text, names=[name])["answers"][0])
        ask.answers.extend(self._races.wait(ask.user.name, 0, _AT_ONCE_S))

    @action("lead")
    def compare_more(self, ask: Ask) -> None:
        """Wait for the next answer of those that still work. told: how many were there."""
        ask.answers.extend(self._races.wait(ask.user.name, int(number(ask.data.get("told"))), _MORE_S))

    @action("lead")
    def set_prompt(self, ask: Ask) -> str:
        """New templates from the next turn on; refused when somebody else has changed them since they were read."""
        given = {name: ask.data.get(name, "") for name in ("system", "user", "comment")}
        place = {"language": ask.data.get("code", ""), "expected": int(number(ask.data.get("expected"))), "author": ask.user.name}
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

    @action("lead")
    def preview_prompt(self, ask: Ask) -> None:
        """The very messages that a turn would send with the templates as they stand in the form; nothing is asked and nothing is saved."""
        draft = self._draft(ask)
        text, message = ask.place["asked"], ask.place["of"]
        given = {"text": text, "message": message or None, "backend": ask.place["on"] or None}
        shown = self._do(operations_prompts.preview_prompt, draft=draft, **given)
        ask.answers.append({**shown, "kind": "preview"})

    @action("lead")
    def try_prompt(self, ask: Ask) -> None:
        """One question with the wording in use and with the form's; nothing is saved."""
        draft = self._draft(ask)
        tried = self._do(operations_prompts.try_prompt, text=ask.place["asked"], backend=ask.place["on"] or None, **draft)
        ask.answers.append({**tried, "kind": "try"})

    def _draft(self, ask: Ask) -> dict[str, str]:
        ask.place.update(asked=ask.data.get("text", "")[:2000], of=ask.data.get("of", "").strip()[:64], on=ask.data.get("on", "")[:64])
        return {"language": ask.data.get("code", ""), "system": ask.data.get("system", ""), "user": ask.data.get("user", "")}

    def _backends(self, ask: Ask) -> dict[str, str]:
        versions = self._do(operations_backends.policy_history, most=10)["versions"]
        return {"main": control.backends(ask, self._do(operations_backends.list_backends), versions)}

    def _playground(self, ask: Ask) -> dict[str, str]:
        return {"main": control.playground(ask, list(self._app.backends))} | self._below(ask, control.side_by_side)

    def _prompts(self, ask: Ask) -> dict[str, str]:
        code = ask.place.get("code", "")
        code = code if code in teaching.CODES else ask.language
        shown = self._do(operations_prompts.show_prompt, language=code)
        versions = self._do(operations_prompts.list_prompts, language=code)["prompts"]
        since = next((version["id"] for version in versions if version["id"] == ask.place.get("since")), None)
        changed = self._do(operations_prompts.diff_prompts, old=since, language=code)["difference"] if since else ""
        page = teaching.prompts(ask, shown, versions, changed, list(self._app.backends))
        return {"main": page} | self._below(ask, teaching.tried)

    def _below(self, ask: Ask, show: Any) -> dict[str, str]:
        """What an action found out, which stays where it is while the page only looks again by itself."""
        return {} if ask.quiet else {"foot": show(ask) if ask.answers else ""}

    def _do(self, operation: Any, **args: Any) -> Any:
        return partial(operation, self._app, lambda _: None)(**args)


def number(text: str | None) -> float:
    """A number that a form sent, 0 where it is none."""
    try:
        found = float(text or 0)
    except ValueError:
        return 0.0
    return found if 0 <= found <= 1e9 else 0.0
