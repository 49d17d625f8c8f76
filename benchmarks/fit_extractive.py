"""Fit the weights of bot/extract.toml, and say how well they do on questions that they did not see.

    python benchmarks/fit_extractive.py [--write] [--data DIR]

Learned from are questions about the sample shop (tests/evals/shop_*_tune.jsonl and _dev.jsonl; the held-out half is never read here) and,
for the sentences, about 32 made-up shops (shops.py), which weigh as much in all, and plain questions of every day (everyday.jsonl), of
which the page is known. Sentences: a listwise softmax that puts its mass on those with the right fact (ListNet, Cao et al. 2007). Head:
logistic regression, whether the question can be answered at all. Figures on the sample shop are by five-fold cross-validation, those
elsewhere on made-up shops that are kept out.
DIR keeps the shops' indexes, which take a while to make; without it they are made anew.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from shops import Question, right, shops
from sklearn.metrics import roc_auc_score

from bot import extract
from bot.compare import compared
from bot.evidence import Look, looks
from bot.messages import Message
from bot.select import choose
from knowledge.documents import Gaps, Language, Passage
from ui.build import build
from ui.settings import Settings

ROOT = Path(__file__).parent.parent
LANGUAGES: tuple[Language, ...] = ("en", "zh")
SENTENCE = [name for name in extract.FEATURES if name != "question"]
LOST = 0.03  # share of the answerable questions that the cut may lose
L2 = 0.003
PLAIN = 0.2  # what plain questions of every day count of the others, of which the very sentence is known
Floats = NDArray[np.float32]
Holds = Callable[[Passage, str], bool]
"""Whether a sentence of a passage is right."""


@dataclass(frozen=True, slots=True)
class Row:
    """A question as retrieval finds its passages. x: features of the sentences, shape (sentences, features); y: which of them are right.

    kind: `answerable`, `follow_up`, `off_topic`, `missing`. answers, sources, whole: of the sample shop; whole: all answers are wanted.
    """

    asks: str
    kind: str
    passages: Sequence[Passage]
    gaps: Gaps
    units: Sequence[tuple[Passage, int, dict[str, float]]]
    x: Floats
    y: NDArray[np.bool_]
    answers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    whole: bool = False
    kept_out: bool = False

    @property
    def answerable(self) -> bool:
        return self.kind in ("answerable", "follow_up")


@dataclass(frozen=True, slots=True)
class Fit:
    sentence: Floats
    head: Floats

    def sure(self, rows: Sequence[Row]) -> Floats:
        """The logits of what can be answered."""
        return np.asarray(heads(rows, self.sentence) @ self.head[1:] + self.head[0], dtype=np.float32)


def flat(text: str) -> str:
    return re.sub(r"\s+", "", text.lower())


def looked_up(index: Any, language: Language, question: str, history: Sequence[Message], *, kind: str, holds: Holds) -> Row:
    """Of a message that asks several things, the one that the answer is to, or else the first."""
    rows = [_one(index, language, look, kind, holds) for look in looks(question, history, index.topical)]
    return max(rows, key=lambda row: bool(row.y.any()))


def _one(index: Any, language: Language, look: Look, kind: str, holds: Holds) -> Row:
    result = index.find(look.text, 12, "default", language, look.context)
    units = [unit for unit in extract.features(look.question, result.passages) if not unit[2]["question"]]
    x = np.array([[values[name] for name in SENTENCE] for *_, values in units], dtype=np.float32).reshape(-1, len(SENTENCE))
    y = np.array([holds(passage, passage.units[number].text) for passage, number, _ in units], dtype=bool)
    return Row(look.question, kind, result.passages, result.gaps, units, x, y)


def of_sample(index: Any, language: Language) -> list[Row]:
    """Questions about the sample shop."""
    rows: list[Row] = []
    for half in ("tune", "dev"):
        for line in (ROOT / "tests" / "evals" / f"shop_{language}_{half}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            answers, sources = tuple(row["answers"]), tuple(row["sources"])
            history = [Message(one["role"], one["text"]) for one in row.get("history") or []]
            found = looked_up(index, language, row["question"], history, kind=row["kind"], holds=_among(answers, sources))
            rows.append(replace(found, answers=answers, sources=sources, whole=bool(row.get("all"))))
    return rows


def of_every_day(index: Any) -> list[Row]:
    """Plain questions about the sample shop (everyday.jsonl): of the page that is about it any sentence will do."""
    rows: list[Row] = []
    for line in (ROOT / "tests" / "evals" / "everyday.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        rows.append(looked_up(index, row["language"], row["question"], (), kind="answerable", holds=_of_pages(row["sources"])))
    return rows


def _of_pages(sources: Sequence[str]) -> Holds:
    return lambda passage, _: passage.chunk.source in sources


def _among(answers: Sequence[str], sources: Sequence[str]) -> Holds:
    return lambda passage, text: passage.chunk.source in sources and any(flat(answer) in flat(text) for answer in answers)


def of_shops(language: Language, folder: Path) -> list[Row]:
    """Questions about the made-up shops. folder: keeps their indexes."""
    rows: list[Row] = []
    for shop in track(list(shops(language)), f"shops, {language}"):
        shop.write(folder / shop.name / "files")
        app = build(Settings(data_dir=folder / shop.name / "data"))
        app.index.ingest([folder / shop.name / "files"])
        for question in shop.questions:
            kind = "answerable" if question.answers else "missing"
            row = looked_up(app.index, language, question.text, (), kind=kind, holds=_answer_to(question))
            if row.y.any() or not question.answers:  # what retrieval did not find teaches nothing about choosing
                rows.append(replace(row, kept_out=shop.kept_out))
        app.engine.dispose()
    return rows


def _answer_to(question: Question) -> Holds:
    return lambda passage, text: right(question, passage.chunk.source, (passage.chunk.title, *passage.chunk.heading), text)


def fit(rows: Sequence[Row], others: Sequence[Row], plain: Sequence[Row]) -> Fit:
    """The head is of `rows` alone: what `others` lack is hard on purpose, and a head that heeds them declines short plain questions."""
    weights = fit_sentences(((rows, 1.0), (others, 1.0), (plain, PLAIN)))
    return Fit(weights, fit_head(rows, heads(rows, weights)))


def fit_sentences(groups: Sequence[tuple[Sequence[Row], float]]) -> Floats:
    """Each group with its weight."""
    packed = [(_packed([row for row in rows if row.y.any()]), weight) for rows, weight in groups]
    return minimise(lambda weights: sum(share * _listwise(*one, weights) for one, share in packed) + L2 * (weights**2).sum(), len(SENTENCE))


def _packed(rows: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The sentences of all lists one after the other: their features, whether they are right, and the number of their list."""
    lists = np.repeat(np.arange(len(rows)), [len(row.x) for row in rows])
    return torch.tensor(np.concatenate([row.x for row in rows])), torch.tensor(np.concatenate([row.y for row in rows])), torch.tensor(lists)


