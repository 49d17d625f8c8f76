"""What is held in memory answers as the store does."""

import numpy as np
import pytest

from knowledge import nearest, vectors
from knowledge.embed import HashEmbedder, Vectors
from knowledge.nearest import Nearest
from knowledge.store import MemoryStore
from knowledge.vectors import CollectionVectors
from tests.knowledge.shelf import piece

SHOP = tuple(
    piece(f"c{number}", f"Refund {number} takes {number} days. Cards {number % 3} take longer.", "Refunds") for number in range(30)
)
TRUST = {"en": 1.0}


class CountingStore(MemoryStore):
    """Notes which vectors were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def fetch(self, space: str, ids: list[str]) -> dict[str, Vectors]:  # type: ignore[override]
        self.read += ids
        return super().fetch(space, ids)


def stored() -> tuple[CountingStore, CollectionVectors]:
    store = CountingStore()
    made = CollectionVectors(store, HashEmbedder(), "shop")
    made.add(SHOP, TRUST)
    return store, made


@pytest.mark.parametrize("n", [1, 7, 200])
def test_it_answers_as_the_store(n: int):
    _, made = stored()
    held = made.held(SHOP)
    assert held
    vector = HashEmbedder().queries(["Cards take 3 days longer"])[0]
    for ours, theirs in zip(held.near(vector, n), made.near(vector, n), strict=True):
        assert sorted(ours.values()) == pytest.approx(sorted(theirs.values()), abs=1e-6)
        assert list(ours.values()) == sorted(ours.values(), reverse=True)
    ours, theirs = held.cosines(vector, SHOP[:5]), made.cosines(vector, SHOP[:5])
    assert ours.keys() == theirs.keys()
    assert all(ours[id_] == pytest.approx(theirs[id_], abs=1e-6) for id_ in ours)


def test_what_has_no_vector_has_no_cosine():
    empty = Nearest({}, {}, 256)
    vector = np.zeros(256, dtype=np.float32)
    assert empty.near(vector, 5) == ({}, {})
    assert empty.cosines(vector, SHOP[:1]) == {"c0": [None, None]}


def test_only_what_is_new_is_read_again():
    store, made = stored()
    before = made.held(SHOP[:29])
    store.read.clear()
    after = made.held(SHOP[1:], before)
    assert store.read == ["c29", "c29.0", "c29.1"]
    assert after
    assert after.chunk("c0") is None
    assert np.array_equal(after.sentence("c29.1"), store.fetch(made.sentences, ["c29.1"])["c29.1"])


def test_what_is_too_much_for_memory_stays_in_the_store(monkeypatch: pytest.MonkeyPatch):
    _, made = stored()
    monkeypatch.setattr(vectors, "MOST", 89)
    assert nearest.MOST > 89
    assert made.held(SHOP) is None
    assert made.held(SHOP[:29])
