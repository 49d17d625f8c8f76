from pathlib import Path

import pytest

from bot.escalate import next_step
from bot.labels import UNKNOWN, Labels
from bot.messages import Message
from bot.prompts import texts
from tests.bot.turning import ASKED, OFF_TOPIC, desk
from tests.evals.questions import LANGUAGES, questions

ANGRY = Labels(sentiment="angry", sentiment_share=0.9)


def said(*lines: str) -> list[Message]:
    """Customer and bot in turn."""
    return [Message("bot" if number % 2 else "customer", line) for number, line in enumerate(lines)]


@pytest.mark.parametrize(
    ("text", "labels", "reason"),
    [
        ("This is a scam and you are liars", UNKNOWN, "unsupported_request"),
        ("this is ridiculous, where is my parcel!!", UNKNOWN, "unsupported_request"),
        ("this is ridiculous, where is my parcel", ANGRY, "unsupported_request"),
        ("this is ridiculous, where is my parcel", UNKNOWN, None),
        ("你们是骗子，我要投诉", UNKNOWN, "unsupported_request"),
        ("How do I report a scam?", UNKNOWN, None),
        ("I am a bit disappointed, when does it arrive?", ANGRY, None),
        ("怎么投诉快递", UNKNOWN, None),
    ],
)
def test_fury_is_handed_over_and_one_mild_word_is_not(text: str, labels: Labels, reason: str | None):
    step = next_step(text, "question", labels, ())
    assert (step.kind, step.reason) == (("person", reason) if reason else ("question", None))


def test_a_repeated_question_is_handed_over():
    asked = "How long does delivery take?"
    once, twice = said(asked, "3 to 5 days."), said(asked, "3 to 5 days.", asked, "3 to 5 days.")
    assert next_step(asked, "question", UNKNOWN, once).kind == "question"
    assert next_step(asked, "question", UNKNOWN, twice).reason == "missing_knowledge"
    assert next_step(f"I already asked: {asked}", "question", UNKNOWN, once).reason == "missing_knowledge"
    assert next_step("运费多少钱？你没有回答", "question", UNKNOWN, said("运费多少钱？", "三天送到。")).reason == "missing_knowledge"
    assert next_step("Can I return it again later?", "question", UNKNOWN, once).kind == "question"


@pytest.mark.parametrize("text", ["how much?", "How long does it take", "help me please", "多少钱？", "怎么办", "有问题"])
def test_what_names_nothing_is_asked_back_once(text: str):
    assert next_step(text, "question", UNKNOWN, ()).kind == "clarify"
    clarify = texts("en").reply("clarify")
    again = next_step("when?", "question", UNKNOWN, said(text, clarify))
    assert (again.kind, again.reason) == ("person", "pending_clarification")
    assert next_step("the kettle", "question", UNKNOWN, said(text, clarify)).kind == "question"
    assert next_step(text, "question", UNKNOWN, said("Is the kettle in stock?", "Yes.")).kind == "question"


def test_limits_and_those_who_wait():
    assert next_step("anything else?", "question", UNKNOWN, (), spent=True).reason == "usage_limit"
    assert next_step("you liars, this is a scam", "question", UNKNOWN, (), waiting=True).kind == "question"
    assert next_step("a person please", "person", UNKNOWN, (), waiting=True).reason == "customer_request"
    assert next_step("hello", "greeting", UNKNOWN, ()).kind == "greeting"


FURIOUS = {"f-en-005"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_ordinary_questions_are_never_escalated(language: str):
    for row in (row for row in questions(language, "tune") if row["id"] not in FURIOUS):
        step = next_step(row["question"], "question", UNKNOWN, [Message(**line) for line in row.get("history", ())])
        assert step.kind == "question", row["question"]


def test_in_the_turn(tmp_path: Path):
    with desk(tmp_path) as shop:
        first = shop.ask("how much?", conversation="a")
        assert (first.route, first.reason, first.abstained) == ("clarify", "pending_clarification", False)
        assert shop.ask("when?", conversation="a").reason == "pending_clarification"
        assert shop.ask(ASKED, conversation="a").route == "answer"
        assert shop.ask(OFF_TOPIC, conversation="b").abstained
        second = shop.ask(f"And {OFF_TOPIC}", conversation="b")
        assert (second.route, second.reason, second.abstained) == ("human", "missing_knowledge", False)
        assert second.text.startswith(texts("en").reply("handover_unasked"))
        assert shop.store.state("b") == "waiting"
