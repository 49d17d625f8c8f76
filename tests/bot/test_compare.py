"""Two products side by side."""

import pytest

from bot.compare import compared
from bot.extract import Pick
from knowledge.cells import cells
from knowledge.documents import Chunk, Passage, Unit


def record(name: str, *fields: str, named: bool = True) -> Passage:
    chunk = Chunk(name, "products.csv", "Products", (name,), "\n".join(fields), fields, "record", "en", 0)
    return Passage(chunk, 0.9, tuple(Unit(field, 0.5, 0.5, 0.5) for field in fields), (), named)


S5 = record("Nova S5", "Price: $499", "Weight: 170 g", "Colour: red")
S7 = record("Nova S7", "Price: $699", "Weight: 190 g")
ZH = (record("产品A", "价格：99元", "重量：1公斤"), record("产品B", "价格：199元", "重量：2公斤"))


def about(passage: Passage, number: int) -> list[Pick]:
    return [Pick(passage, number, 1.0, {})]


def test_the_field_that_is_asked_for_of_both():
    assert compared("Which is lighter, the Nova S5 or the Nova S7?", [S5, S7], about(S7, 1)) == [
        "Nova S5: Weight: 170 g",
        "Nova S7: Weight: 190 g",
    ]
    assert compared("产品A和产品B哪个便宜", ZH, about(ZH[0], 0)) == ["产品A：价格：99元", "产品B：价格：199元"]


def test_a_number_of_the_thing_is_not_what_sets_them_apart():
    one, other = record("Nova S5", "SKU: PH-5", "Screen: 6.5-inch"), record("Nova S7", "SKU: PH-7", "Screen: 6.8-inch")
    picks = [Pick(one, 0, 9.0, {}), Pick(one, 1, 2.0, {})]
    assert compared("nova s5 or nova s7, who has the bigger one", [one, other], picks) == [
        "Nova S5: Screen: 6.5-inch",
        "Nova S7: Screen: 6.8-inch",
    ]
    assert compared("SKU of the nova s5 or nova s7", [one, other], picks) == ["Nova S5: SKU: PH-5", "Nova S7: SKU: PH-7"]


def test_a_field_with_the_figure_that_is_asked_for_comes_first_and_be_it_in_the_description():
    fields = [
        ("Ports: USB-C", f"Description: {name} charges a laptop with {watts} W.") for name, watts in (("Lumen 27", 65), ("Lumen 34", 90))
    ]
    one, other = (record(name, *held) for name, held in zip(("Lumen 27", "Lumen 34"), fields, strict=True))
    said = compared("Lumen 27 versus Lumen 34, how many watts", [one, other], [Pick(one, 0, 9.0, {}), Pick(one, 1, 2.0, {})])
    assert [line.split()[-2] for line in said] == ["65", "90"]


def test_they_stand_in_the_order_of_the_question_and_a_value_is_one_cell():
    (row,) = compared("compare nova s7 with nova s5", [record("Nova S5", "Ports: 1; 2"), record("Nova S7", "Ports: 3")], about(S5, 2))
    assert cells(row) == (("Feature", "Ports"), ("Nova S7", "3"), ("Nova S5", "1, 2"))
    (zh, *_) = compared("产品B和产品A有什么区别", ZH, about(ZH[0], 0))
    assert cells(zh) == (("项目", "价格"), ("产品B", "199元"), ("产品A", "99元"))


def test_a_field_that_only_one_has_leads_to_those_that_both_have():
    wanted = ["Feature: Price; Nova S5: $499; Nova S7: $699", "Feature: Weight; Nova S5: 170 g; Nova S7: 190 g"]
    assert compared("What's the difference between the Nova S5 and the Nova S7?", [S5, S7], about(S5, 2)) == wanted


@pytest.mark.parametrize(
    ("question", "passages"),
    [
        ("How much are the Nova S5, the Nova S7?", [S5, S7]),
        ("Which is cheaper, the Nova S5 or another?", [S5]),
        ("Which is cheaper?", [record("Nova S5", "Price: $499", named=False), record("Nova S7", "Price: $699", named=False)]),
        ("Which is cheapest of them or all?", [record(f"Nova S{n}", "Price: $1") for n in range(4)]),
        ("Which is cheaper?", []),
    ],
)
def test_nothing_is_compared_unless_two_or_three_named_records_are(question: str, passages: list[Passage]):
    assert compared(question, passages, about(passages[0], 0) if passages else []) == []


def test_three_are_compared_too_and_without_a_pick_nothing_is():
    s9 = record("Nova S9", "Price: $899")
    assert compared("Compare S5, S7 and S9", [S5, S7, s9], about(s9, 0)) == ["Feature: Price; Nova S5: $499; Nova S7: $699; Nova S9: $899"]
    assert compared("Compare S5 and S7", [S5, S7], []) == []
