import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.paired import best, difference

SCORES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=30)


@given(SCORES)
def test_the_interval_holds_the_mean_and_turns_with_the_sides(rows: list[tuple[float, float, int]]):
    first, second, groups = map(list, zip(*rows, strict=True))
    found, turned = difference(first, second, groups), difference(second, first, groups)
    assert found.low - 1e-9 <= found.high
    assert found.mean == pytest.approx(sum(b - a for a, b, _ in rows) / len(rows), abs=1e-9)
    assert turned.mean == pytest.approx(-found.mean, abs=1e-9)
    assert difference(first, first, groups).low == 0


def test_what_is_better_is_found_and_what_is_luck_is_not():
    luck = random.Random(3)
    base = [luck.random() for _ in range(200)]
    same = [luck.random() for _ in base]
    better = [min(1.0, value + 0.2 * luck.random()) for value in base]
    chosen, found = best({"base": base, "same": same, "better": better}, range(200))
    assert chosen == "better"
    assert found["better"].low > 0
    assert best({"base": base, "same": same}, range(200))[0] == "base"
    assert best({"base": base}, range(200))[0] == "base"


def test_rows_of_one_conversation_count_as_one():
    first, second = [0.0] * 20, [1.0] * 10 + [0.0] * 10
    assert difference(first, second, range(20)).better
    assert not difference(first, second, [0] * 10 + [1] * 10).better


@pytest.mark.parametrize(("first", "groups"), [([], []), ([1.0], [1, 2])])
def test_rows_that_do_not_pair(first: list[float], groups: list[int]):
    with pytest.raises(ValueError, match="allowed"):
        difference(first, first, groups)
