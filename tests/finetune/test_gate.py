"""What the gate lets through, and what it stops."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.gate import ABSTAINS, DRIFTS, FEWEST_HELD, FEWEST_ROWS, FORGETS, INVENTS, LOOPS, Evaluation, gate
from finetune.said import retold, said

GOOD = Evaluation(
    rows=400,
    held=60,
    difference=0.2,
    interval=(0.1, 0.3),
    tuned_f1=0.6,
    prompt_f1=0.4,
    languages={"en": (0.6, 0.4), "zh": (0.6, 0.4)},
    general=(0.5, 0.5),
    refusals=(0.9, 0.9),
    invented=(0.02, 0.02),
)


def test_a_better_adapter_passes_and_says_what_was_shown():
    verdict = gate(GOOD)
    assert verdict.passed
    assert verdict.to_json()["gate"] == "pass"
    assert "0.200" in verdict.why[0]


BAD = {
    "trained on shuffled answers": ({"difference": -0.3, "interval": (-0.4, -0.2), "tuned_f1": 0.1}, "the best prompt is better"),
    "the prompt really is better": ({"difference": -0.02, "interval": (-0.1, 0.05)}, "the best prompt is better"),
    "not shown to be better": ({"difference": 0.03, "interval": (-0.01, 0.07)}, "not shown to be better"),
    "five rows": ({"rows": 5}, "5 rows"),
    "too few conversations": ({"held": 3}, "3 held-out conversations"),
    "one language forgotten": ({"languages": {"en": (0.9, 0.4), "zh": (0.1, 0.4)}}, "replies in zh got worse"),
    "refusals forgotten": ({"refusals": (0.1, 0.9)}, "refuses 10%"),
    "forgot the rest": ({"general": (0.2, 0.5)}, "it forgot"),
    "wrong base": ({"same_base": False}, "another base model"),
    "wrong template": ({"same_template": False}, "another chat template"),
    "NaN weights": ({"finite": False}, "not all finite"),
    "does nothing": ({"changed": 0.0, "difference": 0.0, "interval": (0.0, 0.0)}, "changes no reply"),
    "invents figures": ({"invented": (0.4, 0.02)}, "figures that the evidence does not hold"),
    "repeats itself": ({"loops": 0.5}, "repeat themselves"),
    "saw the evaluation": ({"leaks": 3}, "3 held-out examples"),
    "not a number": ({"difference": math.nan}, "not a number"),
}


@pytest.mark.parametrize(("changes", "said"), BAD.values(), ids=BAD)
def test_a_bad_adapter_is_stopped_with_the_reason(changes: dict[str, object], said: str):
    verdict = gate(replace(GOOD, **changes))
    assert not verdict.passed
    assert said in "; ".join(verdict.why)


def test_a_loss_within_chance_stops_nothing_and_one_that_is_shown_or_large_does():
    little = replace(GOOD, general=(0.43, 0.5), highest={"general": 0.02})
    assert gate(little).passed
    assert "it forgot" in gate(replace(little, highest={"general": -0.01})).why[0]
    assert "it forgot" in gate(replace(little, general=(0.39, 0.5))).why[0]


share = st.floats(0, 1)
pair = st.tuples(share, share)
measured = st.builds(
    Evaluation,
    rows=st.integers(0, 5000),
    held=st.integers(0, 500),
    difference=st.floats(-1, 1),
    interval=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    tuned_f1=share,
    prompt_f1=share,
    languages=st.dictionaries(st.sampled_from(["en", "zh", "other"]), pair),
    general=st.none() | pair,
    refusals=st.none() | pair,
    highest=st.dictionaries(st.sampled_from(["en", "zh", "other", "general", "refusals"]), st.floats(-1, 1)),
    invented=pair,
    loops=share,
    changed=share,
    finite=st.booleans(),
    same_base=st.booleans(),
    same_template=st.booleans(),
    leaks=st.integers(0, 3),
)


@given(measured)
def test_whatever_passes_is_better_and_no_worse_anywhere(found: Evaluation):
    verdict = gate(found)
    assert verdict.why
    if verdict.passed:
        assert found.interval[0] > 0
        assert found.rows >= FEWEST_ROWS
        assert found.held >= FEWEST_HELD
        assert all((found.finite, found.same_base, found.same_template, found.changed))
        assert found.leaks == 0
        lost = [(name, *both, DRIFTS) for name, both in found.languages.items()]
        lost += [("general", *found.general, FORGETS)] if found.general else []
        lost += [("refusals", *found.refusals, ABSTAINS)] if found.refusals else []
        for name, tuned, before, allowed in lost:
            assert tuned >= before - 2 * allowed
            assert tuned >= before - allowed or found.highest[name] >= 0
        assert found.invented[0] <= found.invented[1] + INVENTS
        assert found.loops <= LOOPS


@given(
    measured, st.sampled_from(["difference", "tuned_f1", "prompt_f1", "loops", "changed"]), st.sampled_from([math.nan, math.inf, -math.inf])
)
def test_nothing_that_is_not_a_number_passes(found: Evaluation, name: str, value: float):
    assert not gate(replace(found, **{name: value})).passed


@given(measured, st.floats(0, 0.5))
def test_being_better_never_fails_what_passed(found: Evaluation, more: float):
    low, high = found.interval
    better = replace(found, difference=found.difference + more, interval=(low + more, high + more))
    assert not gate(found).passed or gate(better).passed


def test_one_row_is_no_rows():
    told = said("few_rows", rows=1, least=40)
    assert told == "it learned from 1 row; at least 40 are needed"
    assert retold([told.to_json()], "en") == [told]
    assert said("few_rows", rows=21, least=40) == "it learned from 21 rows; at least 40 are needed"
