"""Fit the weights of bot/extract.toml on questions about the sample shop, and say how well they do on questions they did not see.

    python benchmarks/fit_extractive.py [--write]

The questions are tests/evals/shop_*_tune.jsonl and _dev.jsonl; the held-out half is never read here. Sentences: a listwise softmax
that puts its mass on those with the right fact (ListNet, Cao et al. 2007). Head: logistic regression, whether the question can be
answered at all. Figures are by five-fold cross-validation.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bot import extract
from bot.compare import compared
from bot.expect import asked
from bot.followup import focus, leans_on, self_contained
from bot.messages import Message
from knowledge.documents import Passage
from ui.build import build
from ui.settings import Settings

ROOT = Path(__file__).parent.parent
SENTENCE = [name for name in extract.FEATURES if name != "question"]
LOST = 0.05  # share of the answerable questions that the cut may lose
Row = dict[str, Any]


def flat(text: str) -> str:
    return re.sub(r"\s+", "", text.lower())


def load(language: str, index: Any) -> list[Row]:
    rows: list[Row] = []
    for half in ("tune", "dev"):
        for line in (ROOT / "tests" / "evals" / f"shop_{language}_{half}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            core, story = focus(row["question"])
            context = (*story, *leans_on(row["question"], [Message(m["role"], m["text"]) for m in row.get("history") or []]))
            found = index.find(core, 12, "default", language, context)
            row["asks"] = core if asked(core) else self_contained(row["question"], context)
            row["passages"], row["gaps"] = found.passages, found.gaps
            row["answerable"] = row["kind"] in ("answerable", "follow_up")
            units = [unit for unit in extract.features(row["asks"], found.passages) if not unit[2]["question"]]
            row["units"] = units
            row["x"] = np.array([[values[name] for name in SENTENCE] for *_, values in units], dtype=np.float32).reshape(-1, len(SENTENCE))
            row["y"] = np.array([right(row, passage, passage.units[number].text) for passage, number, _ in units], dtype=bool)
            rows.append(row)
    return rows


def right(row: Row, passage: Passage, text: str) -> bool:
    return passage.chunk.source in row["sources"] and any(flat(answer) in flat(text) for answer in row["answers"])


def fit_sentences(rows: Sequence[Row], l2: float = 0.003) -> np.ndarray:
    pairs = [(torch.tensor(row["x"]), torch.tensor(row["y"])) for row in rows if row["y"].any()]

    def loss(weights: torch.Tensor) -> torch.Tensor:
        lists = [torch.logsumexp(x @ weights, 0) - torch.logsumexp((x @ weights)[y], 0) for x, y in pairs]
        return torch.stack(lists).mean() + l2 * (weights**2).sum()

    return minimise(loss, len(SENTENCE))


def fit_head(rows: Sequence[Row], l2: float = 0.003) -> np.ndarray:
    x = torch.tensor(np.array([row["head"] for row in rows], dtype=np.float32))
    y = torch.tensor([float(row["answerable"]) for row in rows])
    balance = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))

    def loss(weights: torch.Tensor) -> torch.Tensor:
        each = torch.nn.functional.binary_cross_entropy_with_logits(x @ weights[1:] + weights[0], y, reduction="none")
        return (balance * each).mean() + l2 * (weights[1:] ** 2).sum()

    return minimise(loss, x.shape[1] + 1)


def minimise(loss: Callable[[torch.Tensor], torch.Tensor], size: int) -> np.ndarray:
    weights = torch.zeros(size, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=300)

    def step() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(weights)
        value.backward()
        return value

    optimiser.step(step)
    return weights.detach().numpy()


def picks(row: Row, weights: np.ndarray) -> list[extract.Pick]:
    scores = row["x"] @ weights
    found = [extract.Pick(p, n, float(score), values) for (p, n, values), score in zip(row["units"], scores, strict=True)]
    return sorted(found, key=lambda pick: -pick.score)


def head(row: Row, weights: np.ndarray) -> list[float]:
    found = picks(row, weights)
    values = extract.head(row["asks"], found, row["gaps"]) if found else dict.fromkeys(extract.HEAD, 0.0)
    return [values[name] for name in extract.HEAD]


def carries(row: Row, weights: np.ndarray) -> bool:
    found = picks(row, weights)
    lines = compared(row["asks"], row["passages"], found)
    texts = lines or [pick.unit.text for pick in extract.choose(found) if pick.passage.chunk.source in row["sources"]]
    said = flat("\n".join(texts))
    hits = [flat(answer) in said for answer in row["answers"]]
    return all(hits) if row.get("all") else any(hits)


def cross_validate(rows: list[Row], others: list[Row], folds: int = 5) -> dict[str, float]:
    """Shares on the rows of each fold, fitted on the other folds and on `others`, the rows of the other language."""
    fact: list[bool] = []
    sure: list[tuple[str, float]] = []
    for fold in range(folds):
        seen = [row for n, row in enumerate(rows) if n % folds != fold] + others
        weights = fit_sentences(seen)
        for row in rows + others:
            row["head"] = head(row, weights)
        logit = fit_head(seen)
        for row in (row for n, row in enumerate(rows) if n % folds == fold):
            sure.append((row["kind"], float(np.array(row["head"]) @ logit[1:] + logit[0])))
            if row["answerable"]:
                fact.append(carries(row, weights))
    answerable = np.array([score for kind, score in sure if kind in ("answerable", "follow_up")])
    shares = {"fact": float(np.mean(fact))}
    for lost in (0.03, 0.05, 0.08, 0.12):
        cut = float(np.quantile(answerable, lost))
        for name in ("off_topic", "missing"):
            scores = np.array([score for kind, score in sure if kind == name])
            shares[f"{name} declined when {lost:.0%} of the answerable are"] = float((scores < cut).mean())
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write bot/extract.toml")
    parser.add_argument("--data-dir", type=Path, help="a data folder that holds the sample shop; default: a new one, which takes a minute")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = build(Settings(data_dir=arguments.data_dir or Path(folder)))
        app.index.ingest([ROOT / "ui" / "sample_shop"])
        rows = {language: load(language, app.index) for language in ("en", "zh")}
    for language, other in (("en", "zh"), ("zh", "en")):
        for name, share in cross_validate(rows[language], rows[other]).items():
            print(f"{language}  {share:.3f}  {name}")
    if arguments.write:
        (ROOT / "bot" / "extract.toml").write_text(fitted(rows), "utf-8")


def fitted(rows: dict[str, list[Row]]) -> str:
    """The text of bot/extract.toml: weights fitted on all rows, and for each language the cut that loses LOST of its answerable rows."""
    every = [row for some in rows.values() for row in some]
    weights = fit_sentences(every)
    for row in every:
        row["head"] = head(row, weights)
    logit = fit_head(every)
    lines = ["# Fitted by benchmarks/fit_extractive.py. Do not edit by hand.", "[sentence]"]
    lines += [f"{name} = {value:.3f}" for name, value in zip(SENTENCE, weights, strict=True)]
    lines += ["", "[head]", *(f"{name} = {value:.3f}" for name, value in zip(extract.HEAD, logit[1:], strict=True)), "", "[cut]"]
    for language, some in rows.items():
        scores = [float(np.array(row["head"]) @ logit[1:]) for row in some if row["answerable"]]
        lines.append(f"{language} = {np.quantile(scores, LOST):.3f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
