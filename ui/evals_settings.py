"""Several ways to prompt, compared on the same rows: how many examples, which reasoning, which prompt version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from typing import Any

from sqlalchemy import Engine

from bot.alike import Alike
from bot.choices import Choice, Choices
from bot.examples import Pool
from bot.lessons import checked_cot, checked_shots
from bot.messages import Cot, Example, Shots
from bot.paired import best
from bot.versions import PromptVersions
from bot.wording import Wording, shipped
from knowledge.documents import Language
from ui.errors import Failure

Row = dict[str, Any]
FEWEST = 8  # held-out examples of a kind from which its own number of shots is chosen


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to prompt; None means what is set."""

    shots: Shots | None = None
    cot: Cot | None = None
    prompt: str | None = None

    @property
    def name(self) -> str:
        """As tables and plots call it."""
        named = {"shots": self.shots, "cot": self.cot, "prompt": self.prompt}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None) or "as set"


def settings_of(shots: str | None, cot: str | None, prompt: str | None) -> tuple[Setting, ...]:
    """Every combination of what the comma-separated lists name, the first of each being what the others are compared with."""
    try:
        numbers: list[Shots | None] = [checked_shots(value) for value in _listed(shots)]
        modes: list[Cot | None] = [checked_cot(value) for value in _listed(cot)]
    except ValueError as error:
        raise Failure(f"{error}. Several are separated by commas.", 2) from None
    versions: list[str | None] = [*_listed(prompt)]
    return tuple(dict.fromkeys(Setting(*each) for each in product(numbers or [None], modes or [None], versions or [None])))


def check_prompts(grid: Sequence[Setting], wordings: Sequence[Mapping[str, Any]]) -> None:
    """Raise `Failure` where a setting names a prompt that is not there: a turn that asks no model would never miss it."""
    there = [*(shipped(code) for code in ("en", "zh")), *(Wording(**wording) for wording in wordings)]
    ids = [wording.id.partition("@")[0] for wording in there]
    numbers = {str(wording.version) for wording in there if wording.tone == "default"}
    for setting in grid:
        if setting.prompt is not None and setting.prompt.partition("@")[0] not in numbers.union(ids):
            allowed = f"{', '.join(sorted(numbers, key=int))}, or an id: {', '.join(sorted(ids))}"
            raise Failure(f"There is no prompt version {setting.prompt[:80]!r}; there are {allowed}.", 2)


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def teach(engine: Engine, teaching: Mapping[str, Any], rows: Sequence[Row], grid: Sequence[Setting]) -> int:
    """Put examples, prompts and choices into an empty database. Returns how many examples were left out as near-duplicates of a row.

    Raises `Failure` where a setting shows examples and there are none.
    """
    asked = Alike()
    for number, row in enumerate(rows):
        asked.add(number, row["question"])
    examples = [Example(**example) for example in teaching["examples"]]
    kept = [example for example in examples if not asked.find(example.question)]
    if not kept and any(setting.shots not in (None, 0, "auto") for setting in grid):
        raise Failure("There is no approved example to show. Approve some (answerdesk examples), or give them with --examples FILE.", 2)
    Pool(engine).add_all(kept)
    versions = PromptVersions(engine)
    for wording in teaching["prompts"]:
        versions.add(Wording(**wording), "", "")
    Choices(engine).replace(tuple(Choice(**choice) for choice in teaching["choices"]))
    return len(examples) - len(kept)


def score(row: Row) -> float:
    """How good one answer is, 0..1: its token F1, or for a question without an answer whether it was left unanswered."""
    return float(row["abstained"]) if row["is_impossible"] else float(row["f1"])


def compared(judged: Mapping[Setting, Sequence[Row]], summaries: Mapping[Setting, Row]) -> dict[str, Any]:
    """Each setting's summary with its paired difference to the first, and which one to use."""
    scores = {setting: [score(row) for row in rows] for setting, rows in judged.items()}
    first = next(iter(judged))
    chosen, found = best(scores, [row["group"] for row in judged[first]])
    told = {
        setting: {"mean": round(gain.mean, 4), "interval": [round(gain.low, 4), round(gain.high, 4)]} for setting, gain in found.items()
    }
    return {
        "n": len(judged[first]),
        "baseline": first.name,
        "best": chosen.name,
        "why": (
            f"no setting is shown to be better than {first.name}"
            if chosen == first
            else f"{chosen.name} scores {told[chosen]['mean']} more than {first.name}, interval {told[chosen]['interval']}"
        ),
        "settings": [
            {
                "name": setting.name,
                "shots": setting.shots,
                "cot": setting.cot,
                "prompt": setting.prompt,
                "score": round(fmean(scores[setting]), 4),
                "difference": told[setting],
                **{name: value for name, value in summaries[setting].items() if name != "n"},
            }
            for setting in judged
        ],
    }


def held_out_rows(examples: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Examples of the evaluation side as questions to be answered from their own evidence; those without any are left out."""
    return [
        {
            "id": example["id"],
            "question": example["question"],
            "context": example["evidence"],
            "answers": [example["answer"]],
            "is_impossible": False,
            "conversation": example["customer"] or example["conversation"] or example["id"],
            "kind": ["zh" if example["language"] == "zh" else "en", example["intent"]],
        }
        for example in examples
        if example["evidence"]
    ]


def choices_of(judged: Mapping[Setting, Sequence[Row]], kinds: Sequence[tuple[str, str]]) -> list[Choice]:
    """For each language, and for each of its intents with enough rows, the setting that is shown to be better than the first.

    kinds: language and intent of each row.
    """
    chosen = []
    wanted = dict.fromkeys([*((language, "") for language, _ in kinds), *kinds])
    for language, intent in wanted:
        mine = [n for n, kind in enumerate(kinds) if kind[0] == language and intent in ("", kind[1])]
        if len(mine) < FEWEST:
            continue
        scores = {setting: [score(rows[n]) for n in mine] for setting, rows in judged.items()}
        groups = [next(iter(judged.values()))[n]["group"] for n in mine]
        setting, found = best(scores, groups)
        details = {"n": len(mine), "interval": [round(found[setting].low, 4), round(found[setting].high, 4)]}
        code: Language = "zh" if language == "zh" else "en"
        chosen.append(Choice(code, intent, int(setting.shots or 0), setting.cot or "off", round(found[setting].mean, 4), details))
    return chosen
