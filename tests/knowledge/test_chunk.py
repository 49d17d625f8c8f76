"""Chunks keep every character, fit the limit, never mix sections, and have ids of their own."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.chunk import chunk, sentences
from knowledge.documents import Document, Section
from knowledge.language import CJK

PROSE = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=("Cs",)), st.sampled_from('aZ 19.,:;!?\n-*|()"退货。！？；：“”、…①')), max_size=200
)
NUMBERS = st.one_of(
    st.from_regex(r"[1-9]\d{0,3}[.,:]\d{1,3}", fullmatch=True),
    st.sampled_from(["1,299.00", "3.5", "10:30", "v1.2.3", "$14.90", "99.5%", "192.168.0.1", "2024-05-01", "30.5元"]),
)


def count(texts: list[str]) -> list[int]:
    """Tokens as an embedder sees them, near enough: words, and each Chinese character."""
    return [len(re.findall(f"[{CJK}]|[^\\s{CJK}]{{1,6}}", text)) for text in texts]


def bare(text: str) -> str:
    return "".join(text.split())


def document(*sections: Section) -> Document:
    return Document("a.md", "Returns", sections, "0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs $3.50. It ships today.", ["It costs $3.50.", "It ships today."]),
        ("Use a box, e.g. The original one. Then wait.", ["Use a box, e.g. The original one.", "Then wait."]),
        ("Ask Dr. Smith or J. Doe. They know.", ["Ask Dr. Smith or J. Doe.", "They know."]),
        ("Really?! Yes. “No.” Fine.", ["Really?!", "Yes.", "“No.”", "Fine."]),
        ("可以退货。请在30天内寄回！好吗？", ["可以退货。", "请在30天内寄回！", "好吗？"]),
        ("他说：“可以。”然后走了。", ["他说：“可以。”", "然后走了。"]),
        ("- one\n- two\n1. three\n2. four", ["- one", "- two", "1. three", "2. four"]),
        (
            "Method: Express; Price: $14.90\nMethod: Slow; Price: $2. Free above $50",
            ["Method: Express; Price: $14.90", "Method: Slow; Price: $2. Free above $50"],
        ),
        (
            "A line of a paragraph that was wrapped by hand after seventy letters\ngoes on in the next one.",
            ["A line of a paragraph that was wrapped by hand after seventy letters goes on in the next one."],
        ),
        (
            "The display of the new tablet has, measured across its corners, some\n10.9 inches in all.",
            ["The display of the new tablet has, measured across its corners, some 10.9 inches in all."],
        ),
        ("Heading\nText below it.", ["Heading", "Text below it."]),
        ("", []),
        (" \n\t\n ", []),
    ],
)
def test_sentences_by_hand(text: str, expected: list[str]):
    assert sentences(text) == expected


@given(PROSE)
@example('。""" a. B!)\n\n- x')
def test_sentences_lose_no_character(text: str):
    found = sentences(text)
    assert bare("".join(found)) == bare(text)
    assert all(sentence == sentence.strip() != "" for sentence in found)


@given(
    st.lists(st.tuples(st.sampled_from(["It costs", "about.", "价格是", "那么。", "No.", "up to!", ""]), NUMBERS), min_size=1, max_size=8)
)
def test_sentences_never_split_inside_a_number(parts: list[tuple[str, str]]):
    text = " ".join(f"{before} {number}" for before, number in parts)
    found = sentences(text)
    at = 0
    for _, number in parts:
        at = next((place for place in range(at, len(found)) if number in found[place]), len(found))
    assert at < len(found), found


SECTIONS = st.lists(
    st.builds(Section, st.sampled_from([(), ("Fees",), ("Fees", "Abroad")]), PROSE, st.sampled_from(["text", "record", "qa"])), max_size=5
)


@given(SECTIONS, st.integers(3, 40))
def test_chunks_fit_the_limit_and_lose_nothing(sections: list[Section], limit: int):
    chunks = chunk(document(*sections), count, limit)
    assert all(count([piece.text])[0] <= limit for piece in chunks)
    assert bare("".join(piece.text for piece in chunks)) == bare("".join(section.text for section in sections))
    assert [piece.position for piece in chunks] == list(range(len(chunks)))
    assert all(bare("".join(piece.sentences)) == bare(piece.text) for piece in chunks)


@given(SECTIONS)
def test_ids_are_unique_and_the_same_again(sections: list[Section]):
    chunks = chunk(document(*sections), count, 20)
    ids = [piece.id for piece in chunks]
    assert len(set(ids)) == len(ids)
    assert chunk(document(*sections), count, 20) == chunks
    other = Document("b.md", "Returns", tuple(sections), "0")
    assert not set(ids) & {piece.id for piece in chunk(other, count, 20)}


def test_ids_follow_the_content():
    before = chunk(document(Section(("One",), "Alpha."), Section(("Two",), "Beta.")), count)
    after = chunk(document(Section(("One",), "Alpha."), Section(("Two",), "Gamma.")), count)
    assert before[0].id == after[0].id
    assert before[1].id != after[1].id


def test_sections_are_never_mixed_but_paragraphs_under_one_heading_are_one():
    chunks = chunk(
        document(
            Section(("Fees",), "One."), Section(("Fees",), "Two."), Section(("Time",), "Three."), Section(("Time",), "A: b", "record")
        ),
        count,
    )
    assert [(piece.heading, piece.text, piece.kind) for piece in chunks] == [
        (("Fees",), "One. Two.", "text"),
        (("Time",), "Three.", "text"),
        (("Time",), "A: b", "record"),
    ]


def test_a_record_keeps_its_fields_on_lines_of_their_own():
    only = chunk(document(Section(("Printers", "Lumen 27"), "Price: 99\nColour: black. Or white", "record")), count)[0]
    assert only.sentences == ("Price: 99", "Colour: black. Or white")
    assert only.text == "Price: 99\nColour: black. Or white"
    assert only.titled == "Returns > Printers > Lumen 27\nPrice: 99\nColour: black. Or white"


@pytest.mark.parametrize("row", ["付款方式：银行转账；到账时间：5–7 个工作日", "- 礼品包装费不退"])
def test_what_follows_a_row_or_an_item_begins_a_line(row: str):
    (only,) = chunk(document(Section(("退款",), f"{row}\n\n在门店退货的，当天退款。无需等待。")), count)
    assert only.text == f"{row}\n在门店退货的，当天退款。无需等待。"


def test_long_sections_are_cut_evenly():
    text = " ".join(f"Sentence number {n} says a little." for n in range(30))
    sizes = [count([piece.text])[0] for piece in chunk(document(Section((), text)), count, 100)]
    assert len(sizes) == 3
    assert max(sizes) - min(sizes) < 20


def test_language_of_a_chunk_without_words_is_its_title():
    assert [piece.language for piece in chunk(document(Section((), "30"), Section(("x",), "可以退货。")), count)] == ["en", "zh"]


def test_the_mark_of_an_item_is_no_sentence():
    assert sentences("1. Open the app. It is blue.\n2. Tap Send.") == ["1. Open the app.", "It is blue.", "2. Tap Send."]
    assert sentences("It costs 5. Nothing else.") == ["It costs 5.", "Nothing else."]
