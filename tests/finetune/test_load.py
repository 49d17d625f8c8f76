"""A transcript file -> conversations, whatever it is made of."""

import gzip
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Message
from finetune.errors import BadTranscripts
from finetune.load import load

TALK = [{"role": "customer", "text": "Where is my order?"}, {"role": "agent", "text": "It left on Monday."}]
SAID = (Message("customer", "Where is my order?"), Message("agent", "It left on Monday."))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz", "t.json"])
def test_our_own_form_is_read_packed_or_not(tmp_path: Path, name: str):
    found = load(written(tmp_path, name, json.dumps({"id": "a", "customer": "c9", "turns": TALK, "created_at": 1700000000})))
    (conversation,) = found.conversations
    assert (conversation.id, conversation.customer, conversation.turns) == ("a", "c9", SAID)
    assert conversation.at == "2023-11-14T22:13:20+00:00"
    assert found.problems == ()


def test_a_bad_row_is_reported_by_its_number_and_the_rest_goes_on(tmp_path: Path):
    lines = [
        json.dumps({"id": "a", "turns": TALK}),
        "{broken",
        json.dumps({"id": "b"}),
        json.dumps(["no object"]),
        json.dumps({"id": "c", "turns": [{"role": "customer"}]}),
        json.dumps({"id": "a", "turns": TALK}),
        json.dumps({"id": "d", "turns": TALK}),
    ]
    found = load(written(tmp_path, "t.jsonl", "\n".join(lines)))
    assert [one.id for one in found.conversations] == ["a", "d"]
    assert [(problem.row, problem.error.split(";")[0]) for problem in found.problems] == [
        (2, "not a JSON object"),
        (3, "it has no turns"),
        (4, "got list"),
        (5, "turn 1 has no role or no text"),
        (6, "its id 'a' is that of row 1"),
    ]


@given(
    st.lists(st.one_of(st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps)), max_size=5)
)
def test_no_line_of_json_lines_brings_it_down(lines: list[str]):
    import tempfile

    text = "\n".join(json.dumps({"id": "good", "turns": TALK}) if line == "0" else line for line in ["0", *lines])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.jsonl"
        path.write_bytes(text.encode("utf-8", "replace"))
        with suppress(BadTranscripts):  # too many control characters
            assert load(path).conversations[0].turns == SAID


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.jsonl", "", "is empty"),
        ("t.pdf", "x", "ends in .pdf"),
        ("t.json", "{", "is not JSON"),
        ("t.json", "3", "holds no conversations"),
        ("t.csv", "colour,size\nred,1\n", "columns are colour, size"),
        ("t.txt", "just some words\n", "no line of the text says who speaks"),
    ],
)
def test_a_file_that_holds_no_transcripts_is_refused_with_the_reason(tmp_path: Path, name: str, text: str, said: str):
    with pytest.raises(BadTranscripts, match=said):
        load(written(tmp_path, name, text))


def test_a_damaged_archive_and_a_missing_file_are_refused(tmp_path: Path):
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(b"\x1f\x8b not gzip")
    for wrong in (path, tmp_path / "none.jsonl"):
        with pytest.raises(BadTranscripts, match="cannot be read"):
            load(wrong)


def test_json_lines_under_the_wrong_name_are_read(tmp_path: Path):
    found = load(written(tmp_path, "t.json", "\n".join(json.dumps({"id": n, "turns": TALK}) for n in "ab")))
    assert [one.id for one in found.conversations] == ["a", "b"]
