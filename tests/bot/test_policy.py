"""`choose`, the whole policy in one pure function."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadPolicy
from bot.policies import policy_from, policy_json
from bot.policy import LAST, Adapter, Asked, Canary, Caps, Health, Limits, Policy, Route, choose, position

NAMES = st.sampled_from([LAST, "hosted", "local", "vllm", "gone"])
OTHERS = st.sampled_from(["hosted", "local", "vllm", "gone"])
CAPS = st.builds(Caps, st.none() | st.integers(1, 3), st.none() | st.integers(0, 100), st.none() | st.floats(0, 9))
ROUTES = st.builds(Route, NAMES, st.sampled_from(["refund", "order"]), st.sampled_from(["", "zh", "en"]))
ADAPTERS = st.builds(Adapter, st.just("tone"), st.text(max_size=20), st.just("0" * 64))
POLICIES = st.builds(
    Policy,
    default=NAMES,
    ladder=st.lists(NAMES, unique=True, max_size=4).map(tuple),
    canary=st.none() | st.builds(Canary, NAMES, st.floats(0, 1)),
    shadow=st.none() | NAMES,
    routes=st.lists(ROUTES, max_size=3).map(tuple),
    limits=st.builds(Limits, retries=st.integers(0, 5), turn_s=st.floats(1, 600)),
    caps=st.dictionaries(OTHERS, CAPS),
    adapters=st.dictionaries(st.just("local"), ADAPTERS),
)
HEALTH = st.builds(Health, st.booleans(), st.integers(0, 4), st.integers(0, 200), st.floats(0, 20))
STATES = st.dictionaries(st.sampled_from(["hosted", "local", "vllm"]), HEALTH).map(lambda state: {LAST: Health(), **state})
TURNS = st.builds(
    Asked, st.text(), st.sampled_from(["zh", "en", "other"]), st.none() | st.sampled_from(["refund", "order"]), st.none() | NAMES
)
WELL = {name: Health() for name in (LAST, "hosted", "local", "vllm")}


@given(POLICIES, STATES, TURNS)
def test_a_plan_always_holds(policy: Policy, state: dict[str, Health], turn: Asked):
    plan = choose(policy, state, turn)
    *upper, last = plan.rungs
    assert last == LAST
    assert LAST not in upper
    assert len(set(upper)) == len(upper)
    assert set(upper) <= set(state)
    for name in upper:
        health, caps = state[name], policy.caps.get(name, Caps())
        assert not health.resting
        assert caps.at_once is None or health.running < caps.at_once
        assert caps.tokens_a_day is None or health.tokens < caps.tokens_a_day
        assert caps.cost_a_day is None or health.cost < caps.cost_a_day
    assert {name for name, _ in plan.passed} & set(plan.rungs) == set()
    assert all(reason.startswith("not asked: ") for _, reason in plan.passed)
    assert plan.shadow in {None, policy.shadow}
    assert plan.shadow != plan.rungs[0]
    assert choose(policy, state, turn) == plan
    if turn.backend:  # nobody but the one who was asked for, and the last rung
        assert set(upper) <= {turn.backend}
    elif upper:  # the order is that of the policy
        order = dict.fromkeys((policy.default, *policy.ladder))
        assert list(upper[1:]) == [name for name in order if name in upper[1:]]


@given(POLICIES)
def test_a_policy_is_the_same_after_json(policy: Policy):
    assert policy_from(policy_json(policy)) == policy


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8), lambda of: st.lists(of, max_size=3), max_leaves=4
)


@given(
    st.dictionaries(
        st.sampled_from(["default", "ladder", "canary", "shadow", "routes", "limits", "caps", "adapters", "version", "other"]),
        JSON | st.dictionaries(st.sampled_from(["backend", "share", "hosted", "turn_s", "at_once"]), JSON),
    )
    | JSON
)
def test_whatever_comes_is_a_policy_or_refused(value: Any):
    with suppress(BadPolicy):
        assert policy_from(policy_json(policy_from(value))) == policy_from(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"canary": {"backend": "x", "share": 1.5}}, "canary.share is 1.5; allowed: 0 to 1"),
        ({"default": "a b"}, r"default is 'a b'; allowed: 1 to 64 letters"),
        ({"defaults": "hosted"}, r"defaults is 'hosted'.*allowed: default, ladder, canary, shadow, routes, limits, caps, adapters"),
        ({"ladder": ["a", "a"]}, "allowed: each backend once"),
        ({"ladder": "a"}, "ladder is 'a': Input should be a valid array"),
        ({"limits": {"turn_s": float("nan")}}, "limits.turn_s is nan; allowed: 0.01 to 600"),
        ({"caps": {LAST: {"at_once": 1}}}, "last rung and always answers"),
        ({"adapters": {"local": {"name": "tone", "folder": "/x", "sha256": "abc"}}}, "allowed: 64 hexadecimal digits"),
        ({"routes": [{"backend": "hosted"}]}, "neither intent nor language"),
        ([], "a JSON object of default"),
    ],
)
def test_a_message_says_what_is_wrong_and_what_is_allowed(value: Any, said: str):
    with pytest.raises(BadPolicy, match=said):
        policy_from(value)


# --- canary


def test_a_canarys_share_is_its_share():
    policy = Policy("hosted", canary=Canary("local", 0.2))
    taken = sum(choose(policy, WELL, Asked(f"conversation-{number}")).rungs[0] == "local" for number in range(5000))
    assert 0.17 < taken / 5000 < 0.23


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_conversation_stays_on_its_side_while_the_share_grows(conversation: str, one: float, other: float):
    small, large = (
        choose(Policy("hosted", canary=Canary("local", share)), WELL, Asked(conversation)).rungs[0] for share in sorted((one, other))
    )
    assert small == "hosted" or large == "local"
    assert 0 <= position("local", conversation) < 1


def test_no_share_is_nobody_and_the_whole_share_is_everybody():
    for share, backend in ((0.0, "hosted"), (1.0, "local")):
        policy = Policy("hosted", canary=Canary("local", share))
        assert {choose(policy, WELL, Asked(str(number))).rungs[0] for number in range(300)} == {backend}


def test_a_canary_that_does_not_answer_is_followed_by_the_default():
    plan = choose(Policy("hosted", ladder=("vllm",), canary=Canary("local", 1)), WELL, Asked("c"))
    assert (plan.rungs, plan.why) == (("local", "hosted", "vllm", LAST), "canary")


# --- routes, and who was asked for


ROUTED = Policy("hosted", routes=(Route("local", "refund", "zh"), Route("vllm", language="zh")), canary=Canary("hosted", 1))


@pytest.mark.parametrize(
    ("turn", "first", "why"),
    [
        (Asked("c", "zh", "refund"), "local", "route for refund zh"),
        (Asked("c", "zh"), "vllm", "route for zh"),
        (Asked("c", "en", "refund"), "hosted", "canary"),
        (Asked("c", "zh", "refund", backend="hosted"), "hosted", "asked for"),
    ],
)
def test_the_first_route_that_fits_wins_and_who_is_asked_for_wins_over_all(turn: Asked, first: str, why: str):
    plan = choose(ROUTED, WELL, turn)
    assert (plan.rungs[0], plan.why) == (first, why)


def test_the_extractive_backend_asked_for_is_asked_alone():
    assert choose(Policy("hosted"), WELL, Asked("c", backend=LAST)).rungs == (LAST,)
    assert choose(Policy(ladder=("hosted",)), WELL, Asked("c")).rungs == (LAST,)


# --- who is passed over


@pytest.mark.parametrize(
    ("health", "caps", "reason"),
    [
        (Health(resting=True), Caps(), "rested"),
        (Health(running=2), Caps(at_once=2), "2 replies already, allowed are 2 at once"),
        (Health(tokens=70), Caps(tokens_a_day=70), "70 tokens are spent today, allowed are 70"),
        (Health(cost=1.5), Caps(cost_a_day=1), "1.5 is spent today, allowed is 1"),
        (None, Caps(), "no backend of this name"),
    ],
)
def test_who_cannot_be_asked_is_passed_over_with_the_reason(health: Health | None, caps: Caps, reason: str):
    state = {LAST: Health(), "local": Health()} | ({"hosted": health} if health else {})
    plan = choose(Policy("hosted", ladder=("local",), caps={"hosted": caps}), state, Asked("c"))
    assert plan.rungs == ("local", LAST)
    assert plan.why == "default (hosted) was passed over"
    assert plan.passed[0][0] == "hosted"
    assert reason in plan.passed[0][1]


def test_a_shadow_that_would_answer_anyway_or_cannot_be_asked_casts_none():
    policy = Policy("hosted", shadow="local")
    assert choose(policy, WELL, Asked("c")).shadow == "local"
    assert choose(policy, WELL, Asked("c", backend="local")).shadow is None
    assert choose(policy, {**WELL, "local": Health(resting=True)}, Asked("c")).shadow is None


# --- retries


@given(st.none() | st.floats(-1, 99), st.integers(0, 6), st.floats(0, 99), st.booleans())
def test_a_retry_is_before_the_first_text_within_the_limits_and_not_before_the_backend_said(
    asked_s: float | None, retries: int, left_s: float, said: bool
):
    limits = Limits(retries=2, retry_after_s=5)
    wait = limits.retry_in(asked_s, retries, left_s, said=said)
    may = not said and retries < 2 and asked_s is not None and 0 <= asked_s <= 5 and asked_s <= left_s
    assert wait == (asked_s if may else None)


def test_every_backend_that_is_spoken_of_is_named_with_its_part():
    policy = replace(ROUTED, ladder=("more",), shadow="dark")
    assert policy.names() == {
        "hosted": "the default", "more": "on the ladder", "dark": "the shadow", "local": "the backend of a route",
        "vllm": "the backend of a route",
    }  # fmt: skip
