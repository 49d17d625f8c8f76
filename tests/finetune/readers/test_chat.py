"""Chats saved as text."""

from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import BadTranscripts
from finetune.readers.chat import read_chat


def said(text: str) -> list[list[tuple[str, str]]]:
    return [[(turn.role, turn.text) for turn in one.turns] for one in read_chat(text).conversations]


def test_conversations_between_lines_of_dashes():
    text = "Customer: Is it open?\nAgent: Until six.\nEven on Sunday.\n---\n客户：多少钱？\n客服：九元。\n"
    assert said(text) == [
        [("customer", "Is it open?"), ("agent", "Until six.\nEven on Sunday.")],
        [("customer", "多少钱？"), ("agent", "九元。")],
    ]


def test_blank_lines_part_conversations_where_each_part_has_two_sides():
    assert len(said("User: a?\nAgent: bb\n\nUser: c?\nAgent: dd\n")) == 2
    assert len(said("User: a?\n\nAgent: bb\n\nUser: c?\n\nAgent: dd\n")) == 1


def test_times_are_read_in_three_forms():
    for text in (
        "[2024-03-01 10:00] Anna: Is it open?\n[2024-03-01 10:01] Shop: How can I help you? Yes.",
        "2024-03-01, 10:00 - Anna: Is it open?\n2024-03-01, 10:01 - Shop: How can I help you? Yes.",
        "Anna 2024-03-01 10:00:00\nIs it open?\nShop 2024-03-01 10:01:00\nHow can I help you? Yes.",
    ):
        (found,) = read_chat(text).conversations
        assert [(turn.role, turn.text) for turn in found.turns] == [("customer", "Is it open?"), ("agent", "How can I help you? Yes.")]
    assert found.at == "2024-03-01T10:00:00+00:00"


def test_an_address_in_a_line_is_no_speaker():
    assert said("Customer: see\nhttps://shop.example/x\nAgent: Thanks.")[0][0] == ("customer", "see\nhttps://shop.example/x")


def test_what_nobody_says_is_a_problem_and_not_the_end():
    found = read_chat("nobody speaks here\n---\nCustomer: a?\nAgent: bb\n---\nAnna: only me\n")
    assert [(problem.row, problem.error.split(";")[0]) for problem in found.problems] == [(1, "nobody is named as the speaker")]
    assert [[turn.role for turn in one.turns] for one in found.conversations] == [["customer", "agent"], ["customer"]]


@given(st.text(alphabet="ab:： \n[]-0123456789?客户服", max_size=200))
def test_any_text_is_read_or_refused(text: str):
    try:
        found = read_chat(text)
    except BadTranscripts:
        return
    assert all(turn.text for one in found.conversations for turn in one.turns)
