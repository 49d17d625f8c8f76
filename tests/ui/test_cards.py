import pytest

from knowledge.records import Record
from ui.cards import Card, card_of, cards, cards_of, kind_of
from ui.languages import texts
from ui.shop import catalogue

WORDS = texts("en")


def record(name: str = "Lamp", **fields: str) -> Record:
    return Record(name, tuple(fields.items()))


def test_a_row_of_a_catalogue_is_a_card():
    assert card_of(record(Category="Phones", Price="$9", Availability="Low")) == Card("Lamp", "$9", "phone", "Low")
    assert card_of(Record("台灯", (("价格", "9 美元"), ("供货", "现货")))) == Card("台灯", "9 美元", "thing", "现货")


@pytest.mark.parametrize("row", [record(Time="2 days"), record("", Price="$9"), record(Price="")])
def test_another_row_is_none(row: Record):
    assert card_of(row) is None


def test_each_product_once_in_the_answers_order_and_at_most_three():
    rows = [record(name, Price="$1") for name in ("b", "a", "b", "c", "d")]
    assert [card.name for card in cards_of(rows)] == ["b", "a", "c"]


def test_what_a_catalogue_holds_is_text():
    html = cards([Card("<b>x</b>", '"><script>', "thing", "<i>")], WORDS)
    assert "<b>" not in html
    assert "<script>" not in html
    assert "<i>" not in html
    assert cards([], WORDS) == ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sample_shops_products_are_drawn_for_what_they_are(language: str):
    kind, name = ("Category", "Name") if language == "en" else ("类别", "名称")
    english = [kind_of(row["Category"], row["Name"]) for row in catalogue("en")]
    drawn = [kind_of(row[kind], row[name]) for row in catalogue(language)]  # type: ignore[arg-type]
    assert drawn == english
    assert len(set(drawn)) >= 12
