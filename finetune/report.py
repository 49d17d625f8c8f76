"""An evaluation as one HTML page that needs nothing beside it: the verdict, the figures, the measures and replies side by side."""

from collections.abc import Mapping
from html import escape
from typing import Any

from finetune import plots
from finetune.evaluate import Measured, report

_SHOWN = 12  # replies side by side
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1d2126}
table{border-collapse:collapse;width:100%;margin:1rem 0}
td,th{border-bottom:1px solid #dde;padding:.3rem .5rem;text-align:left;vertical-align:top}
.pass{color:#0b7a75}.fail{color:#b3261e}svg{max-width:100%;height:auto}
"""


def page(measured: Measured, name: str, recipe: Mapping[str, Any]) -> str:
    """The whole page. name: of the adapter. recipe: its record."""
    result = report(measured)
    word = "pass" if measured.verdict.passed else "fail"
    low, high = measured.found.interval
    figures = [
        plots.interval("Tuned minus best prompt, token F1, 95 % interval by conversation", measured.found.difference, low, high),
        plots.bars("Token F1", _by_language(result), "F1"),
    ]
    if result["shots"]:
        figures.append(plots.bars("The prompt by number of examples", {f"{n}": {"F1": v} for n, v in result["shots"].items()}, "F1"))
    if recipe.get("losses"):
        lines = {"training": recipe["losses"], "validation": recipe.get("validations", [])}
        figures.append(
            plots.curve("Loss", {key: [(x, y) for x, y in points] for key, points in lines.items() if points}, "step", "nats a token")
        )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(name)}</title><style>{_STYLE}</style>'
        f'<h1>{escape(name)}: <span class="{word}">{word}</span></h1><p>{escape(result["why"])}</p>'
        f"{''.join(f'<figure>{figure}</figure>' for figure in figures)}"
        f"<h2>Measures</h2>{_measures(result)}<h2>Replies</h2>{_replies(measured)}</html>"
    )


def _by_language(result: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    rows = {"all": {"tuned": result["tuned"]["f1"], "best prompt": result["best_prompt"]["f1"]}}
    rows |= {name: {"tuned": pair["tuned"], "best prompt": pair["prompt"]} for name, pair in result["languages"].items()}
    if result["general"]:
        rows["general"] = {"tuned": result["general"]["tuned"], "best prompt": result["general"]["base"]}
    return rows


def _measures(result: Mapping[str, Any]) -> str:
    rows = []
    for name, own in result["tuned"].items():
        other = result["best_prompt"].get(name)
        rows.append(f"<tr><td>{escape(name)}</td><td>{escape(str(own))}</td><td>{escape(str(other))}</td></tr>")
    return f"<table><tr><th>measure</th><th>tuned</th><th>best prompt</th></tr>{''.join(rows)}</table>"


def side_by_side(measured: Measured) -> list[dict[str, Any]]:
    """Replies of both to the same questions, with their token F1; where they differ most comes first."""
    pairs = sorted(zip(measured.prompt, measured.tuned, strict=True), key=lambda pair: -abs(pair[0].f1 - pair[1].f1))[:_SHOWN]
    return [
        {
            "question": before.case.parts.question,
            "expected": before.case.expected,
            "tuned": after.reply.text,
            "tuned_f1": round(after.f1, 4),
            "prompt": before.reply.text,
            "prompt_f1": round(before.f1, 4),
        }
        for before, after in pairs
    ]


def _replies(measured: Measured) -> str:
    rows = []
    for one in side_by_side(measured):
        texts = (one["question"], one["expected"], f"{one['tuned']} ({one['tuned_f1']:.2f})", f"{one['prompt']} ({one['prompt_f1']:.2f})")
        rows.append(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in texts)}</tr>")
    return f"<table><tr><th>customer</th><th>a person said</th><th>tuned</th><th>best prompt</th></tr>{''.join(rows)}</table>"
