"""What `answerdesk finetune loop` and `evaluate` do."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui import audit
from ui.loopback import Emit
from ui.material import material_of, voice_of
from ui.operations_finetune import progress
from ui.operations_registry import REPORT, SHOWN, promote_adapter, registered, registry_of
from ui.operations_training import STARTER, base_of, jobs_of

if TYPE_CHECKING:
    from ui.build import App


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

    pool, archive = Pool(app.engine), Archive(app.engine)
    loaded = load(Path(path), columns or {})
    prepared = prepare(loaded, source=Path(path).name, shop=(app.settings.shop_name,), progress=progress(emit))
    known = keep(prepared, pool, archive, author, approve=approve_all)
    result: dict[str, Any] = {"transcripts": report(loaded, prepared, known)}
    limits = Limits() if rows is None else Limits(rows=rows)
    material = material_of(app, emit, limits)
    result["rows"] = material.to_json()
    folder = base_of(base, app.settings.data_dir, emit)
    name = run or f"{method}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    config = config_for(folder, method, len(material.train), limits.seed, **(options or {}))
    result["train"] = train(jobs_of(app.settings.data_dir), config, material, name, progress(emit))
    registry_of(app).register(name, Path(result["train"]["adapter"]), material.conversations)
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

    entry = registered(app, run)
    material = material_of(app, emit, Limits(**(limits or {})))
    learned = int(entry.recipe.get("data", {}).get("rows", len(material.train)))
    base = base_of(entry.base, app.settings.data_dir, emit)
    shots = shots_of(material.examples, app.index.embedder)
    measured = judge(entry, base, material, voice_of(app), shots=shots, rows=learned, progress=progress(emit))
    folder = jobs_of(app.settings.data_dir).folder / run
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / REPORT
    file.write_text(page(measured, run, entry.recipe), encoding="utf-8")
    write_json(folder / SHOWN, {"sha256": entry.sha256, "replies": side_by_side(measured)})
    found = {"run": run, **report(measured), "report": str(file)}
    registry_of(app).evaluated(run, found)
    audit.record(app.engine, by, "finetune.evaluate", run, f"{found['gate']}: {found['why']}")
    return found


TUNING: dict[str, Callable[..., dict[str, Any]]] = {operation.__name__: operation for operation in (finetune_loop, evaluate_adapter)}
"""These need the index and its embedding model too."""
