"""Which kind of figure is asked for, and whether a sentence has one."""

import pytest

from bot.expect import asked, has, kinds


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How much is the Nova S5?", "price"),
        ("what does express delivery cost", "price"),
        ("产品A多少钱？", "price"),
        ("运费多少", "price"),
        ("How long does delivery take?", "duration"),
        ("how many days do I have to return it", "duration"),
        ("退款多久到账", "duration"),
        ("几天能到", "duration"),
        ("Until what time are you open?", "time"),
        ("你们几点关门", "time"),
        ("What's your phone number?", "phone"),
        ("客服电话是多少", "phone"),
        ("Which e-mail address can I write to?", "mail"),
        ("how heavy is the laptop", "weight"),
        ("笔记本多重", "weight"),
        ("How much storage does it have?", "capacity"),
        ("内存多大", "capacity"),
        ("what's the screen size", "size"),
        ("屏幕多少英寸", "size"),
        ("interest rate of the instalments", "percent"),
        ("分期利率", "percent"),
        ("how many watts is the charger", "power"),
        ("充电器多少瓦", "power"),
        ("how cold may it get", "temperature"),
        ("How many devices can I pair?", "number"),
        ("最多能连几台", "number"),
        ("Can I return it?", None),
        ("可以退货吗", None),
        ("", None),
    ],
)
def test_asked(question: str, kind: str | None):
    assert asked(question) == kind


@pytest.mark.parametrize(
    ("kind", "yes", "no"),
    [
        ("price", "It costs $949.", "It is cheap."),
        ("price", "价格：699元", "价格实惠"),
        ("price", "运费全免，免费配送", "请联系客服"),
        ("duration", "within 30 days", "very soon"),
        ("duration", "三个工作日内", "很快"),
        ("time", "from 9:00 to 18:00", "in the morning"),
        ("time", "上午9点", "上午"),
        ("phone", "+1 (800) 555-0199", "12 34"),
        ("mail", "help@techcorp.example", "help at techcorp"),
        ("percent", "20% off", "20 off"),
        ("percent", "九折优惠", "优惠"),
        ("weight", "1.2 kg", "light"),
        ("size", "6.7 英寸", "很大"),
        ("capacity", "512 GB", "plenty"),
        ("number", "two devices", "devices"),
    ],
)
def test_has(kind: str, yes: str, no: str):
    assert has(kind, yes)
    assert not has(kind, no)


def test_what_is_asked_for_can_be_looked_for():
    assert {asked(question) for question in ("how much is it", "how long", "几点", "多少瓦")} <= set(kinds())
