"""Which earlier lines a question leans on, and what is left out when the window is small."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.context import fit, focus, leaning, leans_on, self_contained, shrink, size
from bot.messages import Message, Prompt

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
    assert [line for line, _ in found] == ["And the Nova S7?", "How much is the Nova S5?", "It costs $699."]
    shares = [share for _, share in found]
    assert shares == sorted(shares, reverse=True)
    assert all(0 < share < 1 for share in shares)


def test_nothing_to_lean_on():
    assert leans_on("and in red?", ()) == ()
    assert leans_on("and in red?", (Message("system", "x"), Message("action", "y"), Message("customer", " "))) == ()


def test_a_self_contained_question_shows_what_it_leans_on_in_one_line():
    assert self_contained("in red?", ()) == "in red?"
    assert self_contained("in red?", (("the\n  Nova S7", 0.6), ("x" * 300, 0.1))) == f"in red? (the Nova S7 / {'x' * 200})"


def test_a_story_is_told_from_its_question():
    asks, story = focus("My dad is 74. He got his first smartphone. Do you offer lessons?")
    assert asks == "Do you offer lessons?"
    assert [line for line, _ in story] == ["My dad is 74. He got his first smartphone."]
    assert focus("Do you offer lessons?") == ("Do you offer lessons?", ())


# --- fit: `make` writes the passages as p1 p2 ... into the system message; a token is a word


def make(history: Sequence[Message], passages: int) -> Prompt:
    system = Message("system", " ".join(f"p{n}" for n in range(1, passages + 1)))
    return Prompt((system, *history, Message("customer", "q")), "q", (), "en")


def count(text: str) -> int:
    return len(text.split())


def lines(number: int) -> tuple[Message, ...]:
    return tuple(Message("customer" if n % 2 == 0 else "bot", f"l{n}") for n in range(number))


def fitted(history: Sequence[Message], passages: int, room: int) -> tuple[str, int]:
    """The prompt in words, where `room` tokens are free in a window with an exact twentieth held back."""
    window = 20 * (room + 1)
    prompt, left_out = fit(make, history, passages, count, window=window, reply=int(window * 0.95) - room)
    return " ".join(message.text for message in prompt.messages), left_out


def test_the_order_of_dropping():
    wanted = [
        (10, "p1 p2 p3 l0 l1 l2 l3 l4 l5 q"),
        (9, "p1 p2 p3 l2 l3 l4 l5 q"),
        (8, "p1 p2 p3 l2 l3 l4 l5 q"),
        (7, "p1 p2 p3 l4 l5 q"),
        (5, "p1 p2 l4 l5 q"),
        (4, "p1 l4 l5 q"),
        (3, "p1 q"),
        (2, "p1 q"),
        (0, "p1 q"),
    ]
    for room, words in wanted:
        assert fitted(lines(6), 3, room) == (words, 10 - len(words.split()))


def test_an_odd_line_goes_before_the_last_exchange():
    assert fitted(lines(5), 1, 4)[0] == "p1 l3 l4 q"
    assert fitted(lines(3), 1, 4)[0] == "p1 l1 l2 q"
    assert fitted(lines(1), 2, 3)[0] == "p1 l0 q"
    assert fitted(lines(1), 2, 2)[0] == "p1 q"


@given(
    st.lists(st.text("ab ", max_size=30), max_size=30), st.integers(0, 12), st.integers(0, 400), st.integers(0, 100), st.integers(1, 5)
)  # fmt: skip
def test_it_never_exceeds_the_window_where_the_question_and_one_passage_fit(
    texts: list[str], passages: int, window: int, reply: int, width: int
):
    def wide(history: Sequence[Message], kept: int) -> Prompt:
        prompt = make(history, kept)
        return replace(prompt, messages=(Message("system", prompt.messages[0].text * width), *prompt.messages[1:]))

    history = tuple(Message("customer", text) for text in texts)
    prompt, left_out = fit(wide, history, passages, count, window=window, reply=reply)
    smallest = wide((), min(passages, 1))
    assert left_out >= 0
    if size(smallest, count) + reply <= int(window * 0.95):
        assert size(prompt, count) + reply <= window
    else:
        assert prompt == smallest
    kept = prompt.messages[1:-1]
    assert kept == history[len(history) - len(kept) :]  # the newest stay, word for word


def test_a_very_long_conversation_is_fitted_in_a_few_steps():
    made = []

    def counted(history: Sequence[Message], passages: int) -> Prompt:
        made.append(len(history))
        return make(history, passages)

    fit(counted, lines(20_000), 6, count, window=200, reply=50)
    assert len(made) < 25


def test_shrinking_drops_the_older_half_and_keeps_exchanges_whole():
    prompt = make(lines(8), 2)
    seen = []
    while (less := shrink(prompt)) is not None:
        prompt = less
        seen.append(" ".join(message.text for message in prompt.messages))
    assert seen == ["p1 p2 l4 l5 l6 l7 q", "p1 p2 l6 l7 q", "p1 p2 q"]
