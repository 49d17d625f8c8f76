"""Which examples a prompt shows: like the question, unlike each other, of all kinds, within a budget. Pure functions over vectors."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bot.alike import meant
from bot.messages import Example
from knowledge.embed import Embedder, Vectors

LEXICAL = 0.4  # of a similarity, what shared words make; the rest is the embedding's cosine
FLOOR = 0.25  # similarity under which an example has nothing to do with the question and would only distract
LIKE, BALANCE = 0.7, 0.1  # what likeness to the question counts beside diversity; what each chosen example of the same intent costs
_PLACES = 512  # of the hashed words
_ROUNDS = 25
_LOOKED_AT = 64  # examples most like the question among which diversity and balance choose

Floats = NDArray[np.float32]


def vectors_of(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """A row of length one for each text: its embedding beside its words, so that one product weighs meaning and wording together.

    Model numbers and product names are what an embedding blurs, and an English model knows no Chinese words: the words tell them apart.
    """
    return beside_words(texts, np.asarray(embedder.queries(list(texts)), dtype=np.float32))


def beside_words(texts: Sequence[str], embeddings: Floats) -> Vectors:
    """The same of texts whose embeddings, a row each, are there."""
    worded = np.zeros((len(texts), _PLACES), dtype=np.float32)
    for row, text in enumerate(texts):
        for term in meant(text):
            digest = int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")
            worded[row, digest % _PLACES] += 1 if digest >> 63 else -1
    worded /= np.maximum(np.linalg.norm(worded, axis=1, keepdims=True), 1e-9)
    dense = embeddings.reshape(len(texts), -1)
    return np.hstack([np.sqrt(1 - LEXICAL) * dense, np.sqrt(LEXICAL) * worded]).astype(np.float32)


def meaning(vectors: Floats) -> Floats:
    """The embeddings alone out of such vectors, rows of length one."""
    dense: Floats = vectors[..., :-_PLACES] / np.float32(np.sqrt(1 - LEXICAL))
    return dense


def choose_examples(
    question: Floats, approved: Sequence[Example], vectors: Vectors, budget_tokens: int, count: int, *, size: Callable[[Example], int]
) -> tuple[Example, ...]:
    """At most `count` examples that together have at most `budget_tokens`, the most fitting first.

    Maximal marginal relevance (Carbonell and Goldstein 1998): likeness to the question less likeness to the nearest one chosen, less a
    share for each chosen one of the same intent. question: shape (d,). vectors: shape (n, d), of the examples' questions.
    size: an example's tokens. One that is too long is passed over.
    """
    if not approved or count < 1:
        return ()
    like = vectors @ question
    left = [n for n in np.argsort(-like, kind="stable").tolist() if like[n] >= FLOOR][: max(_LOOKED_AT, 2 * count)]
    nearest = dict.fromkeys(left, 0.0)  # likeness to the most similar one chosen
    chosen: list[int] = []
    intents: Counter[str] = Counter()
    while left and len(chosen) < count:
        best = max(left, key=lambda n: LIKE * like[n] - (1 - LIKE) * nearest[n] - BALANCE * intents[approved[n].intent])
        left.remove(best)
        if size(approved[best]) > budget_tokens:
            continue
        budget_tokens -= size(approved[best])
        chosen.append(best)
        nearest |= {n: max(nearest[n], float(vectors[n] @ vectors[best])) for n in left}
        intents[approved[best].intent] += 1
    return tuple(approved[n] for n in sorted(chosen, key=lambda n: -like[n]))


def clustered(approved: Sequence[Example], vectors: Vectors, count: int) -> tuple[Example, ...]:
    """One example with worked reasoning from each of `count` clusters of questions (Zhang et al. 2022, "Automatic chain of thought").

    Of each cluster the one next to its middle that has reasoning; a cluster without one gives none. The largest cluster comes first.
    """
    if not approved or count < 1:
        return ()
    labels, middles = _clusters(vectors, min(count, len(approved)))
    found = []
    for label, _ in Counter(labels.tolist()).most_common():
        inside = [n for n in np.flatnonzero(labels == label).tolist() if approved[n].reasoning]
        if inside:
            found.append(approved[max(inside, key=lambda n: float(vectors[n] @ middles[label]))])
    return tuple(found)


def _clusters(vectors: Vectors, count: int) -> tuple[NDArray[np.int64], Floats]:
    """k-means by cosine: (a cluster for each row, the clusters' middles). Started from points far from each other, so always the same."""
    middles = [vectors[0]]
    for _ in range(count - 1):
        middles.append(vectors[int(np.argmin(np.max(vectors @ np.stack(middles).T, axis=1)))])
    centres = np.stack(middles)
    labels = np.argmax(vectors @ centres.T, axis=1)
    for _ in range(_ROUNDS):
        for label in set(labels.tolist()):
            centre = vectors[labels == label].mean(axis=0)
            centres[label] = centre / max(float(np.linalg.norm(centre)), 1e-9)
        now = np.argmax(vectors @ centres.T, axis=1)
        if np.array_equal(now, labels):
            break
        labels = now
    return labels, centres
