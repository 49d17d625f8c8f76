"""Ways to tell labels from embedded texts: each is fitted on rows and gives each label a share, shape (n, labels), rows that sum to one."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.embed import Vectors

Shares = NDArray[np.float64]
Targets = NDArray[np.intp]
"""The index of each row's label."""

_SHARP = 20.0  # how much a step of cosine counts among prototypes
_INVERSE_PENALTY = 30.0  # of the linear heads, for vectors of length one
_WORDS_WEIGHT = 3.0  # what a unit of the words' margin adds to a label's log-odds
_ITERATIONS = 200
_WORD = r"[^\W\u4e00-\u9fff]+|[\u4e00-\u9fff]"


class Head(Protocol):
    """A fitted way. vectors: shape (n, dimension), of length one each."""

    def shares(self, texts: Sequence[str], vectors: Vectors) -> Shares: ...


Fit = Callable[[Sequence[str], Vectors, Targets], Head]
"""Makes a head from rows; targets are 0..labels-1, each of them there."""


class Prototypes:
    """The nearest mean: nothing is learned beside one vector a label, which is all that a few rows carry."""

    def __init__(self, _texts: Sequence[str], vectors: Vectors, targets: Targets) -> None:
        means = np.stack([vectors[targets == label].mean(axis=0) for label in range(targets.max() + 1)])
        self._means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)

    def shares(self, texts: Sequence[str], vectors: Vectors) -> Shares:  # noqa: ARG002
        return softmax(_SHARP * (vectors @ self._means.T))


class Linear:
    """Multinomial logistic regression on the vectors."""

    def __init__(self, _texts: Sequence[str], vectors: Vectors, targets: Targets) -> None:
        from sklearn.linear_model import LogisticRegression

        self._score = scoring(LogisticRegression(C=_INVERSE_PENALTY, max_iter=_ITERATIONS).fit(vectors, targets))

    def shares(self, texts: Sequence[str], vectors: Vectors) -> Shares:  # noqa: ARG002
        return self._score(vectors)


class LinearWithWords:
    """The same, and a linear SVM over words, pairs of words and pieces of words, whose margins are added to the log-odds."""

    def __init__(self, texts: Sequence[str], vectors: Vectors, targets: Targets) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_union
        from sklearn.svm import LinearSVC

        self._linear = Linear(texts, vectors, targets)
        kinds = (
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
        )
        svm = LinearSVC(C=0.5).fit(make_union(*kinds).fit_transform(texts), targets)
        self._intercept = np.asarray(svm.intercept_, dtype=np.float64)
        ends = np.cumsum([len(kind.vocabulary_) for kind in kinds])[:-1]
        self._words = [_Words(kind, weights) for kind, weights in zip(kinds, np.split(svm.coef_, ends, axis=1), strict=True)]

    def shares(self, texts: Sequence[str], vectors: Vectors) -> Shares:
        margins = np.stack([sum((words.margins(text) for words in self._words), self._intercept) for text in texts])
        if margins.shape[1] == 1:  # one margin tells two labels apart
            margins = np.concatenate((-margins, margins), axis=1)
        return softmax(np.log(self._linear.shares(texts, vectors) + 1e-6) + _WORDS_WEIGHT * margins)


class _Words:
    """A linear model over what a fitted TfidfVectorizer makes of one text: its arithmetic without the checks around it.

    A turn asks about one or two texts, and scikit-learn looks at each matrix from all sides before it multiplies.
    """

    def __init__(self, vectorizer: Any, weights: Shares) -> None:
        """weights: shape (margins, terms)."""
        self._pieces: Callable[[str], list[str]] = vectorizer.build_analyzer()
        self._column: dict[str, int] = {term: int(column) for term, column in vectorizer.vocabulary_.items()}
        self._idf = np.asarray(vectorizer.idf_, dtype=np.float64)
        self._weights = np.ascontiguousarray(weights.T)

    def margins(self, text: str) -> Shares:
        """Shape (margins,)."""
        counts = Counter(column for piece in self._pieces(text) if (column := self._column.get(piece)) is not None)
        if not counts:
            return np.zeros(self._weights.shape[1])
        columns = np.fromiter(counts, dtype=np.intp)
        values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float64))) * self._idf[columns]
        return np.asarray(values / np.linalg.norm(values) @ self._weights[columns], dtype=np.float64)


def scoring(model: Any) -> Callable[[NDArray[Any]], Shares]:
    """`predict_proba` of a fitted LogisticRegression, without the checks around it."""
    weights, intercept = np.ascontiguousarray(model.coef_.T), np.asarray(model.intercept_)

    def shares(rows: NDArray[Any]) -> Shares:
        scores = np.asarray(rows @ weights + intercept, dtype=np.float64)
        if scores.shape[1] > 1:
            return softmax(scores)
        second = 1 / (1 + np.exp(-scores))
        return np.concatenate((1 - second, second), axis=1)

    return shares


HEADS: dict[str, Fit] = {"prototypes": Prototypes, "linear": Linear, "linear+words": LinearWithWords}


def softmax(scores: Shares) -> Shares:
    """Each row's scores as shares of one."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
