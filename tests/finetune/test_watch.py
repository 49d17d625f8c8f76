"""An adapter at work is kept, taken back or given more, by what customers did."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policies import Version
from bot.policy import Adapter, Canary, Policy
from finetune.watch import STEPS, Limits, Tally, Watched, always, asked_first, judge, newcombe, watched, wilson

LIMITS = Limits()


@st.composite
def tallies(draw: st.DrawFn, least: int = 0) -> Tally:
    conversations = draw(st.integers(least, 3000))
    return Tally(conversations, draw(st.integers(0, conversations)))


SHARES = st.sampled_from((0.01, 0.05, 0.1, 0.2, 0.5, 0.9, 1.0))
Z = st.floats(0.5, 6)


def verdict(share: float, new: Tally, old: Tally, limits: Limits = LIMITS) -> str:
    return judge(share, new, old, (new, old), limits).action


def test_a_bad_one_goes_a_good_one_grows_and_the_reasons_are_told():
    bad = judge(0.2, Tally(60, 30, thumbs_down=26, hand_overs=6), Tally(200, 20, thumbs_down=15, hand_overs=5), (Tally(), Tally()))
    assert bad.action == "take back"
    assert "30 of 60 conversations (50%), 20 of 200 conversations (10%) otherwise" in bad.why
    assert bad.why.endswith("mostly thumbs down")
    good = judge(0.2, Tally(200, 10), Tally(800, 80), (Tally(200, 10), Tally(800, 80)))
    assert (good.action, good.share) == ("widen", 0.5)
    assert "no worse than the others" in good.why


@given(share=SHARES, new=tallies(), old=tallies())
def test_nothing_is_done_before_enough_has_happened(share: float, new: Tally, old: Tally):
    if min(new.conversations, old.conversations) < LIMITS.least:
        found = judge(share, new, old, (new, old), LIMITS)
        assert (found.action, found.interval) == ("keep", None)
        assert "too early" in found.why


@given(share=SHARES, new=tallies(40), old=tallies(40))
def test_a_better_one_is_never_taken_back_and_one_that_is_worse_beyond_the_margin_never_grows(share: float, new: Tally, old: Tally):
    action = verdict(share, new, old)
    assert not (action == "take back" and new.share <= old.share)
    assert not (action == "widen" and new.share > old.share + LIMITS.margin)
    assert not (action == "widen" and share == 1)


@given(share=SHARES, new=tallies(40), old=tallies(40), more=st.integers(1, 500))
def test_more_that_goes_badly_never_makes_it_look_better(share: float, new: Tally, old: Tally, more: int):
    order = ("widen", "keep", "take back")
    worse = replace(new, bad=min(new.conversations, new.bad + more))
    assert order.index(verdict(share, worse, old)) >= order.index(verdict(share, new, old))
    better_others = replace(old, bad=max(0, old.bad - more))
    assert order.index(verdict(share, new, better_others)) >= order.index(verdict(share, new, old))


@given(share=st.sampled_from((0.05, 0.2, 0.5)), new=tallies(40), old=tallies(40))
def test_a_step_is_earned_with_what_happened_at_this_share(share: float, new: Tally, old: Tally):
    assert judge(share, new, old, (Tally(), Tally()), LIMITS).action != "widen"


@given(share=SHARES, new=tallies(40), old=tallies(40))
def test_the_share_grows_step_by_step_to_all(share: float, new: Tally, old: Tally):
    found = judge(share, new, old, (new, old), LIMITS)
    if found.action == "widen":
        assert found.share is not None
        assert found.share > share
        assert [step for step in STEPS if share < step < found.share] == []


@given(new=tallies(), old=tallies(), z=Z)
def test_the_interval_holds_the_difference_and_mirrors(new: Tally, old: Tally, z: float):
    low, high = newcombe(new, old, z)
    assert -1 <= low <= high <= 1
    assert low - 1e-9 <= new.share - old.share <= high + 1e-9 or not (new.conversations and old.conversations)
    back = newcombe(old, new, z)
    assert back == pytest.approx((-high, -low))


@given(tally=tallies(), z=Z)
def test_wilson_is_within_bounds_and_narrows(tally: Tally, z: float):
    low, high = wilson(tally, z)
    assert 0 <= low <= tally.share + 1e-9 or not tally.conversations
    assert tally.share - 1e-9 <= high <= 1 or not tally.conversations
    tenfold = wilson(Tally(10 * tally.conversations, 10 * tally.bad), z)
    assert tenfold[1] - tenfold[0] <= high - low + 1e-9


def test_wilson_and_newcombe_are_the_published_ones():
    assert wilson(Tally(263, 81), 1.96) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998a, table I
    assert newcombe(Tally(70, 56), Tally(80, 48), 1.96) == pytest.approx((0.0524, 0.3339), abs=1e-4)  # 1998b, table II, example a


def simulated(new: float, old: float, seed: int, looks: Sequence[int]) -> str:
    """What is done in the end, looked at after each of so many conversations a side, which go badly with these chances."""
    draw = random.Random(seed)
    bad = [0, 0]
    count = 0
    for look in looks:
        bad[0] += sum(draw.random() < new for _ in range(look - count))
        bad[1] += sum(draw.random() < old for _ in range(look - count))
        count = look
        if verdict(1.0, Tally(count, bad[0]), Tally(count, bad[1])) == "take back":
            return "take back"
    return "keep"


def test_looked_at_all_the_time_a_good_one_is_hardly_ever_taken_back_and_a_bad_one_is():
    looks = range(40, 1001, 5)
    wrong = sum(simulated(0.15, 0.15, seed, looks) == "take back" for seed in range(300))
    assert wrong <= 0.05 * 300
    assert sum(simulated(0.35, 0.15, seed, looks) == "take back" for seed in range(60)) >= 57
    # An interval that holds at one look only is passed sooner or later.
    once = sum(_crosses(0.15, seed, looks, 1.64) for seed in range(300))
    assert once > 0.15 * 300


def _crosses(share: float, seed: int, looks: Sequence[int], z: float) -> bool:
    draw = random.Random(seed)
    bad, count = [0, 0], 0
    for look in looks:
        for side in (0, 1):
            bad[side] += sum(draw.random() < share for _ in range(look - count))
        count = look
        if newcombe(Tally(count, bad[0]), Tally(count, bad[1]), z)[0] > 0:
            return True
    return False


@given(new=tallies(40), old=tallies(40))
def test_always_costs_more_than_one_look(new: Tally, old: Tally):
    assert 1.64 < always(new, old, LIMITS) < 6


def test_a_tally_that_cannot_be():
    with pytest.raises(ValueError, match="5 of 4 conversations"):
        Tally(4, 5)


START = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = Adapter("one", "/a", "1" * 64), Adapter("two", "/b", "2" * 64)


def history(*policies: Policy) -> list[Version]:
    return [Version(policy, "lena", "why", START + timedelta(days=day)) for day, policy in enumerate(policies, 1)]


def test_when_an_adapter_began_and_when_it_got_its_share():
    canary = Policy(canary=Canary("local", 0.05), adapters={"local": ONE})
    wider = replace(canary, canary=Canary("local", 0.2), ladder=("hosted",))
    told = replace(wider, shadow="hosted")
    assert watched(history(Policy(), canary, wider, told)) == (
        Watched("local", ONE, 0.2, START + timedelta(days=2), START + timedelta(days=3)),
    )
    everyone = Policy("local", adapters={"local": ONE})
    assert watched(history(canary, everyone))[0].since == START + timedelta(days=2)
    (another,) = watched(history(canary, everyone, replace(everyone, adapters={"local": TWO})))
    assert (another.adapter, another.promoted) == (TWO, START + timedelta(days=3))
    away = history(canary, Policy(adapters={"local": ONE}), canary)
    assert watched(away)[0].promoted == START + timedelta(days=3)
    assert watched(history(Policy(adapters={"local": ONE}))) == ()
    assert watched([]) == ()
    assert asked_first(everyone, "other") == 0
