"""The policy's history in the database, on each kind of database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import Engine, create_engine

from bot.errors import BadPolicy, PolicyChanged
from bot.policies import FRESH_S, PolicyStore, Remembered
from bot.policy import Policy
from bot.tables import metadata
from tests.bot.climbing import VirtualClock
from tests.databases import address, engine, postgresql

__all__ = ["address", "engine", "postgresql"]

INITIAL = Policy("hosted")


@pytest.fixture
def policies(engine: Engine) -> PolicyStore:
    return PolicyStore(engine, INITIAL)


def test_until_the_first_change_the_initial_policy_is_in_force(policies: PolicyStore):
    assert policies.load() == INITIAL
    assert policies.history() == []


def test_a_change_is_kept_with_who_made_it_and_why(policies: PolicyStore):
    one = policies.update({"ladder": ["vllm"]}, "anna", "vllm is up")
    two = policies.update(lambda policy: replace(policy, default="vllm"), "ben", "it is better")
    assert (one.version, one.default, one.ladder) == (1, "hosted", ("vllm",))
    assert (two.version, two.default, two.ladder) == (2, "vllm", ("vllm",))
    assert policies.load() == two
    assert [(entry.policy, entry.author, entry.why) for entry in policies.history()] == [
        (two, "ben", "it is better"),
        (one, "anna", "vllm is up"),
    ]
    assert policies.history(1)[0].policy == two


def test_a_change_of_what_is_no_longer_in_force_is_refused(policies: PolicyStore):
    seen = policies.newest().version
    policies.update({"default": "vllm"}, "anna", "first", expected=seen)
    with pytest.raises(PolicyChanged, match="at version 1, not 0"):
        policies.update({"default": "local"}, "ben", "second", expected=seen)
    assert policies.newest().default == "vllm"


def test_of_two_changes_at_once_one_wins_and_the_other_is_told(policies: PolicyStore):
    start = Barrier(8)

    def change(number: int) -> bool:
        start.wait()
        try:
            policies.update({"default": f"b{number}"}, "anna", "a race", expected=0)
        except PolicyChanged:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(change, range(8)))
    assert sum(won) == 1
    assert policies.newest().default == f"b{won.index(True)}"
    assert len(policies.history()) == 1


def test_a_rollback_brings_back_an_earlier_version_as_a_new_one(policies: PolicyStore):
    for name in ("a", "b", "c"):
        policies.update({"default": name}, "anna", name)
    assert policies.rollback("ben", "c is bad").default == "b"
    assert policies.rollback("ben", "b is bad too", to=1).default == "a"
    assert policies.rollback("ben", "back to the settings", to=0) == replace(INITIAL, version=6)
    assert [entry.policy.default for entry in policies.history()] == ["hosted", "a", "b", "c", "b", "a"]


@pytest.mark.parametrize("to", [-1, 1, 7])
def test_only_what_was_there_can_be_brought_back(policies: PolicyStore, to: int):
    with pytest.raises(BadPolicy, match="cannot be brought back; allowed: none"):
        policies.rollback("anna", "why not", to)
    policies.update({"default": "a"}, "anna", "a")
    with pytest.raises(BadPolicy, match="allowed: 0 to 0"):
        policies.rollback("anna", "why not", to)


@pytest.mark.parametrize(("author", "why"), [("", "x"), ("anna", "  "), ("anna", "x" * 1001)])
def test_nobody_and_no_reason_change_nothing(policies: PolicyStore, author: str, why: str):
    with pytest.raises(BadPolicy, match="allowed: 1 to 1000 characters"):
        policies.update({"default": "a"}, author, why)


def test_a_policy_that_cannot_be_is_not_kept(policies: PolicyStore):
    with pytest.raises(BadPolicy, match="allowed: 0 to 1"):
        policies.update({"canary": {"backend": "x", "share": 3}}, "anna", "more")
    assert policies.history() == []


def test_another_processs_change_is_seen_within_half_a_second(engine: Engine):
    clock = VirtualClock()
    here, there = PolicyStore(engine, INITIAL, clock.now), PolicyStore(engine, INITIAL)
    assert here.load() == INITIAL
    there.update({"default": "vllm"}, "anna", "swap")
    clock.advance(FRESH_S)
    assert here.load().default == "vllm"


def test_what_was_read_last_holds_while_the_database_cannot_be_read():
    clock, answers = VirtualClock(), iter([1, OSError("locked"), 2])

    def read() -> int:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    remembered = Remembered(read, clock.now)
    assert remembered.get() == remembered.get() == 1
    clock.advance(1)
    assert remembered.get() == 1
    clock.advance(1)
    assert remembered.get() == 2


class Histories(RuleBasedStateMachine):
    """Any sequence of changes and rollbacks leaves a history that only grew, the newest in force."""

    def __init__(self) -> None:
        super().__init__()
        engine = create_engine("sqlite://")
        metadata.create_all(engine)
        self.policies = PolicyStore(engine, INITIAL)
        self.model = [INITIAL.default]

    @rule(name=st.sampled_from(["a", "b", "c"]), behind=st.integers(0, 2))
    def change(self, name: str, behind: int) -> None:
        expected = len(self.model) - 1 - behind
        try:
            self.policies.update({"default": name}, "anna", "why", expected)
        except PolicyChanged:
            assert behind
        else:
            assert not behind
            self.model.append(name)

    @rule(to=st.integers(0, 5))
    def roll_back(self, to: int) -> None:
        try:
            self.policies.rollback("anna", "why", to)
        except BadPolicy:
            assert to >= len(self.model) - 1
        else:
            self.model.append(self.model[to])

    @invariant()
    def the_newest_is_in_force(self) -> None:
        assert [entry.policy.default for entry in self.policies.history()] == self.model[:0:-1]
        assert (self.policies.load().default, self.policies.load().version) == (self.model[-1], len(self.model) - 1)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
