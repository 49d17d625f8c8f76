"""Intervals by resampling conversations."""

import numpy as np
import pytest

from finetune.bootstrap import paired


def test_a_clear_difference_is_clear_and_no_difference_is_not():
    draw = np.random.default_rng(1)
    base = draw.random(300)
    groups = [str(number // 3) for number in range(300)]
    mean, low, high = paired([*(base + 0.2)], [*base], groups)
    assert mean == pytest.approx(0.2)
    assert low == pytest.approx(0.2)
    assert high == pytest.approx(0.2)
    mean, low, high = paired([*draw.random(300)], [*draw.random(300)], groups)
    assert low < 0 < high


def test_replies_of_one_conversation_count_as_one():
    """Ten equal replies of a conversation say no more than one: the interval is that of the conversations."""
    one, other = [0.9, 0.1, 0.8, 0.6], [0.5, 0.3, 0.4, 0.5]
    names = ["a", "b", "c", "d"]
    few = paired(one, other, names)
    many = paired(one * 10, other * 10, names * 10)
    assert many == pytest.approx(few)


def test_it_covers_the_truth_about_as_often_as_it_says():
    draw = np.random.default_rng(2)
    hits = 0
    for _ in range(200):
        per = draw.normal(0.1, 0.2, 40)
        _, low, high = paired([*per], [0.0] * 40, [str(n) for n in range(40)], draws=400)
        hits += low <= 0.1 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_one_conversation_shows_nothing_and_uneven_lists_are_refused():
    assert paired([1.0, 1.0], [0.0, 0.0], ["a", "a"])[1:] == (-1.0, 1.0)
    with pytest.raises(ValueError, match="1, 2 and 1 values"):
        paired([1.0], [1.0, 2.0], ["a"])
