"""What counts as a model's "I don't know"."""

import pytest

from bot.declines import declines, offers_person
from bot.prompts import texts

UNKNOWN = [
    "I don't know.",
    "I do not know. Would you like me to bring in a person?",
    "I'm sorry, but I don't have that information.",
    "I’m sorry, I couldn’t find that in the passages. I can connect you with a colleague.",
    "Sorry. The passages do not mention gift wrapping.",
    "Unfortunately, the provided information doesn't say whether we ship to Iceland. Would you like to talk to an agent?",
    "I'm not sure. Please contact our support team.",
    "I am unable to answer that from the information I have.",
    "There is no information about that.",
    "我不知道。",
    "很抱歉，我不知道答案。需要为您转接人工客服吗？",
    "抱歉，资料中没有提到这一点，需要我为您转接人工吗？",
    "对不起，我没有找到相关信息。",
    "根据现有资料，我无法回答这个问题。",
]
ANSWERS = [
    "You have 30 days.",
    "Returns are free within 30 days. I don't know how long a refund to a foreign card takes.",
    "I don't know the exact date, but standard delivery takes 3 to 5 working days.",
    "You do not need to know your order number.",
    "If you don't know your size, measure your foot from heel to toe.",
    "The box does not contain batteries.",
    "You can contact our support team by phone until 6 pm.",
    "自签收之日起30天内可以退货。",
    "如果不知道尺码，请参考尺码表。",
    "该商品没有保修，但可以在30天内退货。",
    "您可以联系人工客服修改地址。",
    "",
]


@pytest.mark.parametrize("reply", [*UNKNOWN, *(texts(language).reply("dont_know") for language in ("en", "zh"))])
def test_a_dont_know_in_a_models_own_words_is_one(reply: str):
    assert declines(reply)


@pytest.mark.parametrize("reply", ANSWERS)
def test_a_reply_that_says_something_is_an_answer(reply: str):
    assert not declines(reply)


def test_an_offer_of_a_person_is_seen():
    assert offers_person("I do not know. Would you like me to bring in a person?")
    assert offers_person("抱歉，我不知道答案。需要为您转接人工客服吗？")
    assert not offers_person("I don't know.")
    assert not offers_person("Our team answers until 6 pm.")
