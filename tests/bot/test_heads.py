"""The heads' own arithmetic against scikit-learn's."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from bot.heads import HEADS, LinearWithKernel, _kinds, _Words, heads, scoring
from knowledge.embed import HashEmbedder

TEXTS = [
    "where is my order",
    "cancel my order",
    "退货 运费 谁 付",
    "I want a refund, now!",
    "refund please",
    "how much is it",
    "多少钱",
    "a price?",
]
ASKED = [*TEXTS, "", "?", "nothing of this", "ORDER order refund 退货多少钱"]


@pytest.mark.parametrize("targets", [[0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1, 1, 1]])
def test_scores_are_the_librarys(targets: list[int]):
    vectors = HashEmbedder().documents(TEXTS)
    model = LogisticRegression(C=30).fit(vectors, targets)
    asked = HashEmbedder().documents(ASKED)
    assert scoring(model)(asked) == pytest.approx(model.predict_proba(asked), abs=1e-6)


@pytest.mark.parametrize("targets", [[0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1, 1, 1]])
def test_margins_of_words_are_the_librarys(targets: list[int]):
    kinds = (
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
    model = make_pipeline(make_union(*kinds), LinearSVC(C=0.5)).fit(TEXTS, targets)
    svm = model[-1]
    words, pieces = np.split(svm.coef_, [len(kinds[0].vocabulary_)], axis=1)
    ours = [_Words(kinds[0], words).margins(text) + _Words(kinds[1], pieces).margins(text) + svm.intercept_ for text in ASKED]
    theirs = np.asarray(model.decision_function(ASKED)).reshape(len(ASKED), -1)
    assert np.stack(ours) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("targets", [[0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1, 1, 1]])
def test_votes_of_likeness_are_the_librarys(targets: list[int]):
    vectors, asked = HashEmbedder().documents(TEXTS), HashEmbedder().documents(ASKED)
    terms = [kind.fit(TEXTS) for kind in _kinds()]

    def alike(texts: list[str], of: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        shared = sum((kind.transform(texts) @ kind.transform(TEXTS).T).toarray() for kind in terms)
        return np.exp(-4 * (1 - of @ vectors.T)) + 0.2 * shared

    votes = np.eye(max(targets) + 1)[targets]
    model = KernelRidge(alpha=0.1, kernel="precomputed").fit(alike(TEXTS, vectors), votes - votes.mean(axis=0))
    head = LinearWithKernel(TEXTS, vectors, np.asarray(targets, dtype=np.intp))
    assert head.votes(ASKED, asked) == pytest.approx(model.predict(alike(ASKED, asked)), abs=1e-5)


@pytest.mark.parametrize("name", ["linear+kernel", "linear+words"])
@pytest.mark.parametrize("targets", [[0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 1, 1, 1]])
def test_shares_add_up(name: str, targets: list[int]):
    vectors = HashEmbedder().documents(TEXTS)
    head = HEADS[name](TEXTS, vectors, np.asarray(targets, dtype=np.intp))
    shares = head.shares(ASKED, HashEmbedder().documents(ASKED))
    assert shares.sum(axis=1) == pytest.approx(1)
    assert shares[: len(TEXTS)].argmax(axis=1).tolist() == targets


def test_what_grows_with_the_square_of_the_rows_is_for_few_of_them():
    assert "linear+kernel" in heads(3000)
    assert "linear+kernel" not in heads(3001)
    assert set(heads(3000)) | set(heads(3001)) == set(HEADS)
