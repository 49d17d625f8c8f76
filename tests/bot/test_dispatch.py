"""The policy at work in a turn: who answers, why, and what is on record of it."""

from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from bot.backends.fake import FakeBackend
from bot.errors import BackendUnavailable, RateLimited
from bot.ladder import Ladder
from bot.policy import Canary, Caps, Limits, Policy, Route
from bot.prompts import texts
from tests.bot.climbing import climb, failing, good, same
from tests.bot.turning import ASKED, ASKED_ZH, RETURNS, TUIHUO, desk

DOWN = BackendUnavailable("no route to host")


def model(name: str, *pieces: str, **more: Any) -> FakeBackend:
    return FakeBackend(pieces or (f"{name} says 30 days.",), **{"name": name, "kind": "hosted", **more})


def test_a_default_that_answers_says_so(tmp_path: Path):
    with desk(tmp_path, model("big")) as shop:
        answer = shop.ask(ASKED)
        assert (answer.backend, answer.why, answer.rungs) == ("big", "default", ())
        record = shop.provenance(answer.reply)
        assert (record["rungs"], record["why"], record["policy"], record["failed"]) == (["big", "extractive"], "default", 0, [])


def test_the_ladder_is_climbed_down_in_its_order_and_all_of_it_is_on_record(tmp_path: Path):
    policy = Policy("big", ladder=("small", "tiny"), caps={"small": Caps(tokens_a_day=0)})
    with desk(tmp_path, model("big", error=DOWN), model("small"), model("tiny"), policy=policy) as shop:
        answer = shop.ask(ASKED)
        assert (answer.backend, answer.text) == ("tiny", "tiny says 30 days.")
        assert answer.why == "default, then the next on the ladder"
        assert answer.rungs == (("small", "not asked: 0 tokens are spent today, allowed are 0"), ("big", str(DOWN)))
        assert shop.provenance(answer.reply)["failed"] == [list(rung) for rung in answer.rungs]


def test_routes_canary_and_who_is_asked_for(tmp_path: Path):
    policy = Policy("big", canary=Canary("new", 0.5), routes=(Route("chinese", language="zh"),))
    with desk(tmp_path, model("big"), model("new"), model("chinese"), policy=policy) as shop:
        assert (shop.ask(ASKED_ZH).backend, shop.ask(ASKED_ZH).why) == ("chinese", "route for zh")
        assert shop.ask(ASKED, backend="chinese").why == "asked for"
        sides = {number: shop.ask(ASKED, conversation=f"c{number}").backend for number in range(12)}
        assert set(sides.values()) == {"big", "new"}
        assert {number: shop.ask(ASKED, conversation=f"c{number}").backend for number in range(12)} == sides


def test_a_change_is_obeyed_by_the_next_turn_and_not_by_the_running_one(tmp_path: Path):
    with desk(tmp_path, model("big", "one ", "two")) as shop:
        in_force = [Policy("big")]
        shop.router._dispatch._policy = lambda: in_force[0]  # what a policy store's `load` gives
        events = shop.request(ASKED)
        next(events)
        in_force[0] = Policy("extractive")
        *_, answer = events
        assert answer.text == "one two"  # type: ignore[union-attr]
        assert shop.ask(ASKED).backend == "extractive"


@pytest.mark.parametrize(("question", "reply"), [(ASKED, RETURNS), (ASKED_ZH, TUIHUO)])
def test_after_a_failure_the_extractive_backend_reads_every_passage(tmp_path: Path, question: str, reply: str):
    """A model is shown the best few; what it was shown must not be all that is left when it fails."""
    with desk(tmp_path, model("big", error=DOWN), told=0) as shop:
        answer = shop.ask(question)
        assert (answer.backend, answer.abstained) == ("extractive", False)
        assert reply in answer.text
        assert shop.provenance(answer.reply)["passages"]


@pytest.mark.parametrize(
    ("question", "reply", "more"),
    [
        (ASKED, "I'm sorry, the passages do not mention that.", {}),
        (ASKED_ZH, "抱歉，资料中没有提到这一点。需要为您转接人工客服吗？", {}),
        (ASKED, texts("en").reply("dont_know"), {}),
    ],
)
def test_a_models_own_dont_know_counts_as_one(tmp_path: Path, question: str, reply: str, more: Any):
    with desk(tmp_path, model("big", reply)) as shop:
        answer = shop.ask(question, **more)
        assert (answer.text, answer.abstained, answer.route, answer.reason) == (reply, True, "answer", "missing_knowledge")
        assert (answer.backend, answer.citations) == ("big", ())
        assert not shop.router.answer_from(ASKED, backend="extractive").abstained


def test_a_yes_to_a_models_own_offer_of_a_person_is_a_hand_over(tmp_path: Path):
    with desk(tmp_path, model("big", "I don't know. Would you like me to bring in a person?")) as shop:
        shop.ask(ASKED, conversation="c1")
        assert shop.ask("yes please", conversation="c1").route == "human"


def test_a_prompt_is_made_for_the_window_of_the_backend_that_is_asked(tmp_path: Path):
    small, large = model("small", window=900, error=DOWN), model("large", window=9000)
    with desk(tmp_path, small, large, policy=Policy("small", ladder=("large",)), max_tokens=2000) as shop:
        shop.ask(ASKED)
        assert small.asked[0][1].max_tokens < 900
        assert large.asked[0][1].max_tokens == 2000


def test_the_turns_time_is_the_policys(tmp_path: Path):
    with desk(tmp_path, model("slow", delay_s=9), policy=Policy("slow", limits=Limits(first_token_s=0.1))) as shop:
        answer = shop.ask(ASKED)
        assert answer.backend == "extractive"
        assert "no first word within 0.1 s" in answer.rungs[0][1]


def test_no_more_replies_at_once_than_allowed():
    ladder, release, inside = Ladder(), Event(), Event()
    busy = FakeBackend(name="first", pause=lambda _: (inside.set(), release.wait(20), None)[2])
    running = Thread(target=climb, args=([busy, good()], ladder))
    running.start()
    try:
        assert inside.wait(5)
        assert ladder.health(["first"])["first"].running == 1
        text, rungs = climb([busy, good()], ladder, at_once={"first": 1})
        assert (text, rungs[0].error) == ("Good.", "not asked: it is making 1 replies already, allowed are 1 at once")
    finally:
        release.set()
        running.join()
    assert climb([busy, good()], ladder, at_once={"first": 1})[0] == "Hello."
    assert ladder.health(["first"])["first"].running == 0


def test_places_are_given_back_whatever_happens():
    ladder = Ladder()
    for backend in (failing(), failing(KeyError("x")), failing(RateLimited("429", 0)), good(name="first")):
        climb([backend, good()], ladder, at_once={"first": 1})
    closed = ladder.climb([good(name="first"), good()], same, at_once={"first": 1})
    assert next(closed) == "Good."
    assert ladder.health(["first"])["first"].running == 1
    closed.close()
    assert ladder.health(["first"])["first"].running == 0
