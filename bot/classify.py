"""Which of some labels a text has, and whether it has any of them: a classifier that picks its own method by what it is given."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.heads import Fit, Head, Shares, Targets, heads, scoring
from knowledge.embed import Vectors

Embed = Callable[[Sequence[str]], Vectors]
"""Texts into vectors of length one."""

Score = Callable[[NDArray[Any]], Shares]

FEW = 3  # rows a label, on average, below which only prototypes are tried
NAMED = 15  # rows a label, on average, below which the names of labels are learned from
_NAME_ROWS = 2
_FOLDS = 3
_ONE_SPLIT = 2000  # rows from which one split is enough to tell methods apart
_HELD = 0.2
_KEPT_OUT = 0.25  # share of labels that are held out to learn what foreign texts look like
_NEAREST = 5
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")  # `card_arrival`, `cardArrival`
_ACCEPTED = 0.95  # share of rows of known labels that the threshold lets in at least


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row to learn from."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class _Given:
    """What there is to learn from. targets: of each row, an index of a label. names: of the labels, as texts and vectors."""

    texts: Sequence[str]
    vectors: Vectors
    targets: Targets
    names: tuple[Sequence[str], Vectors] | None = None

    def fitted(self, fit: Fit, rows: Targets | None = None) -> tuple[Head, Targets]:
        """A head fitted on some rows, all by default, and the labels that its columns stand for: some may have no row among them.

        A label's name counts as `_NAME_ROWS` more rows of it.
        """
        rows = np.arange(len(self.targets)) if rows is None else rows
        seen, inner = np.unique(self.targets[rows], return_inverse=True)
        texts, vectors = [self.texts[int(row)] for row in rows], self.vectors[rows]
        if self.names is not None:
            texts += [self.names[0][int(label)] for label in seen] * _NAME_ROWS
            vectors = np.concatenate((vectors, *[self.names[1][seen]] * _NAME_ROWS))
            inner = np.concatenate((inner, *[np.arange(len(seen))] * _NAME_ROWS))
        return fit(texts, vectors, np.asarray(inner, dtype=np.intp)), np.asarray(seen, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Judged:
    """share: of the label among all, 0..1. known: how likely the text has any label at all, 0..1. outside: whether it counts as none."""

    label: str
    share: float
    known: float
    outside: bool


@dataclass(frozen=True, slots=True)
class Classifier:
    """A fitted classifier. accuracy: by method, on rows that it was not fitted on; empty where there were too few rows to try."""

    labels: tuple[str, ...]
    method: str
    accuracy: Mapping[str, float]
    threshold: float
    _head: Head
    _vectors: Vectors
    _known: Score | None
    _embed: Embed

    def judge(self, texts: Sequence[str]) -> list[Judged]:
        """One judgement for each text."""
        if not texts:
            return []
        vectors = self._embed(texts)
        shares = self._head.shares(texts, vectors)
        known = _known(self._known, _signs(shares, vectors, self._vectors))
        best = shares.argmax(axis=1)
        return [
            Judged(self.labels[label], float(shares[row, label]), float(known[row]), bool(known[row] < self.threshold))
            for row, label in enumerate(best)
        ]


def train(rows: Sequence[Labelled], embed: Embed, others: Mapping[str, Fit] | None = None) -> Classifier:
    """Fit the method that does best on held-out rows; with fewer than `FEW` rows a label that is prototypes without a trial.

    With fewer than `NAMED` rows a label its name, such as `card_arrival`, is learned from too, if names tell rows better than chance.

    others: further methods to try, such as a tuned encoder; one of them must beat the rest by more than chance (one standard error).
    Raises `ValueError` for rows of fewer than two labels.
    """
    counts = Counter(row.label for row in rows)
    if len(counts) < 2:
        raise ValueError(f"A classifier needs rows of two labels at least; got {len(counts)}.")
    labels = tuple(sorted(counts))
    texts, vectors = [row.text for row in rows], embed([row.text for row in rows])
    targets = np.array([labels.index(row.label) for row in rows], dtype=np.intp)
    given = _Given(texts, vectors, targets, _names(labels, vectors, targets, embed) if len(rows) < NAMED * len(labels) else None)
    method, accuracy = "prototypes", dict[str, float]()
    methods = heads(len(rows)) | dict(others or {})
    if len(rows) >= FEW * len(counts):
        accuracy = _tried(methods, given)
        method = _best(accuracy, others or {}, len(rows))
    head, _ = given.fitted(methods[method])
    known, threshold = _outside(methods[method], given)
    return Classifier(labels, method, accuracy, threshold, head, vectors, known, embed)


def _names(labels: Sequence[str], vectors: Vectors, targets: Targets, embed: Embed) -> tuple[Sequence[str], Vectors] | None:
    """The names of labels as one would say them and their vectors; nothing where they tell the rows no better than chance: `L1`, `12`.

    Chance is two standard errors above one in as many as there are labels.
    """
    said = [" ".join(_WORD.findall(label)).lower() for label in labels]
    if not all(said):
        return None
    named = embed(said)
    right = float(((vectors @ named.T).argmax(axis=1) == targets).mean())
    chance = 1 / len(labels)
    return (said, named) if right > chance + 2 * (chance * (1 - chance) / len(targets)) ** 0.5 else None


def _best(accuracy: Mapping[str, float], others: Mapping[str, Fit], rows: int) -> str:
    own = max((name for name in accuracy if name not in others), key=lambda name: accuracy[name])
    best = max(accuracy, key=lambda name: accuracy[name])
    chance = (accuracy[own] * (1 - accuracy[own]) / rows) ** 0.5
    return best if accuracy[best] > accuracy[own] + chance else own


def _tried(methods: Mapping[str, Fit], given: _Given) -> dict[str, float]:
    """The accuracy of each method on held-out rows."""
    right = dict.fromkeys(methods, 0)
    held = 0
    for rows, kept in _splits(given.targets):
        held += len(kept)
        for name, fit in methods.items():
            head, seen = given.fitted(fit, rows)
            guesses = head.shares([given.texts[int(row)] for row in kept], given.vectors[kept]).argmax(axis=1)
            right[name] += int((seen[guesses] == given.targets[kept]).sum())
    return {name: round(count / held, 4) for name, count in right.items()}


def _splits(targets: Targets) -> list[tuple[Targets, Targets]]:
    """Pairs (fitted, held out) of row numbers, each label spread evenly; a label of one row is never held out."""
    order = np.random.default_rng(0).permutation(len(targets))
    place = np.empty(len(targets), dtype=np.intp)  # of each row among those of its label
    seen: Counter[int] = Counter()
    for row in map(int, order):
        place[row] = seen[int(targets[row])]
        seen[int(targets[row])] += 1
    single = np.array([seen[int(label)] < 2 for label in targets])
    one = len(targets) >= _ONE_SPLIT
    folds = [place % round(1 / _HELD) == 0] if one else [place % _FOLDS == fold for fold in range(_FOLDS)]
    return [(np.flatnonzero(~held | single), np.flatnonzero(held & ~single)) for held in folds if (held & ~single).any()]


def _outside(fit: Fit, given: _Given) -> tuple[Score | None, float]:
    """What tells texts of no label, and the threshold under which a text is one, from the rows alone.

    Some labels are left out of a head in turn, so that their rows are foreign to it; beside held-out rows of its own labels they teach a
    logistic regression what the head's certainty and the nearest rows look like for either.
    """
    from sklearn.linear_model import LogisticRegression

    targets, vectors = given.targets, given.vectors
    labels, quarter = np.unique(targets), np.random.default_rng(0).permutation(len(targets)) % 4
    parts = max(2, round(1 / _KEPT_OUT)) if len(labels) > 3 else 0
    signs: list[NDArray[np.float64]] = []
    own: list[NDArray[np.bool_]] = []
    for part in range(min(parts, 2 if len(targets) >= _ONE_SPLIT else parts)):
        foreign = np.isin(targets, labels[part::parts])
        held = (quarter == part) & ~foreign
        rows = np.flatnonzero(~foreign & ~held)
        asked = np.flatnonzero(foreign | held)
        if len(np.unique(targets[rows])) < 2 or not held.any():
            continue
        head, _ = given.fitted(fit, rows)
        shares = head.shares([given.texts[int(row)] for row in asked], vectors[asked])
        signs.append(_signs(shares, vectors[asked], vectors[rows]))
        own.append(~foreign[asked])
    if not signs:
        return None, 0.0
    told, mine = np.concatenate(signs), np.concatenate(own)
    score = scoring(LogisticRegression(class_weight="balanced").fit(told, mine))
    return score, float(np.quantile(_known(score, told[mine]), 1 - _ACCEPTED))


def _signs(shares: Shares, vectors: Vectors, rows: Vectors) -> NDArray[np.float64]:
    """What tells a foreign text, shape (n, 3): the log of the best share, and the cosines of the nearest row and of the nearest few."""
    nearest = min(_NEAREST, len(rows))
    found = []
    for start in range(0, len(vectors), 512):
        cosines = vectors[start : start + 512] @ rows.T
        top = np.partition(cosines, -nearest, axis=1)[:, -nearest:]
        found.append(np.stack((top.max(axis=1), top.mean(axis=1)), axis=1))
    return np.column_stack((np.log(shares.max(axis=1) + 1e-9), np.concatenate(found))).astype(np.float64)


def _known(score: Score | None, signs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones(len(signs)) if score is None else score(signs)[:, 1]
