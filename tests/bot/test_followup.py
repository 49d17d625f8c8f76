"""Which earlier lines a question leans on, and what a long message asks."""

import pytest

from bot.followup import MEANT, STORY, focus, leaning, leans_on, self_contained
from bot.messages import Message
from knowledge.query import NAMING, Context

HISTORY = (
    Message("customer", "How much is the Nova S5?"),
    Message("bot", "It costs $499."),
    Message("customer", "And the Nova S7?"),
    Message("bot", "It costs $699."),
)


@pytest.mark.parametrize(
    "question", ["and in red?", "is it waterproof", "那红色的呢", "它防水吗", "How about the other colours that you sell?", "123"]
)
def test_short_and_pointing_questions_lean(question: str):
    assert leaning(question)


@pytest.mark.parametrize(
    "question",
    ["Which payment methods can customers abroad use for large orders?", "海外客户购买大件商品时支持哪些付款方式和分期方案"],
)
def test_full_questions_stand_alone(question: str):
    assert not leaning(question)
    assert leans_on(question, HISTORY) == ()


def test_the_newest_questions_count_most_and_replies_least():
    found = leans_on("and in red?", HISTORY)
    assert [line for line, *_ in found] == ["And the Nova S7?", "How much is the Nova S5?", "It costs $699."]
    shares = [share for _, share, *_ in found]
    assert shares == sorted(shares, reverse=True)
    assert all(0 < share < 1 for share in shares)


@pytest.mark.parametrize(
    ("question", "hardly"),
    [("how much is the shipping", True), ("运费多少钱", True), ("shipping?", False), ("is the shipping in it", False)],
)
def test_a_short_question_that_names_a_topic_and_points_nowhere_hardly_leans(question: str, hardly: bool):
    found = leans_on(question, HISTORY, lambda *_: True)
    assert [line for line, *_ in found] == [line for line, *_ in leans_on(question, HISTORY)]
    assert all(share < NAMING for _, share, *_ in found) == hardly
    assert (self_contained(question, found) == question) == hardly


def test_nothing_to_lean_on():
    assert leans_on("and in red?", ()) == ()
    assert leans_on("and in red?", (Message("system", "x"), Message("action", "y"), Message("customer", " "))) == ()


def test_a_self_contained_question_shows_what_it_leans_on_in_one_line():
    assert self_contained("in red?", ()) == "in red?"
    assert self_contained("in red?", (Context("the\n  Nova S7", 0.6), Context("x" * 300, 0.1))) == f"in red? (the Nova S7 / {'x' * 200})"


def test_a_story_is_told_from_its_question():
    asks, story = focus("My dad is 74. He got his first smartphone. Do you offer lessons?")
    assert asks == "Do you offer lessons?"
    assert [line for line, *_ in story] == ["My dad is 74. He got his first smartphone."]
    assert focus("Do you offer lessons?") == ("Do you offer lessons?", ())


def test_a_story_that_the_question_points_back_at_counts_more():
    (apart,) = focus("My dad is 74. He got his first smartphone. Do you offer lessons?")[1]
    (meant,) = focus("My only card is an Amex. Is this accepted?")[1]
    assert (apart.share, meant.share) == (STORY, MEANT)
