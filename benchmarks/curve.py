"""Zero-shot, best few-shot and tuned with ever more rows, on the same held-out conversations, and what the advice says at each size.

    python benchmarks/curve.py TRANSCRIPTS OUT [--rows 50,100,500,1000,all] [--held 120] [--base starter] [--method qlora]

Writes OUT/curve.md, the table, and OUT/curve.svg, its picture. What is trained and measured already in OUT is not done again.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from bot.examples import Pool
from bot.tables import metadata as bot_tables
from finetune.advise import Situation, advise
from finetune.archive import Archive
from finetune.bootstrap import paired
from finetune.dataset import Voice
from finetune.evaluate import Measured, report
from finetune.load import load
from finetune.loop import Limits, Material, config_for, gather, judge, shots_of
from finetune.plots import curve as drawn
from finetune.registry import Entry, Registry
from finetune.scores import Scored
from finetune.starter import starter
from finetune.tables import metadata
from finetune.train import Progress, train
from finetune.transcripts import keep, prepare
from knowledge.embed import HashEmbedder

VOICE = Voice("Lumen")


def pool_of(transcripts: Path) -> tuple[Pool, Archive, Registry]:
    """A pool of its own with all examples of the file approved."""
    from bot.policies import PolicyStore

    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    for tables in (bot_tables, metadata):
        tables.create_all(engine)
    pool, archive = Pool(engine), Archive(engine)
    keep(prepare(load(transcripts), source=transcripts.name), pool, archive, "curve", approve=True)
    return pool, archive, Registry(engine, PolicyStore(engine))


def entry_of(registry: Registry, material: Material, base: str, folder: Path, *, method: str, steps: int | None) -> Entry:
    """The adapter that learned from this material, on record; trained where it is not there yet."""
    config = config_for(base, method, len(material.train), steps=steps)
    if not (folder / "adapter").exists():
        train(config, material.train, material.validation, folder, _tell)
    return registry.register(folder.name, folder / "adapter", material.conversations)


def _tell(progress: Progress) -> None:
    if progress.validation is not None:
        print(f"  step {progress.step} of {progress.steps}: validation loss {progress.validation:.2f}", file=sys.stderr, flush=True)


def level(scored: Sequence[Scored]) -> list[float]:
    """Token F1 and its 95 % interval, by conversation."""
    values = [one.f1 for one in scored]
    return [round(value, 3) for value in paired(values, [0.0] * len(values), [one.case.conversation for one in scored])]


def line(rows: int, measured: Measured, before: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """What one size came to, and what the advice is there. before: the learning curve so far."""
    found = measured.found
    points = (*before, (rows, found.tuned_f1))
    stopped = not measured.verdict.passed
    now = Situation(rows, prompt=found.prompt_f1, difference=found.difference, interval=found.interval, stopped=stopped, curve=points)
    advice = advise(now)
    tuned_wins = found.interval[0] > 0 and not stopped
    return {
        "rows": rows,
        "zero_shot": level(measured.plain),
        "shots": measured.shots,
        "few_shot": level(measured.prompt),
        "tuned": level(measured.tuned),
        "difference": [round(value, 3) for value in (found.difference, *found.interval)],
        "gate": measured.verdict.to_json(),
        "advice": advice.advice,
        "agrees": (advice.advice in ("adapter", "full")) == tuned_wins,
        "report": report(measured),
    }


def table(lines: Sequence[dict[str, Any]]) -> str:
    """The lines as Markdown."""
    head = "| rows | zero-shot | best few-shot | tuned | tuned minus best prompt | gate | advice |\n|---|---|---|---|---|---|---|\n"
    body = (
        f"| {one['rows']} | {_told(one['zero_shot'])} | {_told(one['few_shot'])} ({one['shots']} examples) | {_told(one['tuned'])} "
        f"| {_told(one['difference'])} | {one['gate']['gate']} | {one['advice']} |\n"
        for one in lines
    )
    return head + "".join(body)


def _told(value: Sequence[float]) -> str:
    return f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"


def picture(lines: Sequence[dict[str, Any]]) -> str:
    """F1 by rows, as SVG."""
    names = {"zero_shot": "zero-shot", "few_shot": "best few-shot", "tuned": "tuned"}
    order = ("tuned", "few_shot", "zero_shot")
    return drawn(
        "Token F1 by rows learned from", {names[key]: [(one["rows"], one[key][0]) for one in lines] for key in order}, "rows", "F1"
    )


def main() -> None:
    """Measure every size and write the table and the picture."""
    parser = argparse.ArgumentParser(description="The learning curve of a base, beside its best prompt.")
    parser.add_argument("transcripts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", default="50,100,500,1000,all")
    parser.add_argument("--held", type=int, default=120, help="held-out cases at most")
    parser.add_argument("--base", default="starter")
    parser.add_argument("--method", default="qlora")
    parser.add_argument("--steps", type=int, default=None, help="of training; by default as the loop does")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    base = str(starter(args.out)) if args.base == "starter" else args.base
    pool, archive, registry = pool_of(args.transcripts)
    lines: list[dict[str, Any]] = []
    for size in args.rows.split(","):
        limits = Limits(10**9 if size == "all" else int(size), args.held)
        material = gather(pool, archive, VOICE, limits=limits)
        kept = args.out / f"{args.method}-{size}"
        entry = entry_of(registry, material, base, kept, method=args.method, steps=args.steps)
        file = kept / "line.json"
        if not file.exists():
            rows = len(material.examples)
            measured = judge(entry, base, material, VOICE, shots=shots_of(material.examples, HashEmbedder()), rows=rows)
            before = [(one["rows"], one["tuned"][0]) for one in lines]
            file.write_text(json.dumps(line(rows, measured, before), ensure_ascii=False), encoding="utf-8")
        lines.append(json.loads(file.read_text(encoding="utf-8")))
        (args.out / "curve.md").write_text(table(lines), encoding="utf-8")
        (args.out / "curve.svg").write_text(picture(lines), encoding="utf-8")
        print(table(lines[-1:]).splitlines()[-1], flush=True)
    odd = [one["rows"] for one in lines if not one["agrees"]]
    print(f"the advice agrees with what was measured at {len(lines) - len(odd)} of {len(lines)} sizes{f', not at {odd}' if odd else ''}")


if __name__ == "__main__":
    main()
