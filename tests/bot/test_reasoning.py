"""The filter that keeps a model's thoughts from the customer."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.reasoning import without_reasoning
from bot.errors import BadReply


def shown(*pieces: str) -> str:
    return "".join(without_reasoning(pieces, "model"))


@pytest.mark.parametrize(
    ("pieces", "reply"),
    [
        (("Hello.",), "Hello."),
        (("<think>hm</think>\n\nHello.",), "Hello."),
        (("<thi", "nk>h", "m</th", "ink>", "\n", "Hel", "lo."), "Hello."),
        (("A<think>1</think>B<think>2</think>C",), "ABC"),
        (("<think>never closed",), ""),
        (("3 < 4 and <b>", " is <", "i>"), "3 < 4 and <b> is <i>"),
        (("ends with <thi",), "ends with <thi"),
        (("  \n", " "), ""),
        (("再<think>想想</think>见",), "再见"),
        (("<think>a <think> b</think>c",), "c"),
    ],
)
def test_only_what_is_no_reasoning_is_shown(pieces: tuple[str, ...], reply: str) -> None:
    assert shown(*pieces) == reply


def test_pieces_are_passed_on_as_they_come() -> None:
    assert list(without_reasoning(["You ", "can."], "model")) == ["You ", "can."]


def test_a_closing_tag_alone_is_an_error_that_names_the_remedy() -> None:
    with pytest.raises(BadReply, match=r"model: .*reasoning parser"):
        shown("I think that", "</think>", "Hello.")


@pytest.mark.parametrize(
    ("pieces", "reply"),
    [
        (("<reasoning>hm</reasoning>\nHello.",), "Hello."),
        (("< Reason", "ing >h<b>m</", "REASONING", ">", "Hello."), "Hello."),
        (("hm</think>", "Hello."), "Hello."),  # the server wrote the opening tag into the prompt
        (("<think>a</think><reasoning>b</reasoning>c",), "c"),
        (("想一想</reasoning>可以。",), "可以。"),
    ],
)
def test_reasoning_that_was_asked_for_is_not_shown(pieces: tuple[str, ...], reply: str) -> None:
    assert "".join(without_reasoning(pieces, "model", expected=True)) == reply


@pytest.mark.parametrize("pieces", [("Step 1: 30 days.",), ("<reasoning>never closed",), ("",), ("<reasoning>a</reason",)])
def test_reasoning_without_its_marks_is_not_shown_either(pieces: tuple[str, ...]) -> None:
    shown_before: list[str] = []
    with pytest.raises(BadReply, match="set cot to off"):
        shown_before.extend(without_reasoning(pieces, "model", expected=True))
    assert shown_before == []


@given(thought=st.text("ab <>/th再", max_size=30), cuts=st.lists(st.integers(0, 60), max_size=12))
def test_no_cut_lets_a_thought_through(thought: str, cuts: list[int]) -> None:
    whole = f"<reasoning>{thought}</reasoning>XYZ"
    edges = [0, *sorted(cut for cut in cuts if cut <= len(whole)), len(whole)]
    assert "".join(without_reasoning([whole[start:end] for start, end in pairwise(edges)], "model", expected=True)) == "XYZ"


@given(
    parts=st.lists(st.tuples(st.text("ab <>/th再"), st.text("xyz<")), max_size=4),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_where_the_stream_is_cut_makes_no_difference(parts: list[tuple[str, str]], cuts: list[int]) -> None:
    whole = "".join(f"{said}<think>{thought}</think>" for said, thought in parts)
    edges = [0, *sorted(cut for cut in cuts if cut <= len(whole)), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert shown(*pieces) == shown(whole)
    assert not set("xyz") & set(shown(whole))
