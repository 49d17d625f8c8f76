"""What every embedder must keep to, run on the fake and on the real model that the product ships with."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.embed import Embedder, HashEmbedder
from knowledge.probe import measure
from tests.models import minilm
from tests.threads import in_threads

OPEN: dict[str, Callable[[], Embedder]] = {"hash": HashEmbedder, "minilm": minilm}
TEXTS = ["When do I get my refund?", "退货运费由谁承担？", "Nova S5 多少钱", "", "?", "\0\x1b", "word " * 3000, "退" * 3000]


@pytest.fixture(scope="session", params=OPEN)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return OPEN[request.param]()


def test_it_is_an_embedder(embedder: Embedder):
    assert isinstance(embedder, Embedder)
    assert embedder.name
    assert embedder.dimension > 0
    assert embedder.window > 2


def test_every_text_is_a_row_of_length_one(embedder: Embedder):
    for vectors in (embedder.documents(TEXTS), embedder.queries(TEXTS)):
        assert vectors.shape == (len(TEXTS), embedder.dimension)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-4)


def test_no_texts(embedder: Embedder):
    assert embedder.documents([]).shape == embedder.queries([]).shape == (0, embedder.dimension)
    assert embedder.count([]) == []


def test_the_same_text_is_the_same_alone_and_among_others(embedder: Embedder):
    together = embedder.documents(TEXTS)
    for number in (0, 1, 3):
        assert embedder.documents([TEXTS[number]])[0] == pytest.approx(together[number], abs=1e-4)


def test_alike_is_nearer_than_unlike(embedder: Embedder):
    query = embedder.queries(["when is my refund paid"])[0]
    refund, printer = embedder.documents(["Your refund is paid within five days.", "The printer needs new ink."])
    assert query @ refund > query @ printer


def test_tokens_are_counted_without_the_special_ones(embedder: Embedder):
    assert embedder.count(["", "word", "word please"]) == [0, 1, 2]
    assert embedder.count(["word " * 3000]) == [3000]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_counted_and_embedded(embedder: Embedder, one: str, other: str):
    counts = embedder.count([one, other])
    assert all(number >= 0 for number in counts)
    assert embedder.count([f"{one} {other}"])[0] >= max(counts)
    assert np.isfinite(embedder.queries([one])).all()


def test_trust_is_a_share_in_each_language(embedder: Embedder):
    trust = measure(embedder)
    assert trust.keys() == {"en", "zh"}
    assert all(0 <= share <= 1 for share in trust.values())


def test_threads_at_once_get_the_same(embedder: Embedder):
    alone = embedder.queries(TEXTS[:3])
    assert all(np.allclose(np.asarray(found), alone, atol=1e-4) for found in in_threads(lambda _: embedder.queries(TEXTS[:3]), 4))
