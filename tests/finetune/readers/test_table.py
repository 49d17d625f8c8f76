"""Conversations in a table."""

import pytest

from finetune.errors import BadTranscripts
from finetune.readers.table import guess, read_table


def test_one_row_a_message_with_the_columns_guessed():
    table = "Ticket ID,Sent at,Sender,Body\n7,2024-03-01,Customer,Where is it?\n7,2024-03-01,Support,On its way.\n"
    table += "8,,客户,多少钱？\n8,,客服,九元。\n"
    found = read_table(table, {})
    assert found.columns == {"conversation": "Ticket ID", "role": "Sender", "text": "Body", "at": "Sent at"}
    assert [(one.id, [turn.role for turn in one.turns]) for one in found.conversations] == [
        ("7", ["customer", "agent"]),
        ("8", ["customer", "agent"]),
    ]
    assert found.conversations[0].at.startswith("2024-03-01")


def test_a_question_and_its_answer_in_one_row():
    found = read_table("问题;回答\n多少钱？;九元。\n空的;\n", {})
    assert [turn.text for turn in found.conversations[0].turns] == ["多少钱？", "九元。"]
    assert [(problem.row, problem.error) for problem in found.problems] == [(2, "its question or its answer is empty; give both")]


def test_a_wrong_guess_is_corrected_by_name():
    table = "who,words\ncustomer,Hello there?\nagent,Yes.\n"
    with pytest.raises(BadTranscripts, match="--columns text=Body"):
        read_table(table, {})
    assert len(read_table(table, {"role": "who", "text": "words"}).conversations[0].turns) == 2
    with pytest.raises(BadTranscripts, match="there is no column 'nope'; the table has: who, words"):
        read_table(table, {"role": "nope"})
    with pytest.raises(BadTranscripts, match="there is no field 'colour'"):
        read_table(table, {"colour": "who"})


def test_names_are_told_apart_by_who_recurs():
    rows = ["ticket,author,message"]
    for number in range(4):
        rows += [f"{number},Guest{'ABCD'[number]}ra,Is it open?", f"{number},Maria Lopez,Until six."]
    rows += ["9,Maria Lopez,Good morning.", "9,Peter Klein,Is it open?"]
    found = read_table("\n".join(rows), {})
    assert [turn.role for turn in found.conversations[0].turns] == ["customer", "agent"]
    assert [turn.role for turn in found.conversations[-1].turns] == ["agent", "customer"]


def test_no_column_is_used_twice():
    assert guess(["message", "text", "from"]) == {"role": "from", "text": "text"}
