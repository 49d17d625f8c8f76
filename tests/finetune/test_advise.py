"""The decision tree."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.advise import GOOD, Situation, advise, extrapolated
from finetune.said import label, retold
from finetune.tree import picture


@pytest.mark.parametrize(
    ("now", "advice", "said"),
    [
        (Situation(50, prompt=0.85), "prompt", "good enough"),
        (Situation(5000, prompt=0.85, narrow=True, gpu=True), "prompt", "good enough"),
        (Situation(50, strong=True, may_leave=True), "prompt", "show it examples"),
        (Situation(50, strong=True), "collect", "may not leave the house"),
        (Situation(50), "collect", "a dilemma"),
        (Situation(300), "collect", "may or may not be enough"),
        (Situation(500, prompt=0.4), "adapter", "500 rows are enough"),
        (Situation(1500, prompt=0.4, narrow=True, gpu=True), "full", "full tuning can pay"),
        (Situation(1500, prompt=0.4, narrow=True), "adapter", "no GPU"),
        (Situation(1500, prompt=0.4, gpu=True), "adapter", "prompt and adapter go together"),
        (Situation(60, prompt=0.4, difference=0.2, interval=(0.1, 0.3)), "adapter", "measured"),
        (Situation(60, prompt=0.4, difference=0.2, interval=(0.1, 0.3), stopped=True), "collect", "the gate stopped it"),
        (Situation(900, prompt=0.4, difference=0.2, interval=(0.1, 0.3), stopped=True), "prompt", "the gate stopped it"),
        (Situation(900, prompt=0.4, difference=-0.2, interval=(-0.3, -0.1)), "prompt", "the prompt is better"),
        (Situation(900, prompt=0.4, difference=0.0, interval=(-0.1, 0.1)), "prompt", "not shown to be better"),
        (Situation(300, prompt=0.4, difference=0.0, interval=(-0.1, 0.1)), "collect", "neither is shown"),
    ],
)
def test_the_tree(now: Situation, advice: str, said: str):
    found = advise(now)
    assert found.advice == advice
    assert said in "; ".join(found.reasons)


share = st.floats(0, 1)
situations = st.builds(
    Situation,
    rows=st.integers(0, 20_000),
    narrow=st.booleans(),
    strong=st.booleans(),
    may_leave=st.booleans(),
    prompt=st.none() | share,
    difference=st.none() | st.floats(-1, 1),
    interval=st.none() | st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(lambda pair: (min(pair), max(pair))),
    stopped=st.booleans(),
    curve=st.lists(st.tuples(st.integers(1, 5000), share), max_size=6).filter(lambda points: len({n for n, _ in points}) != 1).map(tuple),
    gpu=st.booleans(),
    prompt_ms=st.none() | st.floats(1, 1e5),
    tuned_ms=st.none() | st.floats(1, 1e5),
)


@given(situations)
def test_there_is_always_one_advice_with_reasons_and_a_picture(now: Situation):
    found = advise(now)
    assert found.reasons
    for language in ("en", "zh"):
        svg = picture(found.path, found.advice, language)
        assert svg.startswith("<svg") and svg.endswith("</svg>")  # noqa: PT018
        assert svg.count("#0b7a75") >= len(found.path)
        assert label(f"advice_{found.advice}", language) in svg


@given(situations)
def test_the_reasons_can_be_said_in_every_language(now: Situation):
    found = advise(now)
    for told in (found.reasons, found.changes):
        assert retold([each.to_json() for each in told], "en") == list(told)
        assert len(retold([each.to_json() for each in told], "zh")) == len(told)


def test_a_sentence_that_is_no_longer_known_is_left_out():
    assert retold([["gone", {}], ["few_rows", {"rows": 3}], ["loops", {"loops": 0.5, "allowed": 0.05}]], "en") == [
        "50% of its replies repeat themselves; allowed are 5%"
    ]


@given(situations)
def test_what_was_measured_outranks_the_number_of_rows(now: Situation):
    measured = replace(now, prompt=0.4, difference=0.2, interval=(0.1, 0.3))
    assert (advise(measured).advice in ("adapter", "full")) != now.stopped
    assert advise(replace(measured, difference=-0.2, interval=(-0.3, -0.1))).advice == "prompt"


@given(situations, st.floats(GOOD, 1))
def test_a_good_prompt_stops_there(now: Situation, quality: float):
    assert advise(replace(now, prompt=quality)).advice == "prompt"


@given(situations.filter(lambda now: now.difference is None or now.interval is None), st.integers(0, 5000))
def test_more_rows_never_lead_away_from_tuning(now: Situation, more: int):
    if advise(now).advice in ("adapter", "full"):
        assert advise(replace(now, rows=now.rows + more)).advice in ("adapter", "full")


def test_a_curve_is_read_on_along_the_logarithm():
    curve = [(50, 0.3), (100, 0.4), (200, 0.5)]
    assert extrapolated(curve, 400) == pytest.approx(0.6)
    assert extrapolated(curve, 10**9) == 1.0
    assert "400 rows would bring +0.100" in "; ".join(advise(Situation(200, curve=tuple(curve))).reasons)
    with pytest.raises(ValueError, match="two sizes"):
        extrapolated([(50, 0.3), (50, 0.4)], 100)


def test_how_many_more_examples_help_agrees_with_the_reasons():
    few, some = advise(Situation(40)), advise(Situation(140))
    more, *_ = few.changes
    assert more.startswith("60 more approved examples would make an adapter worth a try, 460 more")
    assert "Collect to 100 rows" in few.reasons[0]
    assert some.changes[0] == "360 more approved examples would make it worth tuning"
