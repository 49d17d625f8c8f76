"""Invented shops for the starter model: products that exist nowhere, pages about them, and what customers ask."""

import random
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from bot import prompts
from bot.messages import Message, Parts
from knowledge.documents import Chunk, Passage

Part = Literal["train", "test"]
Talk = tuple[Message, ...]
_TODAY = date(2026, 1, 5)
UNANSWERABLE = 0.12  # share of questions whose fact no page holds


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Messages from the system's to the last reply. values: what each reply must hold, in order; None is a refusal."""

    messages: Talk
    values: tuple[str | None, ...]


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The word lists of starter.toml."""
    return tomllib.loads(resources.files("finetune").joinpath("starter.toml").read_text("utf-8"))


def dialogues(seed: int, part: Part, questions: int = 4) -> Iterator[Dialogue]:
    """Without end, the same for the same seed: half English, half Chinese, each with some products, their pages and `questions` questions.

    part: `test` asks in wordings that `train` never uses. Brands are drawn anew for every dialogue, so its products are always new.
    """
    draw = random.Random(f"{seed}-{part}")
    while True:
        yield _dialogue(draw, part, "zh" if draw.random() < 0.5 else "en", questions)


def _dialogue(draw: random.Random, part: Part, language: Literal["en", "zh"], questions: int) -> Dialogue:
    told, fields = words()[language], words()["fields"]
    shown: list[tuple[str, Any, str]] = []
    missing: list[tuple[str, Any]] = []
    passages: list[Passage] = []
    for product in dict.fromkeys(_name(draw, told) for _ in range(draw.randint(1, 3))):
        chosen = draw.sample(fields, draw.randint(2, 4))
        facts = [(product, field, _value(draw, field, language)) for field in chosen]
        lines = [_filled(draw.choice([*told["says"], *fact[1][language][3].split("|")]), *fact, language) for fact in facts]
        passages.append(_passage(product, (" " if language == "en" else "").join(lines), language))
        shown += facts
        missing += [(product, field) for field in fields if field not in chosen]
    said: list[Message] = []
    values: list[str | None] = []
    for _ in range(questions):
        refused = draw.random() < UNANSWERABLE
        product, field, value = (*draw.choice(missing), None) if refused else draw.choice(shown)
        own = field[language][2].split("|")
        asks = _part(own, part) if draw.random() < 0.5 else _part(told["asks"], part)
        answer = words()[f"refuse_{language}"] if value is None else draw.choice(told["answers"])
        said += [
            Message("customer", _filled(draw.choice(asks), product, field, "", language)),
            Message("bot", _filled(answer, product, field, value or "", language)),
        ]
        values.append(value)
    system = prompts.build(Parts("?", tuple(passages)), language=language, shop=_name(draw, told).split()[0], today=_TODAY).messages[0]
    return Dialogue((system, *said), tuple(values))


def _passage(title: str, text: str, language: Literal["en", "zh"]) -> Passage:
    return Passage(Chunk(title, "page.md", title, (), text, (text,), "text", language, 0), 1.0)


def _part(wordings: Sequence[str], part: Part) -> Sequence[str]:
    kept = max(1, len(wordings) // 10)
    return wordings[-kept:] if part == "test" else wordings[:-kept]


def _name(draw: random.Random, told: dict[str, Any]) -> str:
    blank = " " if told["things"][0].isascii() else ""
    name = draw.choice(told["brands"]) + "".join(draw.sample(told["ends"], draw.randint(1, 2)))
    number = str(draw.randint(2, 999)) if draw.random() < 0.6 else draw.choice(["Pro", "Max", "Mini", "Air"])
    return f"{name} {number}{blank}{draw.choice(told['things'])}"


def _value(draw: random.Random, field: dict[str, Any], language: str) -> str:
    low, high = field["range"]
    shape = draw.choice(field[language][1].split("|"))
    return str(shape.format(n=draw.randint(low, high), m=draw.randint(10, 99)))


def _filled(wording: str, product: str, field: dict[str, Any], value: str, language: str) -> str:
    return wording.format(p=product, f=field[language][0], v=value)
