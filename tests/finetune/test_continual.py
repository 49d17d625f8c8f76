"""When training again is proposed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.examples import Pool, side
from bot.messages import Example
from finetune.continual import Retraining, retraining
from tests.finetune.adapting import adapter
from tests.finetune.test_registry import opened


@given(new=st.integers(0, 1000), after=st.integers(0, 1000), last=st.sampled_from(["", "r1"]), erased=st.sampled_from([(), ("r1",)]))
def test_due_for_enough_that_is_new_or_for_what_was_erased(new: int, after: int, last: str, erased: tuple[str, ...]):
    found = Retraining(new, after, last, erased)
    assert found.due == bool(erased or (last and after and new >= after))
    assert found.to_json()["due"] == bool(found.to_json()["reasons"])


@pytest.fixture
def trains() -> list[str]:
    return [name for name in map(str, range(99)) if side(name) == "train"]


def test_what_was_approved_since_the_newest_adapter_counts(tmp_path: Path, trains: list[str]):
    engine, _, registry = opened()
    pool = Pool(engine)
    things = ("lamp", "piano", "kettle", "bicycle", "tent", "mirror")
    new = [Example("", f"How heavy is the {name}?", f"Quite, for a {name}.", customer=trains[at]) for at, name in enumerate(things)]
    for example in new[:3]:
        pool.approve(pool.add(example).example.id, "lena")
    assert retraining(pool, registry, [], 2).to_json() == {
        "due": False, "new": 3, "after": 2, "last": None, "erased": [], "reasons": [],
    }  # fmt: skip
    registry.register("r1", adapter(tmp_path / "r1"), ["talk"])
    assert (retraining(pool, registry, [], 2).new, retraining(pool, registry, [], 2).due) == (0, False)
    for example in new[3:5]:
        pool.approve(pool.add(example).example.id, "lena")
    due = retraining(pool, registry, [], 2)
    assert (due.due, due.new, due.last) == (True, 2, "r1")
    assert "2 examples were approved since r1 was trained" in due.reasons[0]
    assert not retraining(pool, registry, [], 3).due
    assert not retraining(pool, registry, [], 0).due
    registry.erased(["talk"])
    assert not retraining(pool, registry, [], 0).due  # it answers nobody
    assert "r1 answers, and learned from a customer who was erased" in retraining(pool, registry, ["r1"], 0).reasons[0]
    engine.dispose()
