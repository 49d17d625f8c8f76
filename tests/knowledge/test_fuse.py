from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.fuse import Legs, Weights, fuse, trusted

SHARE = st.floats(0, 1, width=32)
COSINE = st.floats(-1, 1, width=32)
NAMES = ("keyword", "coverage", "title", "chunk", "sentence")


def legs(values: tuple[float, ...]) -> Legs:
    return Legs(*(np.asarray([value], dtype=np.float32) for value in values))


FIVE = st.tuples(SHARE, SHARE, SHARE, COSINE, COSINE)


@given(FIVE, st.floats(0, 2))
def test_always_from_0_to_1(values: tuple[float, ...], trust: float):
    assert 0 <= fuse(legs(values), trust)[0] <= 1


@given(FIVE, st.sampled_from(NAMES), SHARE, SHARE)
def test_more_of_any_leg_is_never_worse(values: tuple[float, ...], name: str, trust: float, more: float):
    before = legs(values)
    raised = np.maximum(getattr(before, name), np.float32(more))
    assert fuse(replace(before, **{name: raised}), trust)[0] >= fuse(before, trust)[0] - 1e-6


@given(FIVE, FIVE)
def test_without_trust_the_vectors_have_no_say(values: tuple[float, ...], others: tuple[float, ...]):
    assert fuse(legs(values), 0.0) == fuse(legs((*values[:3], *others[3:])), 0.0)
    words = legs(values)
    assert fuse(words, 0.0) == fuse(replace(words, chunk=None, sentence=None), 1.0)


def test_by_hand():
    weights = Weights(dense=0.6, sentence=0.5, coverage=0.3, title=0.2)
    lexical = 0.5 * 0.8 + 0.3 * 0.5 + 0.2 * 0.5**2
    dense = 0.5 * 0.9 + 0.5 * 0.7
    values = (0.8, 0.5, 0.5, 0.9, 0.7)
    assert fuse(legs(values), 1.0, weights)[0] == pytest.approx(0.6 * dense + 0.4 * lexical, rel=1e-5)
    assert fuse(legs(values), 0.5, weights)[0] == pytest.approx(0.3 * dense + 0.7 * lexical, rel=1e-5)
    assert fuse(legs(values), 9.0, weights)[0] == fuse(legs(values), 1.0, weights)[0]


@pytest.mark.parametrize("bad", [{"dense": 1.1}, {"sentence": -0.1}, {"coverage": 0.9, "title": 0.2}])
def test_weights_are_shares(bad: dict[str, float]):
    with pytest.raises(ValueError, match="allowed"):
        Weights(**bad)


def test_a_language_that_was_not_measured_counts_as_half_of_english():
    assert trusted({"en": 0.8, "zh": 0.1}, "zh") == 0.1
    assert trusted({"en": 0.8}, "other") == 0.4
    assert trusted({}, "other") == 0
