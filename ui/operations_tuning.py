"""What `answerdesk finetune loop`, `evaluate`, `promote`, `rollback`, `list` and `advise` do."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.errors import Failure
from ui.loopback import Emit
from ui.operations_finetune import progress
from ui.operations_training import STARTER, base_of, jobs_of

if TYPE_CHECKING:
    from finetune.dataset import Find, Voice
    from finetune.registry import Entry, Registry
    from ui.build import App, Desk

_TOLD = 3  # passages in a row


def finetune_loop(
    app: "App",
    emit: Emit,
    *,
    path: str,
    base: str,
    author: str,
    approve_all: bool = False,
    method: str = "qlora",
    rows: int | None = None,
    columns: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    backend: str = "local",
    run: str = "",
) -> dict[str, Any]:
    """Transcripts in, a judged and, where the gate lets it, promoted adapter out; each step's JSON under its name."""
    from bot.examples import Pool
    from finetune.archive import Archive
    from finetune.load import load
    from finetune.loop import Limits, config_for, gather
    from finetune.loop import run as train
    from finetune.transcripts import keep, prepare, report

    pool, archive = Pool(app.engine), Archive(app.engine)
    loaded = load(Path(path), columns or {})
    prepared = prepare(loaded, source=Path(path).name, shop=(app.settings.shop_name,), progress=progress(emit))
    known = keep(prepared, pool, archive, author, approve=approve_all)
    result: dict[str, Any] = {"transcripts": report(loaded, prepared, known)}
    limits = Limits() if rows is None else Limits(rows=rows)
    material = gather(pool, archive, _voice(app), _finder(app), limits)
    result["rows"] = material.to_json()
    folder = base_of(base, app.settings.data_dir, emit)
    name = run or f"{method}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    config = config_for(folder, method, len(material.train), limits.seed, **(options or {}))
    result["train"] = train(jobs_of(app.settings.data_dir), config, material, name, progress(emit))
    _registry(app).register(name, Path(result["train"]["adapter"]), material.conversations)
    result["evaluate"] = evaluate_adapter(app, emit, run=name, limits=asdict(limits))
    result["promote"] = _promoted_or_why(
        app, emit, name=name, backend=backend, author=author, base=base if base == STARTER else folder, four_bit=config.four_bit
    )
    return result


def _promoted_or_why(app: "App", emit: Emit, *, name: str, backend: str, author: str, base: str, four_bit: bool) -> dict[str, Any]:
    """A gate that says no ends the loop well: that is its answer. So does a backend that stands on another model."""
    from finetune.errors import BadAdapter, Refused

    if backend not in app.backends.entries():
        app.backends.add(backend, "local", {"model": base, "four_bit": four_bit})
    try:
        return promote_adapter(app, emit, name=name, backend=backend, author=author)
    except (BadAdapter, Refused) as refused:
        return {"promoted": False, "adapter": name, "backend": backend, "why": str(refused)}


def evaluate_adapter(app: "App", emit: Emit, *, run: str, limits: dict[str, int] | None = None) -> dict[str, Any]:
    """Measure an adapter against the best prompt on the held-out examples of the pool; the report is beside it as HTML."""
    from bot.examples import Pool
    from finetune.archive import Archive
    from finetune.evaluate import report
    from finetune.loop import Limits, gather, judge, shots_of
    from finetune.report import page

    entry = _registered(app, run)
    voice = _voice(app)
    material = gather(Pool(app.engine), Archive(app.engine), voice, _finder(app), Limits(**(limits or {})))
    learned = int(entry.recipe.get("data", {}).get("rows", len(material.train)))
    base = base_of(entry.base, app.settings.data_dir, emit)
    shots = shots_of(material.examples, app.index.embedder)
    measured = judge(entry, base, material, voice, shots=shots, rows=learned, progress=progress(emit))
    file = app.settings.data_dir.absolute() / "runs" / run / "evaluation.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(measured, run, entry.recipe), encoding="utf-8")
    found = {"run": run, **report(measured), "report": str(file)}
    _registry(app).evaluated(run, found)
    return found


def promote_adapter(
    app: "App | Desk", emit: Emit, *, name: str, author: str, backend: str = "local", override: str = "", share: float = 1.0
) -> dict[str, Any]:
    """Let a local backend answer with an adapter, where the gate has passed it or somebody says why not to mind."""
    from finetune.loop import fits

    if not 0 < share <= 1:
        raise Failure(f"The share is {share}; allowed: over 0 to 1, of the conversations.", 2)
    entries = app.backends.entries()
    if backend not in entries or entries[backend].kind != "local":
        local = ", ".join(each.name for each in entries.values() if each.kind == "local") or "none"
        raise Failure(f"There is no local backend {backend!r}; there are: {local}. `answerdesk backends add` sets one up.", 2)
    base = base_of(str(entries[backend].config["model"]), app.settings.data_dir, emit)
    registry = _registry(app)
    policy = registry.promote(name, backend, author, override=override, share=share, fits=lambda entry: fits(entry, base))
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
    """The registry: every adapter, what was done with them, and how those do that answer customers."""
    from ui.watching import seen, seen_json

    registry = _registry(app)
    active = {pointer.name: backend for backend, pointer in app.policies.newest().adapters.items()}
    listed = [_shown(entry, active.get(entry.name)) for entry in registry.entries()]
    return {"adapters": listed, "history": registry.history(), "watch": [seen_json(one) for one in seen(app)]}


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
    from ui.learning import retraining_of

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
    path = [list(step) for step in found.path]
    return {**asdict(found), "curve": points, "rows": now.rows, "path": path, "retrain": retraining_of(app).to_json()}


def _registry(app: "App | Desk") -> "Registry":
    from finetune.registry import Registry

    return Registry(app.engine, app.policies)


def _registered(app: "App | Desk", run: str) -> "Entry":
    """The adapter of this name; one that a run has left is taken on record first."""
    from finetune.errors import UnknownRun

    registry = _registry(app)
    try:
        return registry.get(run)
    except UnknownRun:
        folder = app.settings.data_dir.absolute() / "runs" / run / "adapter"
        if Path(run).name != run or not folder.is_dir():
            raise
        return registry.register(run, folder)


def _voice(app: "App | Desk") -> "Voice":
    from finetune.dataset import Voice

    return Voice(app.settings.shop_name, datetime.now(UTC).date(), app.settings.shop_contact)


def _finder(app: "App") -> "Find":
    """Retrieval as a turn does it: the lines that the question leans on count too, and under the threshold nothing is told."""
    from bot.followup import leans_on
    from ui.build import rules

    threshold = rules(app.settings).threshold

    def find(question: str, language: Any, history: Any) -> Any:
        passages = app.index.find(question, _TOLD, "default", language, leans_on(question, history)).passages
        return passages if passages and passages[0].score >= threshold else ()

    return find


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
TUNING: dict[str, Callable[..., dict[str, Any]]] = {operation.__name__: operation for operation in (finetune_loop, evaluate_adapter)}
"""These need the index and its embedding model too."""
