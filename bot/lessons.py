"""What a turn's prompt teaches: which wording, how many and which examples, and how the model is made to reason."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import func, select

from bot.choices import Choices
from bot.direct import Match, best, stands_alone
from bot.examples import Pool
from bot.kept import Kept, key_of
from bot.messages import Cot, Example, Request, Shots
from bot.shots import FLOOR, beside_words, choose_examples, clustered, meaning, vectors_of
from bot.tables import examples, prompts
from bot.versions import PromptVersions
from bot.wording import Wording
from knowledge.documents import Language
from knowledge.embed import Embedder, Vectors

UNMEASURED = 4  # examples shown for a kind of question for which their gain was not measured yet
_SEEN = select(  # examples may go, prompts are only added to
    select(func.count()).select_from(examples).scalar_subquery(),
    select(func.max(examples.c.updated)).scalar_subquery(),
    select(func.count()).select_from(prompts).scalar_subquery(),
)
_NEIGHBOURS = 5  # approved examples whose intents tell a question's


def checked_shots(value: object) -> Shots:
    """`auto` or 0..64. Raises ValueError that says so."""
    if value == "auto":
        return "auto"
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal() or not 0 <= int(value) <= 64:
        raise ValueError(f"shots is {value!r}; allowed: 0 to 64, or auto")
    return int(value)


def checked_cot(value: object) -> Cot:
    """How to reason. Raises ValueError for what is none of the modes."""
    if value not in ("off", "zero", "few", "auto"):
        raise ValueError(f"cot is {value!r}; allowed: off, zero, few, auto")
    return value


@dataclass(frozen=True, slots=True)
class Teaching:
    """What is set for all turns. shots: 0..64 or auto. cot: how the model is made to reason. tone: whose wording is used.

    direct: whether an approved example whose question is the customer's answers by itself.
    """

    shots: Shots = "auto"
    cot: Cot = "off"
    tone: str = "default"
    direct: bool = True

    def __post_init__(self) -> None:
        checked_shots(self.shots)
        checked_cot(self.cot)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one turn is taught. examples: the most fitting first; they may still give way to the window."""

    wording: Wording
    cot: Cot = "off"
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Shelf:
    """The approved examples and the vectors of their questions, row by row."""

    examples: tuple[Example, ...]
    vectors: Vectors

    def only(self, keep: Callable[[Example], bool]) -> "Shelf":
        """Those that `keep` wants."""
        rows = [row for row, example in enumerate(self.examples) if keep(example)]
        return Shelf(tuple(self.examples[row] for row in rows), self.vectors[rows])


@dataclass(frozen=True, slots=True)
class Taught:
    """What holds at a moment. seen: changes whenever the rest does. wordings: those in use that were asked for, by language and tone."""

    seen: tuple[Any, ...]
    shelf: Shelf
    wordings: dict[tuple[str, str], Wording] = field(default_factory=dict)


