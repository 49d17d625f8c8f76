"""Rows in and out of files, and their split."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Message
from finetune.errors import BadRows
from finetune.rows import Row, data_hash, read_labelled, read_rows, split, write_rows

ROWS = [
    Row("1", (Message("system", "Be kind."), Message("customer", "多少钱？")), "199 元。", "zh", "c1"),
    Row("2", (Message("customer", "Where is it?"),), "On its way.\n", "en", "c2"),
]


def test_rows_come_back_as_they_were_written(tmp_path: Path):
    plain, packed = tmp_path / "rows.jsonl", tmp_path / "rows.jsonl.gz"
    write_rows(ROWS, plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_rows(plain) == read_rows(packed) == ROWS


def test_what_a_row_leaves_out_is_filled_in(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"messages": [{"role": "customer", "text": "Hi"}], "reply": "Hello"}\n\n', encoding="utf-8-sig")
    assert read_rows(path) == [Row("1", (Message("customer", "Hi"),), "Hello", "en", "1")]


@pytest.mark.parametrize(
    "line",
    ["[]", "{", '{"messages": [], "reply": "x"}', '{"messages": [{"role": "user", "text": "x"}], "reply": "x"}', '{"reply": "x"}',
     '{"messages": [{"role": "customer", "text": "x"}], "reply": " "}', '{"messages": [{"role": "customer", "text": 3}], "reply": "x"}'],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, line: str):
    path = tmp_path / "rows.jsonl"
    write_rows(ROWS, path)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(BadRows, match=r"rows\.jsonl, line 3"):
        read_rows(path)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRows, match="UTF-8"):
        read_rows(path)
    with pytest.raises(BadRows, match="cannot be read"):
        read_rows(tmp_path / "none.jsonl")


def test_labelled_rows(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "Where is it?", "label": "order"}\n{"text": "x"}\n', encoding="utf-8")
    with pytest.raises(BadRows, match="line 2"):
        read_labelled(path)


def test_the_hash_goes_by_the_rows_and_not_by_their_order():
    assert data_hash(ROWS) == data_hash(ROWS[::-1]) != data_hash(ROWS[:1])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.floats(0, 1), st.integers(0, 5))
def test_no_conversation_is_on_both_sides(conversations: list[int], share: float, seed: int):
    rows = [Row(str(place), ROWS[0].messages, "x", "en", str(name)) for place, name in enumerate(conversations)]
    train, held = split(rows, share, seed)
    assert train
    assert held
    if len(set(conversations)) > 1:
        assert not {row.conversation for row in train} & {row.conversation for row in held}
        assert sorted(row.id for row in [*train, *held]) == sorted(row.id for row in rows)
