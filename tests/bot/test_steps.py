"""Lists of what to do, said whole."""

from dataclasses import replace

import pytest

from bot.extract import Pick
from bot.steps import steps
from knowledge.documents import Chunk, Passage, Unit

RESET = ("1. Open the sign-in page.", "2. Enter your mail address.", "It must be the one of your account.", "3. Choose a new password.")


def page(*sentences: str, position: int = 0, heading: tuple[str, ...] = ("Reset",)) -> Passage:
    chunk = Chunk(f"c{position}", "password.md", "Password", heading, "\n".join(sentences), sentences, "text", "en", position)
    return Passage(chunk, 0.9, tuple(Unit(sentence, 0.5, 0.5, 0.5) for sentence in sentences))


def ranked(*places: tuple[Passage, int]) -> list[Pick]:
    return [Pick(passage, number, 10 - place, {}) for place, (passage, number) in enumerate(places)]


def test_the_list_that_the_best_sentence_is_of_comes_whole_and_in_order():
    reset = page(*RESET)
    assert steps("how do I reset my password", ranked((reset, 3)), [reset], figure=False) == [
        "1. Open the sign-in page.",
        "2. Enter your mail address. It must be the one of your account.",
        "3. Choose a new password.",
    ]
    assert steps("忘记密码怎么办", ranked((reset, 1)), [reset], figure=False)[0] == "1. Open the sign-in page."


def test_a_list_that_was_cut_is_put_together():
    first, second = page(*RESET[:2]), page(RESET[3], "Afterwards you are signed out.", position=1)
    assert steps("how to reset", ranked((second, 0)), [second, first], figure=False) == [RESET[0], RESET[1], RESET[3]]


def test_a_list_of_the_best_sentences_page_comes_before_others_and_one_that_is_of_something_else_does_not_come():
    reset, other = page("Anyone can reset it.", *RESET), page("1. Wait.", "2. Look.", position=5)
    other = replace(other, chunk=replace(other.chunk, source="other.md"))
    found = [Pick(reset, 0, 9, {}), Pick(other, 0, 8.5, {}), Pick(reset, 1, 8, {})]
    assert steps("how do I reset it", found, [reset, other], figure=False)[0] == RESET[0]
    assert steps("how do I reset it", [Pick(other, 0, 9, {"heading": 0.0})], [other], figure=False) == []


def test_where_a_row_has_the_code_that_is_asked_for_it_is_no_list_that_is_wanted():
    rows, reset = page("Code: E5; Meaning: dirty", "Code: E6; Meaning: stuck"), page(*RESET, position=1)
    found = [Pick(reset, 0, 9, {}), Pick(rows, 0, 8, {})]
    assert steps("it stopped and says E5, what can I do", found, [rows, reset], figure=False) == []
    assert steps("it stopped, what can I do", found, [rows, reset], figure=False)


def test_the_line_that_opens_a_list_stands_before_it():
    reset = page("Reset it like this:", *RESET)
    assert steps("how do I reset it", ranked((reset, 0), (reset, 1)), [reset], figure=False)[0] == "Reset it like this:"


@pytest.mark.parametrize(
    ("question", "figure"),
    [("is the password safe", False), ("how long does it take to reset my password, how do I know", True), ("", False)],
)
def test_other_questions_get_no_list(question: str, figure: bool):
    reset = page(*RESET)
    assert steps(question, ranked((reset, 1)), [reset], figure=figure) == []


def test_no_list_where_there_is_none_or_it_is_elsewhere():
    prose, other = page("Passwords have ten letters.", "Choose one."), page(*RESET, heading=("Other",), position=1)
    assert steps("how do I reset my password", ranked((prose, 0)), [prose, other], figure=False) == []
    assert steps("how do I reset my password", [], [other], figure=False) == []
    lone = page("1. Open the page.", "It is blue.")
    assert steps("how do I reset my password", ranked((lone, 0)), [lone], figure=False) == []
