"""What is left out when the window is small, and that nothing ever exceeds it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.context import MARKS, SPARE, Budget, fit, shrink, size
from bot.errors import ContextOverflow
from bot.messages import Message, Parts, Prompt
from tests.bot.windows import TOKENIZERS, examples, lines, passage, real, worded


def count(text: str) -> int:
    return len(text.split())


def parts(**more: Any) -> Parts:
    given: dict[str, Any] = {
        "passages": (passage("p1"), passage("p2"), passage("p3")),
        "examples": examples(["e1", "e2"]),
        "facts": ("f1", "f2"),
        "summary": "s1\ns2",
        "history": lines(6),
    }
    return Parts("q", **(given | more))


def words(prompt: Prompt) -> str:
    return " ".join(message.text for message in prompt.messages).strip()


def room(tokens: int, **shares: float) -> Budget:
    """A budget with just so much room for a prompt."""
    return next(found for window in range(2, 10_000) if (found := Budget(window, 1, **shares)).room == tokens)


# Marks of the eight messages of a whole prompt, and of the one that is asked for.
ALL = 9 * MARKS


def test_what_fits_is_left_alone():
    fitted = fit(parts(), worded, room(ALL + 16), count)
    assert words(fitted.prompt) == "f1 f2 s1 s2 p1 p2 p3 e1 e2 l0 l1 l2 l3 l4 l5 q"
    assert fitted.saved == 0


def test_the_order_in_which_parts_give_way():
    """Where no part has a budget of its own."""
    none = dict.fromkeys(("facts", "summary", "passages", "examples", "history"), 0.0)
    everything = fit(parts(), worded, Budget(10_000, 1), count)
    total = sum(everything.tokens.values())
    seen = [words(fit(parts(), worded, room(left, **none), count).prompt) for left in range(total, 3 * MARKS, -1)]
    assert list(dict.fromkeys(seen)) == [
        "f1 f2 s1 s2 p1 p2 p3 e1 e2 l0 l1 l2 l3 l4 l5 q",
        "f1 f2 s1 s2 p1 p2 p3 e1 e2 l2 l3 l4 l5 q",
        "f1 f2 s1 s2 p1 p2 p3 e1 e2 l4 l5 q",
        "f1 f2 s1 s2 p1 p2 p3 e1 l4 l5 q",
        "f1 f2 s1 s2 p1 p2 p3 l4 l5 q",
        "f1 s1 s2 p1 p2 p3 l4 l5 q",
        "s1 s2 p1 p2 p3 l4 l5 q",
        "s1 p1 p2 p3 l4 l5 q",
        "p1 p2 p3 l4 l5 q",
        "p1 p2 l4 l5 q",
        "p1 l4 l5 q",
        "p1 q",
        "q",
    ]


def test_a_part_within_its_budget_outlasts_one_that_is_over_its_own():
    long = parts(history=lines(200), facts=tuple(f"f{n}" for n in range(1, 40)))
    fitted = fit(
        long, worded, room(500, history=0.5, facts=0.05, summary=0.1, passages=0.1, examples=0.1, system=0.1, question=0.05), count
    )
    assert fitted.parts.summary == long.summary
    assert fitted.parts.passages == long.passages
    assert fitted.parts.facts == long.facts  # the history alone was over its budget, and gave way first
    assert 2 < len(fitted.parts.history) < 200


def test_an_odd_line_goes_before_the_last_exchange():
    short = {"passages": (passage("p1"),), "examples": (), "facts": (), "summary": ""}
    kept = fit(parts(history=lines(5), **short), worded, room(5 * MARKS + 4), count)
    assert words(kept.prompt) == "p1 l3 l4 q"


def test_tokens_by_part_sum_up_to_the_prompt():
    fitted = fit(parts(), real, Budget(4096, 512), count)
    assert list(fitted.tokens) == ["system", "facts", "summary", "passages", "examples", "history", "question"]
    assert sum(fitted.tokens.values()) == size(fitted.prompt, count) + MARKS * (len(fitted.prompt.messages) + 1)
    assert fitted.tokens["history"] == 6 * (1 + MARKS)
    assert fitted.tokens["system"] > 100


texts = st.text(st.sampled_from("ab th的订单\n😀1"), max_size=60)


everything = st.builds(
    lambda question, passages, shown, facts, summary, history: Parts(
        question,
        tuple(map(passage, passages)),
        examples(shown),
        tuple(facts),
        "\n".join(summary),
        tuple(Message("customer" if n % 2 == 0 else "bot", text) for n, text in enumerate(history)),
    ),
    question=st.text(min_size=1, max_size=3000),
    passages=st.lists(texts, max_size=8),
    shown=st.lists(texts, max_size=4),
    facts=st.lists(texts, max_size=6),
    summary=st.lists(texts, max_size=10),
    history=st.lists(texts, max_size=30),
)


@settings(max_examples=60)
@given(st.sampled_from(list(TOKENIZERS)), everything, st.integers(16, 6000), st.integers(1, 800))
def test_a_prompt_never_exceeds_the_window(name: str, whole: Parts, window: int, reply: int):
    """With the marks of a template around every message, whatever the tokenizer; a window that holds not even the rules is refused."""
    counter, budget = TOKENIZERS[name], Budget(window, reply)
    rules = size(real(Parts("x")), counter) + 3 * MARKS + counter(" … ")
    try:
        fitted = fit(whole, real, budget, counter)
    except ContextOverflow:
        assert rules > budget.room
        return
    sent = size(fitted.prompt, counter) + MARKS * (len(fitted.prompt.messages) + 1)
    assert sent + budget.reply <= window * (1 - SPARE)
    assert sum(fitted.tokens.values()) == sent
    assert fitted.saved >= 0
    kept = fitted.parts
    assert kept.history == whole.history[len(whole.history) - len(kept.history) :]  # the newest, word for word
    assert kept.passages == whole.passages[: len(kept.passages)]  # the most relevant
    assert kept.facts == whole.facts[: len(kept.facts)]
    assert kept.question == whole.question or not (kept.history or kept.passages or kept.facts or kept.examples)


def test_a_question_that_is_too_long_keeps_its_two_ends():
    fitted = fit(Parts("a" * 500 + "b" * 500), worded, Budget(400, 10), len)
    assert fitted.parts.question.startswith("aaa")
    assert fitted.parts.question.endswith("bbb")


def test_a_window_that_holds_nothing_is_refused_with_what_to_do():
    with pytest.raises(ContextOverflow, match="choose a model with a larger window"):
        fit(Parts("q"), real, Budget(64, 32), count)


def test_a_reply_never_takes_more_than_half_of_the_window():
    assert Budget(512, 512).reply == 256
    assert Budget(2048, 512).reply == 512


def test_a_very_long_conversation_is_fitted_in_a_few_steps():
    made = []

    def counted(some: Parts) -> Prompt:
        made.append(len(some.history))
        return worded(some)

    fit(parts(history=lines(20_000)), counted, Budget(600, 50), count)
    assert len(made) < 25


def test_shrinking_drops_the_older_half_and_keeps_exchanges_whole():
    prompt = worded(Parts("q", (passage("p1"), passage("p2")), history=lines(8)))
    seen = []
    while (less := shrink(prompt)) is not None:
        prompt = less
        seen.append(words(prompt))
    assert seen == ["p1 p2 l4 l5 l6 l7 q", "p1 p2 l6 l7 q", "p1 p2 q"]
