"""The sentences of the passages that answer a question, and how sure that is. Pure; no model but what the passages were scored with.

Every sentence has some features; a linear score ranks the sentences, and a logistic head over the best ones' features says how likely the
evidence holds the answer. The weights were fitted by `benchmarks/fit_extractive.py` on questions in both languages, the head's about the
sample shop alone, the sentences' about made-up ones too; they weigh general signs, not words of a shop. Only the cut differs by language.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from bot.expect import asked, has, troubled
from bot.messages import Prompt
from knowledge.cells import cells, field
from knowledge.documents import Gaps, Language, Passage, Unit
from knowledge.retrieve import name_of
from knowledge.terms import STOP, models, words

FEATURES = (
    "own", "rest", "context", "passage", "rank", "cosine", "chunk", "keyword", "title", "named", "stray", "fits", "misfits", "figure",
    "question",
    "heading", "short", "best_own", "best_context", "named_rest", "named_cosine", "fits_cosine", "fits_context", "fits_heading",
    "cosine_squared", "context_squared", "rest_cosine", "best_cosine", "first_cosine", "first_rest", "first_own",
    "troubled", "untroubled", "first_heading", "row_heading",
)  # fmt: skip
"""What is known of a sentence; see `features`."""

HEAD = (
    "best", "own", "rest", "context", "cosine", "chunk", "passage", "keyword", "unknown", "open", "lacking", "fits", "misfits", "named",
    "margin", "standout", "short_question", "own_cosine", "unknown_named", "lacking_named", "named_rest", "named_standout", "named_fits",
    "name_share",
    "lacking_share", "unknown_share", "open_share", "first_rest_cosine", "cosine_squared", "name_field", "above_name", "unsaid",
)  # fmt: skip
"""What is known of an answer; see `confidence`."""

_NOTHING, _FEW, _SAID = 0.01, 3, 0.6  # share of a question; words of it; how sure what a sentence says word for word is at least


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence with its score (higher is better; only differences mean something) and its features."""

    passage: Passage
    number: int
    score: float
    features: Mapping[str, float]

    @property
    def unit(self) -> Unit:
        return self.passage.units[self.number]

    @property
    def is_name(self) -> bool:
        """Whether it is the field with the record's name, which whoever names it knows."""
        chunk = self.passage.chunk
        return chunk.kind == "record" and field(self.unit.text)[1] == name_of(chunk)


def features(question: str, passages: Sequence[Passage]) -> list[tuple[Passage, int, dict[str, float]]]:
    """Every sentence of the passages with its features.

    own, context: shares of the question's weight held by it, and with its title and headings; rest: of what those leave open.
    passage, keyword, title, chunk: of its
    passage. rank: 1 / rank of the passage. cosine: with the question. named, stray: the question names this record; it names another.
    Some products of these follow, and whether it is the first in something.
    fits, misfits: a kind of figure is asked for, and is there; or is not. figure: any digit. question: it is a question itself.
    troubled, untroubled: its page is about something that is wrong, and so is the question; or the question is not.
    heading: the share held by its title and headings. short: few characters. best_own, best_context: its share of the best sentence's.
    """
    kind, wrong = asked(question), troubled(question)
    anything_named = any(passage.named for passage in passages)
    sentences = [(rank, passage, number, unit) for rank, passage in enumerate(passages, 1) for number, unit in enumerate(passage.units)]
    over = {p.chunk.id: p.chunk.kind != "record" and troubled(" ".join((p.chunk.title, *p.chunk.heading))) for p in passages}
    top = {
        "own": max((unit.own for *_, unit in sentences), default=0.0) or 1.0,
        "rest": max((_rest(unit) for *_, unit in sentences), default=0.0) or 1.0,
        "context": max((unit.context for *_, unit in sentences), default=0.0) or 1.0,
        "above": max((unit.above for *_, unit in sentences), default=0.0) or 1.0,
        "cosine": max((unit.cosine or 0.0 for *_, unit in sentences), default=0.0),
    }
    found: list[tuple[Passage, int, dict[str, float]]] = []
    for place, passage, number, unit in sentences:
        legs = dict(passage.legs)
        fits, named = float(bool(kind and has(kind, unit.text))), float(passage.named)
        cosine, rest = max(0.0, unit.cosine or 0.0), _rest(unit)
        values = {
            "own": unit.own,
            "rest": rest,
            "context": unit.context,
            "passage": passage.score,
            "rank": 1 / place,
            "cosine": cosine,
            "chunk": max(0.0, legs.get("chunk", 0.0)),
            "keyword": legs.get("keyword", 0.0),
            "title": legs.get("title", 0.0),
            "named": named,
            "stray": float(anything_named and not passage.named and passage.chunk.kind == "record"),
            "fits": fits,
            "misfits": float(bool(kind) and not fits),
            "figure": float(has("number", unit.text)),
            "question": float(unit.text.rstrip().endswith(("?", "？"))),
            "heading": unit.above,
            "short": math.exp(-len(unit.text) / 20),
            "best_own": unit.own / top["own"],
            "best_context": unit.context / top["context"],
            "named_rest": named * rest,
            "named_cosine": named * cosine,
            "fits_cosine": fits * cosine,
            "fits_context": fits * unit.context,
            "fits_heading": fits * unit.above,
            "cosine_squared": cosine**2,
            "context_squared": unit.context**2,
            "rest_cosine": rest * cosine,
            "best_cosine": cosine - top["cosine"],
            "first_cosine": float(cosine >= top["cosine"]),
            "first_rest": float(rest >= top["rest"]),
            "first_own": float(unit.own >= top["own"]),
            "first_heading": float(unit.above >= top["above"]),
            "row_heading": unit.above * bool(passage.chunk.kind != "record" and cells(unit.text)),
            "troubled": float(wrong and over[passage.chunk.id]),
            "untroubled": float(not wrong and over[passage.chunk.id]),
        }
        found.append((passage, number, values))
    return found


