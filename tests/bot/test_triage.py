"""Small talk, a wish for a person, or a question; and in which language."""

import pytest

from bot.triage import Triage, cleaned, language_of, triage

GREETINGS = [
    "Hi",
    "hello!",
    "Good morning",
    "hey there",
    "Hello, how are you?",
    "anyone there?",
    "你好",
    "您好！",
    "在吗？",
    "你好，在吗",
    "晚上好",
]
THANKS = [
    "Thanks!",
    "thank you so much",
    "ok, thanks",
    "ok",
    "Great.",
    "no thanks",
    "谢谢",
    "好的，谢谢您！",
    "非常感谢",
    "明白了",
    "不用了，谢谢",
    "👍",
]
GOODBYES = ["Bye", "thanks, bye!", "Thank you, goodbye.", "see you later", "that's all", "再见", "拜拜", "好的，谢谢，再见", "没别的问题了"]
PERSONS = [
    "I want to talk to a person",
    "Can I speak with a human being please?",
    "connect me to an agent",
    "get me a manager!",
    "I need a real person",
    "agent",
    "human please",
    "Is there someone I can talk to?",
    "not a bot, please",
    "I would like to talk to a person.",
    "a person please, it is about order 48213",
    "Hi, an agent please",
    "please, a real human",
    "can a human look at my order?",
    "how do I reach a real person",
    "我想转人工客服。",
    "转人工",
    "可以转人工吗？",
    "人工客服在吗",
    "有人工吗？",
    "我要找真人",
    "给我叫你们经理",
    "不想跟机器人聊",
]
QUESTIONS = [
    "Until what time can I chat with a real person in the evening?",
    "What are the hours to speak to an agent?",
    "How much does it cost to talk to a person?",
    "is a person needed at home to sign for the parcel please",
    "The agent at the store said please ask here",
    "can a person carry it alone?",
    "Do I need someone at home to sign for it?",
    "Can I pass my warranty on to someone else?",
    "I'd like to send it to someone as a gift",
    "hello, how much is the Nova S5?",
    "thanks, and what about returns?",
    "人工客服几点上班？",
    "转人工要等多久？",
    "怎么联系人工客服？",
    "维修要人工费吗",
    "你好，请问怎么退货",
    "谢谢，那运费多少",
    "???",
    "",
]


@pytest.mark.parametrize(
    ("kind", "text"),
    [(kind, text) for kind, texts in [("greeting", GREETINGS), ("thanks", THANKS), ("goodbye", GOODBYES)] for text in texts]
    + [("person", text) for text in PERSONS]
    + [("question", text) for text in QUESTIONS],
)
def test_kind(kind: str, text: str):
    assert triage(text).kind == kind


def test_a_long_story_is_a_question_first():
    assert triage(f"{'The lamp arrived broken. ' * 10}I want to talk to a person").kind == "question"


@pytest.mark.parametrize("text", ["yes", "Yes, please.", "ok", "sure", "please do", "好的", "需要", "要", "可以，转吧", "是的"])
def test_a_yes_to_an_offered_person_is_a_wish_for_one(text: str):
    assert triage(text, offered=True).kind == "person"
    assert triage(text).kind != "person"


@pytest.mark.parametrize("text", ["no", "No thanks", "不用了", "算了", "nope"])
def test_a_no_to_an_offered_person_is_taken_kindly(text: str):
    assert triage(text, offered=True).kind == "thanks"


@pytest.mark.parametrize("text", ["How do I return it?", "怎么退货", "???"])
def test_another_question_after_the_offer_is_a_question(text: str):
    assert triage(text, offered=True).kind == "question"


@pytest.mark.parametrize(
    ("text", "language"),
    [("Where is my order?", "en"), ("订单在哪", "zh"), ("iPhone 15 多少钱", "zh"), ("¿Dónde está mi pedido que no es?", "other")]
    + [
        (f"{mark} 你好", "zh")
        for mark in ("<img src=x onerror=alert(1)>", "https://shop.example/where/is/my/order", "mei.ling@help.example")
    ]
    + [("is 3 < 4 and 5 > 2", "en"), ("<b>where is my order</b>", "en")],
)
def test_the_text_tells_its_language(text: str, language: str):
    assert triage(text, "zh" if language == "en" else "en", "zh" if language == "en" else "en").language == language


@pytest.mark.parametrize("text", ["ok", "OK!", "123", "?", "👍", "hi", "E-07", "https://shop.example/orders", "<br>"])
def test_what_does_not_tell_follows_the_conversation_then_the_page(text: str):
    assert language_of(text) is None
    assert triage(text, "en", "zh").language == "zh"
    assert triage(text, "zh").language == "zh"
    assert triage(text).language == "en"


def test_full_width_letters_are_letters():
    assert triage("ＨＥＬＬＯ！") == Triage("en", "greeting")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  退货要多久？ \r\n\r\n谢谢！ ", "退货要多久？\n\n谢谢！"),
        ("a\x00b\x07c\ud83dd\u200be\ufefff\U000e0041g", "a b cdefg"),
        ("👩\u200d🚀 ½ ①", "👩\u200d🚀 ½ ①"),
        (" \u200b\x00\t\n ", ""),
        ("<b>hi</b> ${x} {y}", "<b>hi</b> ${x} {y}"),
    ],
)
def test_a_message_is_kept_as_it_was_typed_but_for_what_nobody_sees(typed: str, kept: str):
    assert cleaned(typed) == kept
    assert cleaned(kept) == kept
