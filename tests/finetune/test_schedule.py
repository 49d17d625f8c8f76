"""Steps, rates and the end of a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.config import config
from finetune.schedule import Best, plan, rate_share


@given(st.integers(1, 3000), st.floats(0, 1))
def test_the_rate_rises_then_falls_and_stays_between_0_and_1(steps: int, warmup: float):
    shares = [rate_share(step, steps, warmup) for step in range(steps)]
    assert all(0 < share <= 1 for share in shares)
    top = shares.index(max(shares))
    assert shares[:top] == sorted(shares[:top])
    assert shares[top:] == sorted(shares[top:], reverse=True)


@pytest.mark.parametrize(
    ("options", "rows", "steps", "per_epoch", "every"),
    [
        ({"epochs": 3, "batch": 4, "accumulation": 4}, 100, 21, 7, 3),
        ({"epochs": 0.5, "batch": 4, "accumulation": 4}, 100, 4, 7, 1),
        ({"steps": 5, "batch": 4, "accumulation": 1}, 100, 5, 25, 1),
        ({"epochs": 0.001}, 1, 1, 1, 1),
    ],
)
def test_the_plan_counts_steps(options: dict[str, float], rows: int, steps: int, per_epoch: int, every: int):
    made = plan(config(**options), rows)
    assert (made.steps, made.per_epoch, made.evaluate_every) == (steps, per_epoch, every)
    assert made.looks(made.steps)
    assert made.place(per_epoch + 2)[0] >= 1


def test_the_best_is_remembered_and_what_is_no_better_counted():
    best = Best()
    for step, loss in enumerate([3.0, 2.0, 2.0, 2.5], 1):
        best = best.seen(loss, step)
    assert best == Best(2.0, 2, 2)
    assert best.seen(1.0, 9) == Best(1.0, 9, 0)
