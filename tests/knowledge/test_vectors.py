import numpy as np
import pytest

from knowledge.embed import HashEmbedder
from knowledge.store import MemoryStore
from knowledge.vectors import CollectionVectors, units
from tests.knowledge.shelf import SureEmbedder, piece

BOTH = (piece("a", "Refunds take five days. Cards longer.", "Refunds"), piece("z", "退货需要运费。", "退货", language="zh"))
TRUST = {"en": 1.0, "zh": 1.0}


def made() -> tuple[MemoryStore, CollectionVectors]:
    store = MemoryStore()
    return store, CollectionVectors(store, HashEmbedder(), "shop")


def test_sentences_are_embedded_under_the_nearest_heading_and_fields_under_their_name():
    assert units(piece("a", "One. Two.", "Title", heading=("Fees", "Abroad"))) == ["Abroad: One.", "Abroad: Two."]
    assert units(piece("a", "One.", "Title")) == ["One."]
    assert units(piece("a", "Price: 9", "Title", "record", ("Printers", "Lumen"))) == ["Lumen: Price: 9"]
    assert units(piece("a", "Question? Answer.", "Title", "qa", ("Question?",))) == ["Question?", "Answer."]


def test_only_languages_that_are_trusted_have_vectors():
    store, vectors = made()
    vectors.add(BOTH, {"en": 1.0, "zh": 0.0})
    assert (store.count(vectors.chunks), store.count(vectors.sentences)) == (1, 2)
    assert vectors.missing(BOTH, {"en": 1.0, "zh": 0.0}) == 0
    assert vectors.missing(BOTH, TRUST) == 1
    vectors.add(BOTH, {"en": 0.0, "zh": 0.0})
    assert store.count(vectors.chunks) == 1


def test_near_gives_each_chunk_its_best_sentence():
    _, vectors = made()
    vectors.add(BOTH, TRUST)
    chunks, sentences = vectors.near(HashEmbedder().queries(["Cards longer."])[0], 5)
    assert chunks.keys() == sentences.keys() == {"a", "z"}
    assert sentences["a"] == pytest.approx(1)
    assert sentences["a"] > chunks["a"] > chunks["z"]


def test_cosines_of_every_sentence():
    _, vectors = made()
    vectors.add(BOTH[:1], TRUST)
    vector = HashEmbedder().queries(["Cards longer."])[0]
    found = vectors.cosines(vector, BOTH)
    assert found["a"][1] == pytest.approx(1)
    assert found["a"][0] == pytest.approx(0, abs=0.3)
    assert found["z"] == [None]
    assert vectors.cosines(vector, ()) == {}


def test_deleting_takes_the_sentences_too_and_clearing_all():
    store, vectors = made()
    vectors.add(BOTH, TRUST)
    vectors.delete({"a", "unknown"})
    assert (store.count(vectors.chunks), store.count(vectors.sentences)) == (1, 1)
    vectors.delete(set())
    assert store.count(vectors.chunks) == 1
    vectors.clear()
    assert store.spaces() == []
    assert vectors.near(np.ones(256, dtype=np.float32), 5) == ({}, {})


def test_spaces_of_models_and_collections_never_meet():
    store = MemoryStore()
    old, new = CollectionVectors(store, HashEmbedder(), "shop"), CollectionVectors(store, SureEmbedder({}), "shop")
    other = CollectionVectors(store, HashEmbedder(), "shop2")
    for vectors in (old, new, other):
        vectors.add(BOTH, TRUST)
    new.drop_others()
    assert store.spaces() == sorted([new.chunks, new.sentences, other.chunks, other.sentences])
