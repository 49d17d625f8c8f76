"""What a reply's sentences rest on, and figures that stand nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.checks import cite, quote_of, unsupported_figures
from knowledge.chunk import sentences
from knowledge.documents import Chunk, Passage

RETURNS = "Most products can be returned within 30 days. The product must be unused."
DELIVERY = "Standard delivery takes 3 to 5 working days. Express delivery costs $14.90."
TUIHUO = "自签收之日起30天内可以退货。商品须未使用。"


def passage(id_: str, text: str, score: float = 0.5, title: str = "") -> Passage:
    return Passage(Chunk(id_, f"{id_}.md", title or id_, (), text, tuple(sentences(text)), "text", "en", 0), score)


SHOP = (passage("returns", RETURNS, 0.9), passage("delivery", DELIVERY, 0.7), passage("tuihuo", TUIHUO, 0.5))


def ids(reply: str) -> list[str]:
    return [citation.id for citation in cite(reply, SHOP)]


def test_a_sentence_that_stands_word_for_word_rests_on_its_passage():
    (citation,) = cite("Express delivery costs $14.90.", SHOP)
    assert (citation.id, citation.source, citation.title, citation.score) == ("delivery", "delivery.md", "delivery", 0.7)
    assert (citation.text, citation.quote) == (DELIVERY, "Express delivery costs $14.90.")


def test_word_for_word_does_not_mind_width_case_and_white_space():
    assert ids("自签收之日起３０天内　可以退货。") == ["tuihuo"]
    assert ids("express  DELIVERY costs $14.90.") == ["delivery"]


def test_a_sentence_in_other_words_rests_on_the_passage_with_most_of_its_terms():
    (citation,) = cite("You have 30 days in which products can be returned.", SHOP)
    assert (citation.id, citation.quote) == ("returns", "Most products can be returned within 30 days.")


@pytest.mark.parametrize("reply", ["", "Yes.", "The moon is made of green cheese.", "很高兴为您服务。", "!!!"])
def test_what_rests_on_nothing_is_not_cited(reply: str):
    assert ids(reply) == []
    assert cite(reply, ()) == ()


def test_citations_come_in_the_order_of_the_reply_and_once_each():
    assert ids("商品须未使用。Express delivery costs $14.90. The moon is blue cheese. Standard delivery takes 3 to 5 working days.") == [
        "tuihuo",
        "delivery",
    ]


def test_at_most_four():
    many = [passage(f"p{n}", f"The gadget number {n} costs {n}00 dollars.") for n in range(1, 8)]
    assert [citation.id for citation in cite(" ".join(p.chunk.text for p in many), many)] == ["p1", "p2", "p3", "p4"]


def test_of_equals_the_most_relevant_is_cited():
    twins = [passage("first", RETURNS), passage("second", RETURNS)]
    assert [citation.id for citation in cite(RETURNS, twins)] == ["first"]


def test_a_title_names_the_headings_once():
    chunk = Chunk("c", "c.md", "Returns", ("Returns", "Refunds"), RETURNS, (RETURNS,), "text", "en", 0)
    assert cite(RETURNS, [Passage(chunk, 1)])[0].title == "Returns > Refunds"
    assert quote_of("anything", Passage(Chunk("c", "c.md", "", (), "", (), "text", "en", 0), 1)) == ""


@given(st.text(max_size=80))
def test_whatever_is_said_citations_are_of_the_passages(reply: str):
    found = cite(reply, SHOP)
    assert len(found) <= 4
    for citation in found:
        held = next(p for p in SHOP if p.chunk.id == citation.id)
        assert citation.quote in held.chunk.sentences


@pytest.mark.parametrize(
    ("reply", "evidence", "wanted"),
    [
        ("It costs $1,299 and takes 3 days.", "Price: 1299; 3 days", ()),
        ("It costs 1299.", "1,299", ()),
        ("30 days", "30.00", ("30",)),
        ("30,0 or 30", "30.00", ("30,0", "30")),
        ("at 9:30", "9:30-18:00", ()),
        ("９９元", "99元", ()),
        ("15 days, 15 nights, 7 stars", "5", ("15", "7")),
        ("no figures", "", ()),
    ],
)
def test_figures_that_the_evidence_does_not_hold(reply: str, evidence: str, wanted: tuple[str, ...]):
    assert unsupported_figures(reply, evidence) == wanted


def test_the_number_of_a_lists_item_rests_on_nothing():
    """By itself it stands word for word wherever there is a list."""
    steps = passage("steps", "1. Open Orders.\n2. Print the label and pack it well.")
    assert ids("1. You can return products within 30 days.\n2. Nothing else.") == ["returns"]
    assert [citation.quote for citation in cite("1. Print the label and pack it.", (steps, *SHOP))] == [
        "2. Print the label and pack it well."
    ]
    assert cite("4.", (steps,)) == ()
    assert quote_of("1", steps) != "1."


def test_a_row_of_two_records_side_by_side_rests_on_both():
    records = [
        Passage(Chunk(name, "products.csv", "Products", (name,), f"Price: {price}", (f"Price: {price}",), "record", "en", 0), 0.9)
        for name, price in (("Nova S5", "$499"), ("Nova S7", "$699"))
    ]
    cited = cite("Feature: Price; Nova S5: $499; Nova S7: $699", records)
    assert [(citation.id, citation.quote) for citation in cited] == [("Nova S5", "Price: $499"), ("Nova S7", "Price: $699")]


def test_each_paragraph_has_its_sources_and_there_are_not_too_many():
    pages = [passage(f"p{n}", f"Rule number {n} says {'abcdefghijklmnop'[n] * 5}.") for n in range(14)]
    line = " ".join(page.chunk.text for page in pages[:6])
    other = " ".join(page.chunk.text for page in pages[6:12])
    assert [citation.id for citation in cite(line, pages)] == ["p0", "p1", "p2", "p3"]
    assert [citation.id for citation in cite(f"{line}\n\n{other}", pages)] == ["p0", "p1", "p2", "p3", "p6", "p7", "p8", "p9"]
    assert len(cite(f"{line}\n\n{other}\n\n{pages[12].chunk.text}", pages)) == 8
