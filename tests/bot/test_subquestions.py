"""A message that asks several things: the questions in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evidence import gathered, looks
from bot.followup import focus
from bot.messages import Message
from bot.subquestions import MOST, apart, clause
from knowledge.documents import Chunk, Passage
from knowledge.report import Found


@pytest.mark.parametrize(
    ("message", "asks"),
    [
        ("how much is product a and does it come with a charger", ["how much is product a", "does it come with a charger"]),
        ("What is the return window? And how much is express?", ["What is the return window?", "how much is express?"]),
        ("Where are your stores and when are they open?", ["Where are your stores", "when are they open?"]),
        ("how much is the k87, whats its battery life", ["how much is the k87", "whats its battery life"]),
        ("How long do I have, and who pays for the label?", ["How long do I have", "who pays for the label?"]),
        ("gift cards. do they expire? and how many can I use", ["gift cards. do they expire?", "how many can I use"]),
        ("Redirecting a parcel - cost? Price of a new battery?", ["Redirecting a parcel - cost?", "Price of a new battery?"]),
        ("产品A多少钱，保修多久", ["产品A多少钱", "保修多久"]),
        ("退货期限是多久？运费谁出？", ["退货期限是多久？", "运费谁出？"]),
        ("可以开发票吗？另外怎么修改收货地址", ["可以开发票吗？", "怎么修改收货地址"]),
        ("手环2防水不？还有它自己带GPS吗", ["手环2防水不？", "它自己带GPS吗"]),
    ],
)
def test_questions_are_told_apart(message: str, asks: list[str]):
    assert list(apart(message)) == asks


@pytest.mark.parametrize(
    "message",
    [
        "how much is product a",
        "which is lighter, Product A or Nova S5",
        "can I return it if I opened it and lost the box",
        "My earbuds don't connect and I reset them already, what now?",
        "It will not turn on. What can I do? Any idea?",
        "My Vela stops charging. Is it broken? Why does it do that?",
        "Does the cable work with a monitor? I mean can it carry the picture?",
        "How do I know when it ships and where it is",
        "I live on the fourth floor and have a bad back.",
        "I was at work when UPS came twice and now it waits at a pickup point.",
        "手机充不进电，怎么办，怎么回事",
        "退款退到哪里？是退回卡里还是变成余额？",
        "物流好几天没动静了，多久算丢件？",
        "你好，还有货吗",
        "",
        "?!",
    ],
)
def test_one_question_stays_whole(message: str):
    assert apart(message) == ()


@given(st.text(max_size=300))
def test_questions_are_pieces_of_the_message_and_few(message: str):
    asks = apart(message)
    assert len(asks) <= MOST
    assert len(asks) != 1
    assert all("".join(ask.split()) in "".join(message.split()) for ask in asks)


@pytest.mark.parametrize("message", ["My vacuum stopped and says E5. What's wrong with it?", "机器人报E5。怎么回事？"])
def test_what_only_asks_for_help_asks_with_all_that_it_tells(message: str):
    assert "E5" in focus(message)[0]


def test_a_question_without_a_mark_is_no_story_to_one_that_has_one():
    assert focus("I bought two gift cards. Do they expire? How many can I use for an order")[0] == (
        "Do they expire? How many can I use for an order"
    )


@pytest.mark.parametrize(
    ("question", "ask", "told"),
    [
        ("躺床上看书怕砸脸，轻羽8英寸小平板有多重？", "轻羽8英寸小平板有多重？", "躺床上看书怕砸脸"),
        ("我上周买的，还能退吗", "我上周买的，还能退吗", ""),  # what asks does not stand alone
        ("产品A多少钱，有点贵啊", "产品A多少钱，有点贵啊", ""),
        ("I read in bed, how heavy is the small tablet?", "I read in bed, how heavy is the small tablet?", ""),
    ],
)
def test_what_a_chinese_question_tells_before_it_asks_is_a_story(question: str, ask: str, told: str):
    assert clause(question) == (ask, told)
    assert [line.line for look in looks(question, (), lambda *_: False) for line in look.context] == ([told] if told else [])


def test_a_later_question_leans_on_the_one_before_it():
    first, second = looks("how much is product a and does it come with a charger", (), lambda *_: False)
    assert first.context == ()
    assert [line.line for line in second.context] == ["how much is product a"]
    assert second.question == "does it come with a charger (how much is product a)"


def test_the_first_of_two_questions_leans_on_what_was_said_before():
    before = (Message("customer", "tell me about product a"),)
    first, _ = looks("and how heavy is it? what colours does it come in?", before, lambda *_: False)
    assert [line.line for line in first.context] == ["tell me about product a"]


def found(*ids: str) -> Found:
    return Found(tuple(Passage(Chunk(id_, "a.md", "A", (), id_, (id_,), "text", "en", 0), 0.5 + 0.1 * int(id_)) for id_ in ids))


def test_what_is_found_on_several_questions_is_the_best_of_each_first():
    asks = looks("how much is it and does it have a case", (), lambda *_: False)
    both = dict(zip(asks, (found("1", "2"), found("3", "1")), strict=True))
    together = gathered(asks, both.__getitem__)
    assert [passage.chunk.id for passage in together.passages] == ["3", "1", "2"]  # whether anything is near is told by the first
    assert [[passage.chunk.id for passage in part.passages] for part in together.parts] == [["1", "2"], ["3", "1"]]
    assert gathered(asks[:1], lambda _: found("1")) == found("1")


def test_passages_are_changed_and_left_out_in_the_parts_too():
    asks = looks("how much is it and does it have a case", (), lambda *_: False)
    together = gathered(asks, lambda _: found("1", "2"))
    assert [passage.chunk.id for part in together.only({"2"}).parts for passage in part.passages] == ["2", "2"]
    assert not any(part.passages[0].score for part in together.each(lambda one: Passage(one.chunk, 0.0)).parts)
