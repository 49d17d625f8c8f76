"""An answer is the same after a trip through JSON, and an older or newer version's JSON can be read."""

import json

from bot.messages import Answer, Citation, Tokens
from bot.records import answer_from_json, answer_to_json

FULL = Answer(
    text="Thirty days. 三十天。",
    conversation="c1",
    message="m1",
    citations=(Citation("k1", "returns.md", "Returns", "Send it back within 30 days.", 0.91, "within 30 days"),),
    abstained=True,
    route="human",
    reason="asked",
    backend="extractive",
    adapter="a@1",
    prompt_version="v1",
    language="zh",
    intent="return",
    sentiment="neutral",
    tokens=Tokens(10, 5, 2),
    latency_ms={"first_token": 1.5, "total": 20.0},
    interrupted=True,
    rungs=(("hosted", "timeout"),),
    suggestions=("Who pays?",),
)


def test_an_answer_of_another_version_is_read_as_far_as_it_is_known():
    stored = {"citations": [{"id": "k1", "novelty": 1}], "tokens": {"prompt": 3, "cached": 1}, "novelty": True}
    answer = answer_from_json(stored, text="t", conversation="c", message="m", reply="r", interrupted=False)
    assert answer == Answer("t", "c", "m", citations=(Citation("k1", "", "", "", 0.0),), tokens=Tokens(prompt=3), reply="r")
    assert answer_from_json({}, text="t", conversation="c", message="m", reply="r", interrupted=True).interrupted


def test_the_json_of_an_answer_is_plain_and_holds_nothing_twice():
    stored = answer_to_json(FULL)
    again = answer_from_json(json.loads(json.dumps(stored)), text=FULL.text, conversation="c1", message="m1", reply="", interrupted=True)
    assert again == FULL
    assert not {"text", "conversation", "message", "reply", "interrupted"} & set(stored)
