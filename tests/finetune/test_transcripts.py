"""Conversations -> redacted conversations and examples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from bot.examples import Pool
from bot.messages import Message
from bot.tables import metadata as bot
from finetune.archive import Archive
from finetune.conversations import Conversation, Loaded
from finetune.quality import exchanges, unusable
from finetune.tables import metadata
from finetune.transcripts import REPEATS, customer_key, keep, prepare, report

C, A, B = "customer", "agent", "bot"


def talk(name: str, *lines: tuple[str, str], **more: str) -> Conversation:
    return Conversation(name, tuple(Message(role, text) for role, text in lines), **more)  # type: ignore[arg-type]


def prepared(*talks: Conversation):
    return prepare(Loaded(talks), source="shop.jsonl")


def test_replies_of_agents_become_examples_and_those_of_bots_never():
    found = prepared(
        talk(
            "1",
            (C, "Do you ship to Norway?"),
            (B, "I am a bot and I say yes."),
            (C, "How long does shipping take?"),
            (C, "To Oslo, that is."),
            (A, "Five days."),
            (A, "Sometimes six."),
            customer="c7",
            at="2024-01-01T00:00:00+00:00",
        )
    )
    (example,) = found.examples
    assert example.question.startswith("How long does shipping take?\n")
    assert (example.answer, example.customer, example.state) == ("Five days.\nSometimes six.", "c7", "pending")
    assert example.id == f"{found.conversations[0].id}-4"
    assert example.at == "2024-01-01T00:00:00+00:00"


def test_a_person_has_one_pseudonym_all_through_a_conversation():
    lines = ((C, "My mail is anna.lee@example.com, is it changed?"), (A, "Yes, anna.lee@example.com is on file now."))
    found = prepared(talk("1", *lines), talk("2", (C, "还有，邮箱是li@example.cn吗？"), (A, "是的，li@example.cn已登记。")))
    for conversation in found.conversations:
        assert all("[MAIL_1]" in turn.text and "example" not in turn.text for turn in conversation.turns)
    assert found.pii["MAIL"] == 4


@pytest.mark.parametrize(
    ("reason", "made"),
    [
        ("empty", talk("1", (A, "Hello?"))),
        ("no_agent", talk("1", (C, "Is it open?"), (B, "Yes."))),
        ("abusive", talk("1", (C, "Is it open?"), (A, "Go away, you idiot."))),
        ("abusive", talk("1", (C, "你们是不是傻逼，垃圾公司"), (A, "请冷静。"))),
        ("unresolved", talk("1", (C, "Is it open?"), (A, "Yes."), (C, "Until when?"))),
        ("unresolved", talk("1", (C, "It is broken."), (A, "Restart it."), (C, "That did not help."))),
        ("unresolved", talk("1", (C, "坏了怎么办"), (A, "重启。"), (C, "还是不行"))),
        ("unresolved", talk("1", (C, "Is it open?"), (A, "Yes."), status="open")),
        (None, talk("1", (C, "Is it open?"), (A, "Yes, until six."), (C, "Thanks!"), status="solved")),
    ],
)
def test_what_teaches_nothing_is_left_out_with_its_reason(reason: str | None, made: Conversation):
    assert unusable(made) == reason
    found = prepared(made)
    assert found.dropped == ({reason: 1} if reason else {})
    assert bool(found.examples) == (reason is None)


def test_small_talk_and_what_the_desk_says_by_itself_are_no_examples():
    lines = (
        (C, "Hello"),
        (A, "Hi there, welcome."),
        (C, "Is it open?"),
        (A, "This is an automated reply."),
        (C, "Is it open now?"),
        (A, "Yes."),
    )
    found = prepared(talk("1", *lines, (C, "Thanks"), (A, "You are welcome.")))
    assert [example.answer for example in found.examples] == ["Yes."]
    assert found.dropped == {"small_talk": 2, "automatic": 1}


def test_near_duplicates_and_endless_repetition_are_dropped():
    same = [talk(str(number), (C, "How much is the red chair in your shop?"), (A, "It costs forty pounds.")) for number in range(3)]
    found = prepared(*same)
    assert (len(found.conversations), found.duplicates) == (1, 2)
    asked = [
        f"Please cancel order {number}0{number} of the {word} lamp" for number in range(8) for word in ("red", "blue", "green", "white")
    ]
    found = prepared(*(talk(str(number), (C, text), (A, "I have cancelled it for you.")) for number, text in enumerate(asked)))
    assert len(found.examples) == REPEATS
    assert found.dropped["boilerplate"] == len(asked) - REPEATS


def test_a_customer_is_known_by_an_opaque_id():
    assert customer_key("4711") == "4711"
    assert customer_key("") == ""
    assert customer_key("anna@example.com") == customer_key("anna@example.com") != "anna@example.com"


def test_taking_a_file_in_twice_changes_nothing():
    engine = create_engine("sqlite://")
    for tables in (bot, metadata):
        tables.create_all(engine)
    pool, archive = Pool(engine), Archive(engine)
    found = prepared(talk("1", (C, "Is it open?"), (A, "Yes.")), talk("2", (C, "多少钱？"), (A, "九元。")))
    assert keep(found, pool, archive, "lena") == 0
    assert keep(found, pool, archive, "lena") == 2
    assert [(one.state, one.language) for one in pool.list()] == [("pending", "en"), ("pending", "zh")]
    assert report(Loaded(()), found, 2)["duplicates"] == 2


roles = st.sampled_from([C, A, B, "system", "action"])


@given(st.lists(st.builds(Message, roles, st.text(max_size=8)), max_size=12))
def test_every_example_is_an_agents_words_after_a_customers(turns: list[Message]):
    for place, question, answer in exchanges(tuple(turns)):
        assert turns[place].role == A
        assert answer.split("\n")[0] in turns[place].text.split("\n") or not turns[place].text
        assert any(turn.role == C and turn.text for turn in turns[:place])
        assert question


@settings(max_examples=30, deadline=None)
@given(st.lists(st.builds(Message, roles, st.text(max_size=30)), max_size=6))
def test_no_conversation_brings_it_down(turns: list[Message]):
    found = prepared(Conversation("1", tuple(turns)))
    assert len(found.conversations) + sum(found.dropped.values()) >= 1
