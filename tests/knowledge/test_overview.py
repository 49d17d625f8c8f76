"""Questions about the range, over small catalogues of their own."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalogue import Catalogue, catalogues
from knowledge.documents import Chunk, Language
from knowledge.loaders.rows import parse_csv
from knowledge.overview import overview
from knowledge.thesaurus import Thesaurus, thesaurus

EN = """Name,Category,Price,Colours,Weight,Waterproof,Stock,Notes
Alba Lamp 20 cm,Lamps and lanterns,"1,049.00","Red, black",1.2 kg,No,Sold out,Alba is a table lamp with a brass foot.
Bora Lantern,Lamps and lanterns,35.00,Black,900 g,Yes,In stock,Bora is a lantern for the garden. It runs on two batteries.
Corda Chair,Chairs,89.00,"Green, black",4 kg,,In stock,Corda is a folding chair that is made of oak.
Duna Chair,Chairs,120.00,Black,3.1 kg,,In stock,Duna is a chair with armrests and no cushion.
Eno Cushion,Accessories,19.00,"Red, green",300 g,,In stock,Eno is a cushion for chairs.
"""
ZH = """名称,类别,价格,颜色,重量,说明
青石 折叠桌,桌椅,399 元,黑色,8 千克,青石是一张折叠桌，不防水。
白露 靠背椅,桌椅,199 元,白色,3 千克,白露是一把靠背椅，支持无线充电。
霜降 保温杯,杯具,89 元,红色,300 克,霜降是一只保温杯，不支持无线充电。
"""
WORDS = [
    "do",
    "you",
    "have",
    "any",
    "which",
    "products",
    "things",
    "come",
    "in",
    "green",
    "waterproof",
    "lightest",
    "more",
    "than",
    "2",
    "kg",
    "chairs",
    "lamps",
    "under",
    "50",
    "red",
    "cheapest",
    "有",
    "椅子",
    "最便宜",
    "的",
    "吗",
]


def chunks(text: str, language: Language) -> list[Chunk]:
    return [
        Chunk(
            f"{language}{number}", f"{language}.csv", "Products", section.heading, section.text, tuple(section.text.splitlines()),
            section.kind, language, number,
        )
        for number, section in enumerate(parse_csv(text).sections)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ranges() -> dict[Language, Catalogue]:
    return catalogues([*chunks(EN, "en"), *chunks(ZH, "zh")])


def told(ranges: dict[Language, Catalogue], text: str, before: Sequence[str] = ()) -> str:
    language: Language = "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"
    passage = overview(text, ranges[language], language, thesaurus(), before)
    return passage.chunk.text if passage else ""


def names(text: str) -> set[str]:
    every = ("Alba", "Bora", "Corda", "Duna", "Eno", "青石", "白露", "霜降")
    return {name for name in every if name in text}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("do you have chairs", {"Corda", "Duna"}),
        ("any lanterns?", {"Bora"}),
        ("chairs", {"Corda", "Duna"}),
        ("do you sell green chairs", {"Corda"}),
        ("what is your cheapest chair", {"Corda"}),
        ("lightest chair", {"Duna"}),
        ("which chairs are under 100", {"Corda"}),
        ("any waterproof lamps or lanterns", {"Bora"}),
        ("anything under 40", {"Bora", "Eno"}),
        ("do you have cushions for my mom", {"Eno"}),
        ("which lamps do you have in stock", {"Alba"}),
        ("有椅子吗", {"白露"}),
        ("有没有200元以下的椅子", {"白露"}),
        ("最便宜的桌子", {"青石"}),
        ("红色的杯子有吗", {"霜降"}),
    ],
)
def test_what_fits_is_listed(ranges: dict[Language, Catalogue], text: str, wanted: set[str]):
    assert names(told(ranges, text)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "how do I return a chair", "do you have a phone number", "is the chair comfortable", "my chair is broken, do you have spare parts",
        "do you sell bicycles", "chair delivery", "how much is the chair", "does it come in red",
        "有没有客服电话", "椅子坏了怎么办", "椅子配件有吗", "有自行车吗",
    ],
)  # fmt: skip
def test_other_questions_are_left_alone(ranges: dict[Language, Catalogue], text: str):
    assert told(ranges, text) == ""


def test_what_nothing_fits_is_said_with_the_nearest(ranges: dict[Language, Catalogue]):
    said = told(ranges, "do you have chairs under 50")
    assert said.startswith("None of our products fits all of that.")
    assert names(said) == {"Corda", "Duna"}


def test_a_denied_feature_is_not_one(ranges: dict[Language, Catalogue]):
    assert names(told(ranges, "支持无线充电的杯子和椅子有哪些")) == {"白露"}


def test_what_is_sold_out_is_said(ranges: dict[Language, Catalogue]):
    assert "Sold out" in told(ranges, "do you have table lamps")


def test_everything_by_category(ranges: dict[Language, Catalogue]):
    said = told(ranges, "what do you sell?")
    assert "5" in said.splitlines()[0]
    assert "Chairs: Corda Chair, Duna Chair" in said


def test_a_follow_up_takes_what_it_leaves_out_from_the_question_before(ranges: dict[Language, Catalogue]):
    assert names(told(ranges, "and the cheapest?", ["which chairs do you have"])) == {"Corda"}
    assert names(told(ranges, "and cushions?", ["what is your cheapest chair"])) == {"Eno"}
    assert told(ranges, "and cushions?", ["how long is the warranty of the chair"]) == ""


OWN = """item_no,product,department,retail_usd,weight_kg,capacity_l,stock
B-01,Swift Bike,Bikes,1250,8.9,,4
B-02,Ridge Bike,Bikes,899,13.8,,0
T-01,Alpine Duo Tent,Tents,249,2.1,,7
T-02,Family Dome Tent,Tents,399,6.4,,3
P-01,Daytrip Pack,Backpacks,59,0.6,22,9
P-02,Trail Pack,Backpacks,119,1.5,55,2
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("bikes under $1000", {"Ridge"}),
        ("which bikes weigh less than 10 kg", {"Swift"}),
        ("lightest tent", {"Alpine"}),
        ("backpacks with more than 50 l", {"Trail"}),
        ("what is your most expensive product", {"Swift"}),
        ("products under 100 dollars", {"Daytrip"}),
    ],
)
def test_columns_that_a_program_named_and_figures_without_their_unit(text: str, wanted: set[str]):
    own = catalogues(chunks(OWN, "en"))["en"]
    passage = overview(text, own, "en", thesaurus())
    assert passage
    assert {name for name in ("Swift", "Ridge", "Alpine", "Family", "Daytrip", "Trail") if name in passage.chunk.text} == wanted
    assert "USD" in passage.chunk.text


def test_what_no_product_has_is_left_alone(ranges: dict[Language, Catalogue]):
    assert told(ranges, "which products are green and waterproof") == ""


def test_a_bound_that_is_not_understood_is_not_passed_over():
    own = catalogues(chunks(OWN, "en"))["en"]
    assert overview("tents for at least 3 people", own, "en", thesaurus()) is None


def test_a_table_without_prices_is_no_catalogue():
    assert catalogues(chunks("Name,City\nNorth,Oslo\nSouth,Rome\nWest,Lima\n", "en")) == {}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join))
def test_any_question_is_read(text: str):
    ranges = catalogues(chunks(EN, "en"))
    passage = overview(text, ranges["en"], "en", Thesaurus({}, ()))
    assert passage is None or passage.chunk.sentences
