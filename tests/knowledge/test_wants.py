import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.wants import Limit, wants

INF = float("inf")


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("phones under $500", [Limit(0, 500, "", True)]),
        ("any laptop below 1.5k?", [Limit(0, 1500, "", True)]),
        ("phones between 300 and 800 euros", [Limit(300, 800, "", True)]),
        ("at least 256gb", [Limit(256, INF, "data", False)]),
        ("laptops lighter than 1.5 kg", [Limit(0, 1500, "mass", False)]),
        ("around 200 dollars", [Limit(150, 250, "", True)]),
        ("500块以下的手机", [Limit(0, 500, "", True)]),
        ("两百到三百美元之间的平板", [Limit(200, 300, "", True)]),
        ("一千五以上的电脑", [Limit(1500, INF, "", True)]),
        ("预算3000元", [Limit(0, 3000, "", True)]),
        ("it arrives in 5-7 days", []),
        ("the Nova Max 6", []),
        ("tents for at least 3 people", []),
        ("重量低于 1.5 千克的笔记本", [Limit(0, 1500, "mass", False)]),
    ],
)
def test_bounds(text: str, limits: list[Limit]):
    found = wants(text).limits
    assert [(limit.unit, limit.money) for limit in found] == [(limit.unit, limit.money) for limit in limits]
    assert [(limit.low, limit.high) for limit in found] == [pytest.approx((limit.low, limit.high)) for limit in limits]


@pytest.mark.parametrize(
    ("text", "way", "field"),
    [
        ("what is your cheapest laptop", "least", ""),
        ("最贵的手机", "most", ""),
        ("lightest tablet", "least", "weight"),
        ("续航最久的手机", "most", "续航"),
    ],
)
def test_an_end_of_a_scale(text: str, way: str, field: str):
    order = wants(text).order
    assert order
    assert order[1] == way
    assert field in order[0] if field else not order[0]


@pytest.mark.parametrize(
    "text", ["do you have laptops", "which phones do you sell", "any monitors in stock?", "有没有平板", "卖路由器不", "推荐个耳机"]
)
def test_the_form_of_a_question_about_the_range(text: str):
    assert wants(text).asks


@pytest.mark.parametrize("text", ["my order is late", "how do I reset my password", "退款多久到账", "我要退货"])
def test_other_questions(text: str):
    read = wants(text)
    assert (read.asks, read.everything, read.order, read.limits) == (False, False, None, ())


@pytest.mark.parametrize("text", ["what do you sell", "what products do you have?", "你们都卖什么", "有哪些产品"])
def test_the_whole_range(text: str):
    assert wants(text).everything


@given(st.text(max_size=60) | st.text(alphabet="一二两三百千万0123456789$k 到以下元under between", max_size=40))
def test_any_text_is_read(text: str):
    assert all(limit.low >= 0 and limit.high >= 0 for limit in wants(text).limits)
