import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alike import Alike, alike


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How long do I have to return a laptop?", "how long do i have, to return the laptops"),
        ("笔记本电脑可以退货吗？", "请问笔记本电脑可以退货吗"),
        ("It costs $1,299.00.", "It costs 1299 $"),
        ("???", "???"),
    ],
)
def test_nearly_the_same(one: str, other: str):
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How much is the Nova S5 phone?", "How much is the Nova S6 phone?"),
        ("Refunds arrive within 5 business days.", "Refunds arrive within 7 business days."),
        ("Opened software can be returned.", "Opened software cannot be returned."),
        ("拆封的软件可以退货。", "拆封的软件不可以退货。"),
        ("How do I return a laptop?", "How do I repair a laptop?"),
        ("???", "!!!"),
        ("Can I return it?", ""),
    ],
)
def test_not_the_same(one: str, other: str):
    assert not alike(one, other)


@given(st.lists(st.text("abcde 退货保修12不", max_size=24), max_size=12), st.text("abcde 退货保修12不", max_size=24))
def test_nothing_near_is_missed(texts: list[str], asked: str):
    kept = Alike()
    for number, text in enumerate(texts):
        kept.add(number, text)
    assert kept.find(asked) == [number for number, text in enumerate(texts) if alike(asked, text)]
