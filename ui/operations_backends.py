"""What `answerdesk backends` does: who is set up, who answers, and whether they can.

It works through the database alone; a running server obeys at its next turn.
"""

import math
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

from bot.backends.base import Backend, Options
from bot.errors import BackendError, BadPolicy, PolicyChanged
from bot.ladder import Rung
from bot.messages import Message, Prompt
from bot.policies import Version, policy_from, policy_json
from bot.policy import LAST, Health, Plan, Policy, refusal
from bot.replay import compare, saved_turn
from bot.sides import Side
from knowledge.documents import Chunk, Passage, Unit
from ui.errors import Failure
from ui.loopback import Emit
from ui.watching import last_look

if TYPE_CHECKING:
    from ui.build import App, Desk

_FACT = "The shop opens at 9 o'clock."
_TEST = "At what time does the shop open?"
_TEST_TOKENS = 64


def list_backends(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """Every backend, how it is, what part it has, and how its adapter does with customers; and the policy."""
    policy, health = app.policies.newest(), app.dispatch.health()
    watched = {(one["backend"], one["adapter"]): f"{one['action']}: {one['why']}" for one in last_look(app.store)}
    parts = policy.names()
    listed = []
    for name, entry in app.backends.entries().items():
        adapter = policy.adapters.get(name)
        wrong = app.backends.wrong(name) or (refusal(policy.caps.get(name), health.get(name)) if name != LAST else "")
        listed.append(
            {
                "name": name,
                "kind": entry.kind,
                "state": wrong.removeprefix("not asked: ") or "ready",
                **_breaker(health.get(name)),
                "adapter": f"{adapter.name}@{adapter.sha256[:12]}" if adapter else None,
                "watch": watched.get((name, adapter.name)) if adapter else None,
                "part": parts.get(name) or ("the last rung" if name == LAST else None),
                "config": app.backends.shown(entry),
                "from": "settings" if entry.fixed else "database",
                "tokens_today": health[name].tokens if name in health else 0,
                "cost_today": round(health[name].cost, 6) if name in health else 0.0,
            }
        )
    return {"backends": listed, **_policy(policy)}


def _breaker(health: Health | None) -> dict[str, Any]:
    """What its breaker has seen in the last minute, and for how many seconds it rests."""
    seen = health or Health()
    return {
        "calls": seen.calls,
        "failed": seen.failed,
        "rests_s": math.ceil(seen.rests_s),
        "probing": seen.probing,
        "running": seen.running,
    }


def add_backend(app: "App | Desk", emit: Emit, *, name: str, kind: str, config: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Set up a backend."""
    entry = _right(lambda: app.backends.add(name, kind, config))
    return {"name": name, "kind": kind, "config": app.backends.shown(entry)}


def remove_backend(app: "App | Desk", emit: Emit, *, name: str) -> dict[str, Any]:  # noqa: ARG001
    """Take a backend out."""
    _right(lambda: app.backends.remove(name))
    return {"name": name, "removed": True}


def show_policy(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """The policy in force."""
    return _policy(app.policies.newest())


def change_policy(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    change: dict[str, Any],
    author: str,
    why: str,
    expected: int | None = None,
) -> dict[str, Any]:
    """Replace fields of the policy, all of whose backends must be set up."""
    known = app.backends.entries()

    def checked(old: Policy) -> Policy:
        changed = policy_from(change)
        named = {**dict.fromkeys(changed.caps, "under a cap"), **changed.names()}
        if missing := [name for name in named if name not in known]:
            raise BadPolicy(f"there is no backend {missing[0]!r} to be {named[missing[0]]}; there are: {', '.join(known)}")
        return policy_from({**policy_json(old), **change})

    return _policy(_right(lambda: app.policies.update(checked, author, why, expected)))


def policy_history(app: "App | Desk", emit: Emit, *, most: int = 20) -> dict[str, Any]:  # noqa: ARG001
    """Who changed the policy, when and why; newest first."""
    return {"versions": [_version(entry) for entry in app.policies.history(most)]}


def rollback_policy(app: "App | Desk", emit: Emit, *, author: str, why: str, to: int | None = None) -> dict[str, Any]:  # noqa: ARG001
    """Bring an earlier version of the policy back."""
    return _policy(_right(lambda: app.policies.rollback(author, why, to)))


def ask_backends(app: "App | Desk", emit: Emit, *, names: list[str]) -> dict[str, Any]:
    """Ask each backend, or those named, one thing."""
    known = app.backends.entries()
    if missing := [name for name in names if name not in known]:
        raise Failure(f"There is no backend {missing[0]!r}; there are: {', '.join(known)}.", 2)
    wanted = names or list(known)
    tested = []
    for number, name in enumerate(wanted):
        emit({"progress": {"done": number, "total": len(wanted), "name": name}})
        error = app.backends.wrong(name) or _asked(app, app.backends[name])
        tested.append({"name": name, "ok": not error, "error": error or None})
    return {"tested": tested}


def compare_backends(app: "App", emit: Emit, *, message: str, on: list[str]) -> dict[str, Any]:
    """Ask several backends a saved turn again; customers see nothing of it."""
    turn = saved_turn(app.engine, app.index, message)
    names = list(dict.fromkeys(on))
    options = Options(app.settings.max_tokens, app.settings.temperature)
    limits = app.policies.newest().limits
    sides = []
    for number, name in enumerate(names):
        emit({"progress": {"done": number, "total": len(names), "name": name}})
        sides += compare(app.dispatch, turn, [name], options, limits)
    before = {"backend": turn.backend, "answer": turn.answer}
    return {
        "conversation": turn.conversation, "message": turn.message, "question": turn.text, "before": before,
        "missing_passages": turn.missing, "sides": [_side(one) for one in sides],
    }  # fmt: skip


def _side(one: Side) -> dict[str, Any]:
    cited = [{"id": c.id, "source": c.source, "title": c.title, "text": c.text, "score": c.score} for c in one.citations]
    return {
        "backend": one.backend, "adapter": one.adapter, "answer": one.text, "citations": cited, "abstained": one.abstained,
        "error": one.error or None, "tokens": {"prompt": one.tokens.prompt, "completion": one.tokens.completion},
        "latency_ms": one.latency_ms, "cost": round(one.cost, 6),
    }  # fmt: skip


def _asked(app: "App | Desk", backend: Backend) -> str:
    """What goes wrong when it is asked; empty when it answers. Within the policy's own limits, but whatever its breaker says."""
    limits = app.policies.newest().limits
    plan = Plan((backend.name,), "asked for", limits=limits)
    said, error = "", "it did not answer"
    with closing(app.dispatch.answer(plan, lambda _: (_question(), Options(_TEST_TOKENS)))) as events:
        for event in events:
            if isinstance(event, Rung):
                error = event.error
            else:
                said += event
    return error or ("" if said.strip() else "it said nothing")


def _question() -> Prompt:
    chunk = Chunk("test", "hours.md", "Opening hours", (), _FACT, (_FACT,), "text", "en", 0)
    passage = Passage(chunk, 1.0, (Unit(_FACT, 1.0, 1.0, 1.0, 1.0),), (("keyword", 1.0),))
    rules = f"Answer from this passage alone, in one sentence: {_FACT}"
    return Prompt((Message("system", rules), Message("customer", _TEST)), _TEST, (passage,), "en", "test")


def _right(work: Callable[[], Any]) -> Any:
    """What `work` gives; where the request was wrong, that is said with exit code 2."""
    try:
        return work()
    except (BadPolicy, BackendError) as error:
        raise Failure(str(error), 2) from None
    except PolicyChanged as error:
        raise Failure(str(error)) from None


def _policy(policy: Policy) -> dict[str, Any]:
    return {"version": policy.version, "policy": policy_json(policy)}


def _version(entry: Version) -> dict[str, Any]:
    return {**_policy(entry.policy), "author": entry.author, "why": entry.why, "at": entry.at.isoformat()}


BACKENDS: dict[str, Callable[..., dict[str, Any]]] = {
    operation.__name__: operation
    for operation in (
        list_backends, add_backend, remove_backend, show_policy, change_policy, policy_history, rollback_policy, ask_backends,
    )
}  # fmt: skip