def _listwise(x: torch.Tensor, y: torch.Tensor, lists: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    scores, count = x @ weights, int(lists[-1]) + 1

    def log_sum(values: torch.Tensor) -> torch.Tensor:
        top = torch.full((count,), -torch.inf).scatter_reduce(0, lists, values, "amax").detach()
        return top + torch.log(torch.zeros(count).index_add(0, lists, torch.exp(values - top[lists])))

    return (log_sum(scores) - log_sum(scores.masked_fill(~y, -1e9))).mean()


def fit_head(rows: Sequence[Row], features: Floats) -> Floats:
    """What can be answered weighs as much as what cannot."""
    x, y = torch.tensor(features), torch.tensor([float(row.answerable) for row in rows])
    balance = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))

    def loss(weights: torch.Tensor) -> torch.Tensor:
        each = torch.nn.functional.binary_cross_entropy_with_logits(x @ weights[1:] + weights[0], y, reduction="none")
        return (balance * each).mean() + L2 * (weights[1:] ** 2).sum()

    return minimise(loss, x.shape[1] + 1)


def minimise(loss: Callable[[torch.Tensor], torch.Tensor], size: int) -> Floats:
    weights = torch.zeros(size, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=300)

    def step() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(weights)
        value.backward()
        return value

    optimiser.step(step)
    return np.asarray(weights.detach().numpy(), dtype=np.float32)


def picks(row: Row, weights: Floats) -> list[extract.Pick]:
    scores = row.x @ weights
    some = [extract.Pick(p, n, float(score), values) for (p, n, values), score in zip(row.units, scores, strict=True)]
    return sorted(some, key=lambda pick: -pick.score)


