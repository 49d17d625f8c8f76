"""What `answerdesk finetune promote`, `rollback`, `list` and `advise` do."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.errors import Failure
from ui.loopback import Emit

if TYPE_CHECKING:
    from finetune.registry import Entry, Registry
    from ui.build import App, Desk


def promote_adapter(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    name: str,
    author: str,
    backend: str = "local",
    override: str = "",
    share: float = 1.0,
) -> dict[str, Any]:
    """Let a local backend answer with an adapter, where the gate has passed it or somebody says why not to mind."""
    if not 0 < share <= 1:
        raise Failure(f"The share is {share}; allowed: over 0 to 1, of the conversations.", 2)
    entries = app.backends.entries()
    if backend not in entries or entries[backend].kind != "local":
        local = ", ".join(each.name for each in entries.values() if each.kind == "local") or "none"
        raise Failure(f"There is no local backend {backend!r}; there are: {local}. `answerdesk backends add` sets one up.", 2)
    registry = _registry(app)
    policy = registry.promote(name, backend, author, override=override, share=share)
    pointer = policy.adapters[backend]
    return {
        "promoted": True,
        "adapter": name,
        "sha256": pointer.sha256,
        "backend": backend,
        "share": share if policy.default != backend else 1.0,
        "policy": policy.version,
        "overridden": bool(override),
    }


def rollback_adapter(app: "App | Desk", emit: Emit, *, author: str, backend: str = "local", why: str = "") -> dict[str, Any]:  # noqa: ARG001
    """Undo the last promotion."""
    policy = _registry(app).rollback(backend, author, why or "asked for")
    pointer = policy.adapters.get(backend)
    return {"backend": backend, "adapter": pointer.name if pointer else None, "default": policy.default, "policy": policy.version}


def list_adapters(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """The registry: every adapter, and what was done with them."""
    registry = _registry(app)
    active = {pointer.name: backend for backend, pointer in app.policies.newest().adapters.items()}
    return {"adapters": [_shown(entry, active.get(entry.name)) for entry in registry.entries()], "history": registry.history()}


def advise_tuning(
    app: "App | Desk",
    emit: Emit,  # noqa: ARG001
    *,
    narrow: bool = False,
    strong: bool = False,
    may_leave: bool = False,
    picture: str = "",
) -> dict[str, Any]:
    """Prompt, adapter, full tuning or collecting, by what the pool holds and what was measured. picture: a file for the tree (SVG)."""
    from bot.examples import Pool
    from finetune.advise import Situation, advise
    from finetune.tree import picture as drawn

    measured = [entry for entry in _registry(app).entries() if entry.evaluation]
    now = Situation(
        len(Pool(app.engine).list("approved", split="train")), narrow, strong, may_leave, gpu=shutil.which("nvidia-smi") is not None
    )
    curve = sorted({(int(entry.recipe["data"]["rows"]), float((entry.evaluation or {})["tuned"]["f1"])) for entry in measured})
    if measured and (newest := measured[-1].evaluation):
        low, high = newest["interval"]
        now = replace(
            now,
            prompt=newest["best_prompt"]["f1"],
            difference=newest["difference"],
            interval=(low, high),
            curve=tuple(curve),
            prompt_ms=newest["best_prompt"]["latency_ms"],
            tuned_ms=newest["tuned"]["latency_ms"],
        )
    found = advise(now)
    if picture:
        Path(picture).write_text(drawn(found.path, found.advice), encoding="utf-8")
    points = [{"rows": count, "f1": round(value, 4)} for count, value in curve]
    return {**asdict(found), "curve": points, "rows": now.rows, "path": [list(step) for step in found.path]}


def _registry(app: "App | Desk") -> "Registry":
    from finetune.registry import Registry

    return Registry(app.engine, app.policies)


def _shown(entry: "Entry", backend: str | None) -> dict[str, Any]:
    judged = entry.evaluation or {}
    return {
        "name": entry.name,
        "method": entry.method,
        "base": entry.base,
        "sha256": entry.sha256,
        "rows": entry.recipe.get("data", {}).get("rows"),
        "gate": judged.get("gate"),
        "difference": judged.get("difference"),
        "interval": judged.get("interval"),
        "active_on": backend,
        "erased": entry.erased,
        "created": entry.created.isoformat(timespec="seconds"),
    }


DESK_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    operation.__name__: operation for operation in (promote_adapter, rollback_adapter, list_adapters, advise_tuning)
}