def _rest(unit: Unit) -> float:
    """What the sentence adds to its headings, as a share of what those leave open."""
    return (unit.context - unit.above) / (1 - unit.above) if unit.above < 0.999 else 0.0


def rank(question: str, passages: Sequence[Passage]) -> list[Pick]:
    """All sentences, best first."""
    weights = _weights()["sentence"]
    picks = [
        Pick(passage, number, sum(weights.get(name, 0.0) * value for name, value in values.items()), values)
        for passage, number, values in features(question, passages)
        if not values["question"]
    ]
    return sorted(picks, key=lambda pick: -pick.score)


def head(question: str, picks: Sequence[Pick], gaps: Gaps) -> dict[str, float]:
    """What `confidence` weighs: features of the best sentences, of the question's gaps, and of how far the best one stands out."""
    best = picks[0]
    top = picks[:5]
    cosines = sorted((pick.features["cosine"] for pick in picks), reverse=True)
    cosine, standout = cosines[0], cosines[0] - sum(cosines[1:9]) / max(1, len(cosines[1:9]))
    own = max(pick.features["own"] for pick in top)
    rest = max(pick.features["rest"] for pick in top)
    of_it = [pick for pick in picks if pick.features["named"]]
    bare = [pick.score for pick in of_it if pick.is_name]  # agrees with the question by its name alone, as any field of it does
    of_it_cosines = [pick.features["cosine"] for pick in of_it]
    named = float(bool(of_it))
    name = min(0.9, max((pick.features["heading"] for pick in of_it), default=0.0))  # what naming the thing takes of the question
    return {
        "best": best.score / 10,
        "own": own,
        "rest": rest,
        "context": max(pick.features["context"] for pick in top),
        "cosine": cosine,
        "chunk": max(pick.features["chunk"] for pick in picks),
        "passage": max(pick.features["passage"] for pick in picks),
        "keyword": max(pick.features["keyword"] for pick in picks),
        "unknown": gaps.unknown,
        "open": gaps.open,
        "lacking": gaps.lacking,
        "fits": max(pick.features["fits"] for pick in top),
        "misfits": best.features["misfits"],
        "named": named,
        "margin": (best.score - picks[min(len(picks) - 1, 8)].score) / 10,
        "standout": standout,
        "short_question": math.exp(-len(question) / 25),
        "own_cosine": own * cosine,
        "unknown_named": gaps.unknown * named,
        "lacking_named": gaps.lacking * named,
        "named_rest": max((pick.features["rest"] for pick in of_it), default=0.0),
        "named_standout": max(of_it_cosines, default=0.0) - sum(of_it_cosines) / max(1, len(of_it_cosines)),
        "named_fits": max((pick.features["fits"] for pick in of_it), default=0.0),
        "name_share": name,
        "lacking_share": min(1.0, gaps.lacking / (1 - name)),
        "unknown_share": min(1.0, gaps.unknown / (1 - name)),
        "open_share": min(1.0, gaps.open / (1 - name)),
        "first_rest_cosine": max(pick.features["rest_cosine"] for pick in top),
        "cosine_squared": cosine**2,
        "unsaid": float(bool(gaps.unsaid)),
        "name_field": float(bool(bare)),
        "above_name": (best.score - max(bare)) / 10 if bare else 0.0,
    }


def confidence(question: str, picks: Sequence[Pick], language: Language, gaps: Gaps) -> float:
    """How likely the best sentences answer the question, 0..1."""
    if not picks or gaps.stranger:
        return 0.0
    weights = _weights()
    values = head(question, picks, gaps)
    logit = sum(weights["head"].get(name, 0.0) * value for name, value in values.items()) - weights["cut"].get(
        language, weights["cut"]["en"]
    )
    sure = 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))
    if gaps.open < _NOTHING and picks[0].unit.own > 1 - _NOTHING and _says_much(question):
        return max(sure, _SAID)  # one sentence says all of it
    return sure


def _says_much(question: str) -> bool:
    """Whether it has an error code or a few words that mean something; a single one may stand in any sentence."""
    return any(model.endswith("·") for model in models(question)) or sum(word not in STOP for word in words(question)) >= _FEW


def sure(prompt: Prompt) -> float:
    """How likely the evidence of a prompt holds the answer, 0..1; of several questions the one that it holds best."""
    asks = [(part.question, part.passages, part.gaps) for part in prompt.parts] or [(prompt.question, prompt.passages, prompt.gaps)]
    return max(_sure(question, passages, prompt.language, gaps) for question, passages, gaps in asks)


def _sure(question: str, passages: Sequence[Passage], language: Language, gaps: Gaps) -> float:
    if passages and passages[0].chunk.kind == "range":
        return 1.0
    return confidence(question, rank(question, passages), language, gaps)


@lru_cache(maxsize=1)
def _weights() -> dict[str, dict[str, float]]:
    return tomllib.loads(resources.files("bot").joinpath("extract.toml").read_text("utf-8"))
