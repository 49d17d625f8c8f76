"""What is read out of a customer's message, in both languages, and what is not."""

import pytest

from bot.facts import read


def facts(text: str) -> list[tuple[str, str]]:
    return [(fact.kind, fact.key) for fact in read(text).facts]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My order number is ak-57381, by the way.", [("order", "AK-57381")]),
        ("How do I return my order 12345?", [("order", "12345")]),
        ("订单号是DK-48234", [("order", "DK-48234")]),
        ("I own a Nova S5 that I bought in May.", [("product", "nova s5")]),
        ("我有一台Aero Mini，是4月2日买的。", [("product", "aero mini")]),
        ("My Pulse Watch 3 won't charge.", [("product", "pulse watch 3"), ("problem", "pulse watch 3")]),
        ("我的Aero Mini铰链裂了。", [("product", "aero mini"), ("problem", "aero mini")]),
        ("I'd rather be contacted by e-mail than by phone.", [("preference", "contact")]),
        ("我更希望用短信联系，不要打电话。", [("preference", "contact")]),
        ("I am allergic to nickel.", [("preference", "i am allergic to nickel.")]),
        ("我对镍过敏。", [("preference", "我对镍过敏。")]),
    ],
)
def test_facts(text: str, found: list[tuple[str, str]]):
    assert facts(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Where is my parcel?",
        "Do you prefer cash?",
        "My card is 4111 1111 1111 1111",
        "Can I pay for order 5 with a card?",
        "Is the Nova S5 broken often?",
        "有蓝色的吗？",
        "谢谢！",
        "",
    ],
)
def test_nothing_is_made_of_questions_and_small_talk(text: str):
    assert facts(text) == []


@pytest.mark.parametrize(
    ("text", "found", "gone"),
    [
        ("No, my order is AK-124.", [("order", "AK-124")], (("order", ""),)),
        ("Sorry, it's not 58213 but 58214.", [("order", "58214")], (("order", "58213"),)),
        ("不对，订单号是DK-48235", [("order", "DK-48235")], (("order", ""),)),
        ("I sold my Nova S5.", [], (("product", "nova s5"),)),
        ("我的Aero Mini卖掉了", [], (("product", "aero mini"),)),
        ("It works now, thanks!", [], (("problem", ""),)),
        ("已经解决了", [], (("problem", ""),)),
    ],
)
def test_corrections(text: str, found: list[tuple[str, str]], gone: tuple[tuple[str, str], ...]):
    assert facts(text) == found
    assert read(text).gone == gone


def test_what_is_personal_becomes_a_pseudonym():
    (fact,) = read("I'd rather be contacted at anna.b@example.com.").facts
    assert "anna.b" not in fact.text
    assert "anna.b" not in fact.key
    (fact,) = read("请只打13892543342联系我。").facts
    assert "13892543342" not in fact.text + fact.key


def test_a_key_fits_its_column():
    assert all(len(fact.key) <= 128 for fact in read("I only drink tea, " + "and more tea " * 50).facts)