class Lessons:
    """Plans what each turn is taught. Thread-safe; sees every change of the pool and of the prompts at the next turn."""

    def __init__(self, pool: Pool, versions: PromptVersions, choices: Choices, embedder: Embedder, teaching: Teaching = Teaching()) -> None:
        self._pool = pool
        self._kept = Kept(pool.engine)
        self._versions = versions
        self._choices = choices
        self._embedder = embedder
        self._teaching = teaching
        self._lock = threading.Lock()
        self._vectors: dict[str, Vectors] = {}  # by the text's hash
        self._taught: Taught | None = None

    def look(self) -> Taught:
        """What holds at this moment: one short read, and more only where something has changed. A turn looks once."""
        with self._pool.reading() as connection:
            seen = tuple(connection.execute(_SEEN).one())
        taught = self._taught
        if taught is None or taught.seen != seen:
            with self._lock:
                approved = self._pool.list("approved")
                taught = Taught(seen, Shelf(approved, self._embedded([example.question for example in approved])))
                self._taught = taught
        return taught

    def plan(
        self, request: Request, language: Language, budget_tokens: int, count: Callable[[str], int], taught: Taught | None = None
    ) -> Lesson:
        """The lesson for a question: what the request asks for, else what is set, else what was measured to help most.

        taught: as the turn has seen it.
        budget_tokens: what the examples may take together, by `count`. Raises `BadPrompt` for a version that does not exist.
        """
        taught = taught or self.look()
        wording = request.wording or self._wording(request.prompt, language, taught)
        shots: Shots = self._teaching.shots if request.shots is None else request.shots
        cot = request.cot or self._teaching.cot
        if shots == 0 and cot in ("off", "zero"):
            return Lesson(wording, cot)
        shelf = taught.shelf.only(lambda example: (example.language == "zh") == (language == "zh"))
        if not shelf.examples:
            return Lesson(wording, "zero" if cot in ("few", "auto") else cot)
        question = self.vector(request.text)
        if shots == "auto":
            choice = self._choices.find(wording.language, intent_of(question, shelf))
            shots = choice.shots if choice else UNMEASURED
            cot = choice.cot if choice and request.cot is None and self._teaching.cot == "off" else cot

        def size(example: Example) -> int:
            return count(f"{example.evidence}\n{example.question}\n{example.reasoning}\n{example.answer}")

        if cot in ("few", "auto"):
            shelf = shelf.only(lambda example: bool(example.reasoning))
        if cot == "auto":
            shown = within(clustered(shelf.examples, shelf.vectors, shots or UNMEASURED), budget_tokens, size)
        else:
            shown = choose_examples(question, shelf.examples, shelf.vectors, budget_tokens, shots, size=size)
        # Without an example to reason by, the model is told to in words.
        return Lesson(wording, "zero" if cot in ("few", "auto") and not shown else cot, shown)

    def _wording(self, version: str | None, language: Language, taught: Taught) -> Wording:
        tone = self._teaching.tone
        if version:
            return self._versions.get(version, language, tone).wording
        key = ("zh" if language == "zh" else "en", tone)
        if key not in taught.wordings:
            taught.wordings[key] = self._versions.current(language, tone)
        return taught.wordings[key]

    def direct(self, request: Request, language: Language, taught: Taught | None = None) -> Match | None:
        """The approved answer to the very same question, where there is one; none where the request wants a backend or other documents."""
        if not self._teaching.direct or request.backend or request.collection != "default" or not stands_alone(request.text):
            return None
        shelf = (taught or self.look()).shelf.only(lambda example: (example.language == "zh") == (language == "zh"))
        if not shelf.examples:
            return None
        return best(request.text, shelf.examples, meaning(shelf.vectors) @ meaning(self.vector(request.text)))

    def vector(self, text: str) -> Vectors:
        """A question's vector, shape (d,)."""
        row: Vectors = vectors_of([text], self._embedder)[0]
        return row

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        """Rows for texts; a text that was seen before is not embedded again, and one that is gone is forgotten."""
        keys = list(map(key_of, texts))
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._vectors}
        asked = list(new.values())
        rows = beside_words(asked, self._kept.embedded(asked, self._embedder)) if new else ()
        known = self._vectors | dict(zip(new, rows, strict=True))
        if known.keys() - set(keys) or self._taught is None:
            self._kept.only(texts)
        self._vectors = {key: known[key] for key in keys}
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, 0), dtype=np.float32)


def intent_of(question: Vectors, shelf: Shelf) -> str:
    """The intent of most of the approved questions that are most like this one; empty where none is like it or they have none."""
    like = shelf.vectors @ question
    near = [row for row in np.argsort(-like)[:_NEIGHBOURS] if like[row] >= FLOOR]
    votes: Counter[str] = Counter()
    for row in near:
        votes[shelf.examples[row].intent] += like[row]
    return votes.most_common(1)[0][0] if votes else ""


def within(examples: Sequence[Example], budget_tokens: int, size: Callable[[Example], int]) -> tuple[Example, ...]:
    """The first of the examples that fit the budget, those that are too long passed over."""
    kept = []
    for example in examples:
        if size(example) <= budget_tokens:
            budget_tokens -= size(example)
            kept.append(example)
    return tuple(kept)
