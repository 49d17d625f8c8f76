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
_ALIKE_WEIGHT = 5.0  # what the kernel's vote of one adds to a label's log-odds
_NEARNESS = 4.0  # how fast likeness falls with a step of cosine: exp(-4 (1 - cosine))
_WORDS_LIKENESS = 0.2  # what sharing all words, or all pieces of words, adds to it
_RIDGE = 0.1
_STEP = 512  # texts looked at together
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


class LinearWithKernel:
    """The same, and kernel ridge regression over how alike two texts are in meaning and in words, whose votes are added to the log-odds.

    It makes more of a few rows a label than the linear head, but takes time and memory by the square of the rows (Saunders et al. 1998).
    """

    def __init__(self, texts: Sequence[str], vectors: Vectors, targets: Targets) -> None:
        self._linear, self._rows = Linear(texts, vectors, targets), vectors
        kinds = _kinds()
        terms = [kind.fit_transform(texts) for kind in kinds]
        alike = _alike(vectors, vectors) + _WORDS_LIKENESS * np.asarray(sum(found @ found.T for found in terms).todense())
        votes = np.eye(targets.max() + 1)[targets]
        np.fill_diagonal(alike, alike.diagonal() + _RIDGE)
        self._votes = np.linalg.solve(alike, votes - votes.mean(axis=0))
        # Likeness in words is a product of terms, so that what all rows vote through it comes down to a weight of each term.
        self._words = [
            _Words(kind, np.asarray(_WORDS_LIKENESS * (found.T @ self._votes).T)) for kind, found in zip(kinds, terms, strict=True)
        ]

    def votes(self, texts: Sequence[str], vectors: Vectors) -> Shares:
        """Of the ridge regression, shape (n, labels): near one for a label, near none for the others."""
        votes = np.concatenate(
            [_alike(vectors[start : start + _STEP], self._rows) @ self._votes for start in range(0, len(vectors), _STEP)]
        )
        return np.asarray(votes + np.stack([sum(words.margins(text) for words in self._words) for text in texts]), dtype=np.float64)

    def shares(self, texts: Sequence[str], vectors: Vectors) -> Shares:
        return softmax(np.log(self._linear.shares(texts, vectors) + 1e-6) + _ALIKE_WEIGHT * self.votes(texts, vectors))


class LinearWithWords:
    """The linear head, and a linear SVM over words, pairs of words and pieces of words, whose margins are added to the log-odds."""

    def __init__(self, texts: Sequence[str], vectors: Vectors, targets: Targets) -> None:
        from sklearn.pipeline import make_union
        from sklearn.svm import LinearSVC

        self._linear = Linear(texts, vectors, targets)
        kinds = _kinds()
        svm = LinearSVC(C=0.5).fit(make_union(*kinds).fit_transform(texts), targets)
        self._intercept = np.asarray(svm.intercept_, dtype=np.float64)
        ends = np.cumsum([len(kind.vocabulary_) for kind in kinds])[:-1]
        self._words = [_Words(kind, weights) for kind, weights in zip(kinds, np.split(svm.coef_, ends, axis=1), strict=True)]

    def shares(self, texts: Sequence[str], vectors: Vectors) -> Shares:
        margins = np.stack([sum((words.margins(text) for words in self._words), self._intercept) for text in texts])
        if margins.shape[1] == 1:  # one margin tells two labels apart
            margins = np.concatenate((-margins, margins), axis=1)
        return softmax(np.log(self._linear.shares(texts, vectors) + 1e-6) + _WORDS_WEIGHT * margins)


def _kinds() -> tuple[Any, Any]:
    """What counts words and pairs of words, and what counts pieces of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return (
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )


def _alike(vectors: Vectors, rows: Vectors) -> Shares:
    """How alike two texts are in meaning, 0..1, shape (vectors, rows)."""
    return np.asarray(np.exp(_NEARNESS * (vectors @ rows.T - 1)), dtype=np.float64)


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


HEADS: dict[str, Fit] = {
    "prototypes": Prototypes,
    "linear": Linear,
    "linear+kernel": LinearWithKernel,
    "linear+words": LinearWithWords,
}
_KERNEL_UP_TO = 3000  # rows; of more, the words alone carry the difference


def heads(rows: int) -> dict[str, Fit]:
    """The ways worth trying with so many rows."""
    return {name: fit for name, fit in HEADS.items() if name != ("linear+kernel" if rows > _KERNEL_UP_TO else "linear+words")}


def softmax(scores: Shares) -> Shares:
    """Each row's scores as shares of one."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
