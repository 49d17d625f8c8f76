"""What `answerdesk finetune loop`, `evaluate`, `promote`, `rollback`, `list`, `show` and `advise` do."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui import audit
from ui.errors import Failure
from ui.loopback import Emit
from ui.material import material_of, voice_of
from ui.operations_finetune import progress
from ui.operations_training import STARTER, base_of, jobs_of

if TYPE_CHECKING:
    from bot.policy import Policy
    from finetune.registry import Entry, Registry
    from ui.build import App, Desk

_REPORT = "evaluation.html"  # in the run's folder, as a page
_REPLIES = "evaluation.json"  # beside it: replies side by side


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
    from finetune.loop import Limits, config_for
    from finetune.loop import run as train
    from finetune.transcripts import keep, prepare, report
    from ui.build import lessons

    pool, archive = Pool(app.engine), Archive(app.engine)
    loaded = load(Path(path), columns or {})
    prepared = prepare(loaded, source=Path(path).name, shop=filter(None, (app.settings.shop_name,)), progress=progress(emit))
    known = keep(prepared, pool, archive, author, approve=approve_all)
    lessons(app.settings, app.engine, app.index.embedder).look()  # keeps the new questions' vectors, so that no customer waits for them
    result: dict[str, Any] = {"transcripts": report(loaded, prepared, known)}
    limits = Limits() if rows is None else Limits(rows=rows)
    material = material_of(app, emit, limits)
    result["rows"] = material.to_json()
    folder = base_of(base, app.settings.data_dir, emit)
    name = run or f"{method}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    config = config_for(folder, method, len(material.train), limits.seed, **(options or {}))
    result["train"] = train(jobs_of(app.settings.data_dir), config, material, name, progress(emit))
    _registry(app).register(name, Path(result["train"]["adapter"]), material.conversations)
    result["evaluate"] = evaluate_adapter(app, emit, run=name, limits=asdict(limits), by=author)
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


def evaluate_adapter(app: "App", emit: Emit, *, run: str, limits: dict[str, int] | None = None, by: str = "shell") -> dict[str, Any]:
    """Measure an adapter against the best prompt on the held-out examples of the pool; the report is beside it as HTML."""
    from finetune.evaluate import report
    from finetune.jobs import write_json
    from finetune.loop import Limits, judge, shots_of
    from finetune.report import page, side_by_side

    entry = _registered(app, run)
    material = material_of(app, emit, Limits(**(limits or {})))
    learned = int(entry.recipe.get("data", {}).get("rows", len(material.train)))
    base = base_of(entry.base, app.settings.data_dir, emit)
    shots = shots_of(material.examples, app.index.embedder)
    measured = judge(entry, base, material, voice_of(app), shots=shots, rows=learned, progress=progress(emit))
    folder = jobs_of(app.settings.data_dir).folder / run
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / _REPORT
    file.write_text(page(measured, run, entry.recipe), encoding="utf-8")
    write_json(folder / _REPLIES, {"sha256": entry.sha256, "replies": side_by_side(measured)})
    found = {"run": run, **report(measured), "report": str(file)}
    _registry(app).evaluated(run, found)
    audit.record(app.engine, by, "finetune.evaluate", run, f"{found['gate']}: {found['why']}")
    return found


def promote_adapter(
    app: "App | Desk",
    emit: Emit,
    *,
    name: str,
    author: str,
    backend: str = "local",
    override: str = "",
    share: float = 1.0,
    check: bool = False,
) -> dict[str, Any]:
    """Let a local backend answer with an adapter, where the gate has passed it or somebody says why not to mind.

    check: only look whether it could: that its files are those that were registered, and fit the backend's base.
    """
    from finetune.loop import fits
    from finetune.registry import objection

    if not 0 < share <= 1:
        raise Failure(f"The share is {share}; allowed: over 0 to 1, of the conversations.", 2)
    registry, entry = _registry(app), _registered(app, name)  # first: a run that is not there needs no backend
    entries = app.backends.entries()
    if backend not in entries or entries[backend].kind != "local":
        local = ", ".join(each.name for each in entries.values() if each.kind == "local") or "none"
        raise Failure(f"There is no local backend {backend!r}; there are: {local}. `answerdesk backends add` sets one up.", 2)
    base = base_of(str(entries[backend].config["model"]), app.settings.data_dir, emit)
    if check:
        sound = registry.verified(entry, lambda one: fits(one, base))
        why = objection(entry)
        return {
            "promoted": False,
            "adapter": name,
            "sha256": sound.sha256,
            "backend": backend,
            "gate": "fail" if why else "pass",
            "why": why,
        }
    policy = registry.promote(name, backend, author, override=override, share=share, fits=lambda one: fits(one, base))
    pointer = policy.adapters[backend]
    share = share if policy.default != backend else 1.0
    said = f"{backend}, {share:.0%}, {pointer.sha256[:12]}" + (f", although the gate is against it: {override}" if override else "")
    audit.record(app.engine, author, "finetune.promote", name, said)
    return {
        "promoted": True,
        "adapter": name,
        "sha256": pointer.sha256,
        "backend": backend,
        "share": share,
        "policy": policy.version,
        "overridden": bool(override),
    }


def rollback_adapter(app: "App | Desk", emit: Emit, *, author: str, backend: str = "local", why: str = "") -> dict[str, Any]:  # noqa: ARG001
    """Undo the last promotion."""
    taken = app.policies.newest().adapters.get(backend)
    policy = _registry(app).rollback(backend, author, why or "asked for")
    audit.record(app.engine, author, "finetune.rollback", backend, why)
    names = {"adapter": back.name if (back := policy.adapters.get(backend)) else None, "undone": taken.name if taken else None}
    now = {"default": policy.default, "canary": policy.canary and asdict(policy.canary), "policy": policy.version}
    return {"backend": backend, **names, **now}


def list_adapters(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """The registry: every adapter, what was done with them, and how those do that answer customers."""
    from ui.watching import seen, seen_json

    registry = _registry(app)
    policy = app.policies.newest()
    listed = [_shown(entry, policy) for entry in registry.entries()]
    return {"adapters": listed, "history": registry.history(), "watch": [seen_json(one) for one in seen(app)]}


def show_adapter(app: "App | Desk", emit: Emit, *, name: str) -> dict[str, Any]:  # noqa: ARG001
    """All that is on record of an adapter: where it comes from, its hashes, what was measured, replies side by side."""
    from finetune.jobs import read_json

    entry = _registered(app, name)
    folder = jobs_of(app.settings.data_dir).folder / name
    shown = read_json(folder / _REPLIES) or {}
    return {
        **_shown(entry, app.policies.newest()),
        "base_sha256": entry.base_sha256,
        "template": entry.template,
        "seed": (entry.recipe.get("config") or {}).get("seed"),
        "four_bit": bool((entry.recipe.get("config") or {}).get("four_bit")),
        "data_sha256": (entry.recipe.get("data") or {}).get("sha256"),
        "evaluation": entry.evaluation,
        "replies": shown.get("replies", []) if shown.get("sha256") == entry.sha256 else [],
        "report": str(folder / _REPORT) if (folder / _REPORT).is_file() else None,
        "history": [change for change in _registry(app).history() if change["adapter"] == name],
    }


def show_report(app: "App | Desk", emit: Emit, *, run: str) -> dict[str, Any]:  # noqa: ARG001
    """The page that an evaluation left: {"html"}. Raises `UnknownRun`, and `Failure` where there was no evaluation."""
    file = jobs_of(app.settings.data_dir).folder / _registry(app).get(run).name / _REPORT
    if not file.is_file():
        raise Failure(f"There is no report of {run}; `answerdesk finetune evaluate {run}` makes one.", 2)
    return {"html": file.read_text(encoding="utf-8")}


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
            stopped=newest.get("gate") == "fail",
            curve=tuple(curve),
            prompt_ms=newest["best_prompt"]["latency_ms"],
            tuned_ms=newest["tuned"]["latency_ms"],
        )
    found = advise(now)
    if picture:
        Path(picture).write_text(drawn(found.path, found.advice), encoding="utf-8")
    points = [{"rows": count, "f1": round(value, 4)} for count, value in curve]
    told = {name: [each.to_json() for each in getattr(found, name)] for name in ("reasons", "changes")}
    more = {"held": len(Pool(app.engine).list("approved", split="eval")), "told": told, "retrain": retraining_of(app).to_json()}
    return {**asdict(found), "curve": points, "rows": now.rows, "path": [list(step) for step in found.path], **more}


def _registry(app: "App | Desk") -> "Registry":
    from finetune.registry import Registry

    return Registry(app.engine, app.policies)


def _registered(app: "App | Desk", run: str) -> "Entry":
    """The adapter of this name; one that a run has left is taken on record first, with the conversations that it learned from."""
    from finetune.errors import UnknownRun
    from finetune.rows import read_rows

    registry = _registry(app)
    try:
        return registry.get(run)
    except UnknownRun:
        folder = jobs_of(app.settings.data_dir).folder / run
        if Path(run).name != run or not (folder / "adapter").is_dir():
            raise
        rows = folder / "rows.jsonl"
        learned = {row.conversation for row in read_rows(rows)} if rows.is_file() else set()
        made = datetime.fromisoformat(jobs_of(app.settings.data_dir).get(run).created)
        return registry.register(run, folder / "adapter", sorted(learned - {""}), made)


def _shown(entry: "Entry", policy: "Policy") -> dict[str, Any]:
    from finetune.registry import share_of

    judged = entry.evaluation or {}
    backend = next((name for name, pointer in policy.adapters.items() if pointer.name == entry.name), None)
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
        "share": share_of(policy, backend) if backend else 0.0,
        "erased": entry.erased,
        "created": entry.created.isoformat(timespec="seconds"),
    }


DESK_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    operation.__name__: operation
    for operation in (promote_adapter, rollback_adapter, list_adapters, show_adapter, show_report, advise_tuning)
}
TUNING: dict[str, Callable[..., dict[str, Any]]] = {operation.__name__: operation for operation in (finetune_loop, evaluate_adapter)}
"""These need the index and its embedding model too."""
