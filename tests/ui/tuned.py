"""A shop with tuning behind it: examples in the pool, a run that is done, an adapter that was measured, for looking at the panels."""

import json
from pathlib import Path
from typing import Any

from bot.examples import Pool
from bot.messages import Example
from bot.policies import PolicyStore
from finetune.registry import Registry
from tests.finetune.adapting import adapter
from tests.ui.shop import Shop

GOODS = ("lamp", "desk", "chair", "shelf", "clock", "mug", "rug", "bed", "sofa", "vase", "fan", "pot", "pan", "cup", "jar", "bin")


def examples(app: Shop, number: int = 32) -> None:
    """Approved examples of as many customers, in both languages."""
    new = []
    for place in range(number):
        goods, days = GOODS[place % len(GOODS)], 10 + place
        asked, said = (f"How many days may I keep the {goods}?", f"You may keep the {goods} for {days} days.")
        if place >= len(GOODS):
            asked, said = f"{goods}可以试用多少天？", f"{goods}可以试用{days}天。"
        language: Any = "en" if place < len(GOODS) else "zh"
        new.append(Example("", asked, said, language, state="approved", conversation=f"c{place}", customer=f"u{place}"))
    Pool(app.engine).add_all(new, "lea")


def done_run(app: Shop, name: str = "first", method: str = "lora", steps: int = 60) -> Path:
    """A run's folder as its process leaves it."""
    folder = app.settings.data_dir / "runs" / name
    adapter(folder / "adapter", data={"rows": 28, "sha256": "d" * 64}, config={"seed": 0, "four_bit": False}, method=method)
    lines = [{"started": "2026-01-05T09:00:00+00:00", "pid": 1}]
    for step in range(1, steps + 1):
        measured = round(1.1 + 2 / step, 4) if step % 10 == 0 else None
        lines.append({"step": step, "steps": steps, "epoch": step / 10, "loss": round(0.9 + 2.4 / step**0.7, 4), "validation": measured,
                      "rate": 1e-4, "seconds": 2.0 * step, "tokens_per_s": 812.4})  # fmt: skip
    (folder / "progress.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    config = {"base": "starter", "method": method}
    said = f"answerdesk finetune train --base starter --method {method} --data-dir {app.settings.data_dir}"
    result = {"run": name, "untrained_loss": 3.1, "best_loss": 1.13, "best_step": steps, "adapter": str(folder / "adapter")}
    for file, value in (
        ("job", {"config": config, "created": "2026-01-05T09:00:00+00:00", "command": said}),
        ("result", result),
    ):
        (folder / f"{file}.json").write_text(json.dumps(value), encoding="utf-8")
    (folder / "log.txt").write_text("09:00:01 lora on starter\n09:02:00 step 60/60: loss 0.9\n", encoding="utf-8")
    return folder


def measured(app: Shop, name: str = "first", gate: str = "fail") -> None:
    """Put an evaluation beside a run, as `finetune evaluate` does."""
    folder = app.settings.data_dir / "runs" / name
    sides = {
        side: {"n": 20, "f1": f1, "exact_match": 0.1, "chrf": 31.2, "grounded": 0.8, "unsupported_figures": 0.02, "declined": 0.0,
               "characters": 48.0, "latency_ms": took}
        for side, f1, took in (("tuned", 0.52, 210.0), ("best_prompt", 0.44, 390.0))
    }  # fmt: skip
    sides["best_prompt"]["shots"] = 2
    reasons = [["better", {"difference": 0.08, "low": 0.02, "high": 0.14, "held": 20}]]
    if gate == "fail":
        reasons = [["few_rows", {"rows": 28, "least": 40}], ["not_shown", {"difference": 0.08, "low": -0.03}]]
    found = {
        **sides, "difference": 0.08, "interval": [0.02 if gate == "pass" else -0.03, 0.14], "forgetting": 0.01, "abstention": None,
        "gate": gate, "why": "it learned from 28 rows; at least 40 are needed" if gate == "fail" else "better", "reasons": reasons,
        "conversations": 20, "rows": 28, "languages": {"en": {"tuned": 0.55, "prompt": 0.41}, "zh": {"tuned": 0.49, "prompt": 0.47}},
        "general": {"tuned": 0.6, "base": 0.61}, "report": str(folder / "evaluation.html"),
    }  # fmt: skip
    registry = Registry(app.engine, PolicyStore(app.engine))
    entry = registry.register(name, folder / "adapter", ["c1"])
    registry.evaluated(name, found)
    reply = {"question": "How long is the <b>lamp</b> kept?", "expected": "10 days.", "tuned": "You may keep it for 10 days.",
             "tuned_f1": 0.6, "prompt": "I do not know.", "prompt_f1": 0.0}  # fmt: skip
    (folder / "evaluation.json").write_text(json.dumps({"sha256": entry.sha256, "replies": [reply]}), encoding="utf-8")
    (folder / "evaluation.html").write_text('<!doctype html><html lang="en"><title>first</title><h1>first: report</h1>', encoding="utf-8")