def heads(rows: Sequence[Row], weights: Floats) -> Floats:
    """The head's features, shape (rows, features)."""
    found = np.zeros((len(rows), len(extract.HEAD)), dtype=np.float32)
    for number, row in enumerate(rows):
        if best := picks(row, weights):
            values = extract.head(row.asks, best, row.gaps)
            found[number] = [values[name] for name in extract.HEAD]
    return found


def carries(row: Row, weights: Floats) -> bool:
    best = picks(row, weights)
    lines = compared(row.asks, row.passages, best)
    texts = lines or [pick.unit.text for pick in choose(best, question=row.asks) if pick.passage.chunk.source in row.sources]
    said = flat("\n".join(texts))
    hits = [flat(answer) in said for answer in row.answers]
    return all(hits) if row.whole else any(hits)


def cross_validate(rows: list[Row], others: list[Row], made_up: list[Row], plain: list[Row], folds: int = 5) -> dict[str, float]:
    """Shares on the rows of each fold, fitted on the other folds, on `others`, the rows of the other language, and on the made-up shops."""
    fact: list[bool] = []
    sure: list[tuple[str, float]] = []
    for fold in track(range(folds), "folds"):
        fitted = fit([row for n, row in enumerate(rows) if n % folds != fold] + others, made_up, plain)
        left = [row for n, row in enumerate(rows) if n % folds == fold]
        sure += zip([row.kind for row in left], map(float, fitted.sure(left)), strict=True)
        fact += [carries(row, fitted.sentence) for row in left if row.answerable]
    answerable = np.array([score for kind, score in sure if kind in ("answerable", "follow_up")])
    shares = {"fact": float(np.mean(fact))}
    for lost in (0.03, 0.05, 0.08, 0.12):
        cut = float(np.quantile(answerable, lost))
        for name in ("off_topic", "missing"):
            scores = np.array([score for kind, score in sure if kind == name])
            shares[f"{name} declined when {lost:.0%} of the answerable are"] = float((scores < cut).mean())
    return shares


def elsewhere(rows: Sequence[Row], fitted: Fit) -> dict[str, float]:
    """How the weights do on shops that they were not fitted on."""
    first = [bool(row.y[int(np.argmax(row.x @ fitted.sentence))]) for row in rows if row.answerable]
    area = roc_auc_score([row.answerable for row in rows], fitted.sure(rows))
    return {"shops kept out: right sentence first": float(np.mean(first)), "the same: answerable or not, area under the curve": float(area)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write bot/extract.toml")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder that keeps the shops' indexes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = arguments.data or Path(temporary)
        app = build(Settings(data_dir=folder / "sample"))
        app.index.ingest([ROOT / "ui" / "sample_shop"])
        sample = {language: of_sample(app.index, language) for language in LANGUAGES}
        plain = of_every_day(app.index)
        app.engine.dispose()
        made_up = {language: of_shops(language, folder) for language in LANGUAGES}
    learned = [row for rows in made_up.values() for row in rows if not row.kept_out]
    print(f"{sum(row.answerable for row in learned)} answered questions of made-up shops")
    fitted = fit([row for rows in sample.values() for row in rows], learned, plain)
    for language, other in zip(LANGUAGES, reversed(LANGUAGES), strict=True):
        apart = [row for row in made_up[language] if row.kept_out]
        for name, share in (cross_validate(sample[language], sample[other], learned, plain) | elsewhere(apart, fitted)).items():
            print(f"{language}  {share:.3f}  {name}")
    if arguments.write:
        (ROOT / "bot" / "extract.toml").write_text(told(fitted, sample), "utf-8")


def told(fitted: Fit, sample: Mapping[Language, Sequence[Row]]) -> str:
    """The text of bot/extract.toml: the weights, and for each language the cut that loses LOST of the sample shop's answerable rows."""
    lines = ["# Fitted by benchmarks/fit_extractive.py. Do not edit by hand.", "[sentence]"]
    lines += [f"{name} = {value:.3f}" for name, value in zip(SENTENCE, fitted.sentence, strict=True)]
    lines += ["", "[head]", *(f"{name} = {value:.3f}" for name, value in zip(extract.HEAD, fitted.head[1:], strict=True)), "", "[cut]"]
    for language, rows in sample.items():
        scores = fitted.sure([row for row in rows if row.answerable]) - fitted.head[0]
        lines.append(f"{language} = {np.quantile(scores, LOST):.3f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
