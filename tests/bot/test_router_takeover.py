"""A person takes a conversation over: before the turn, while the bot looks something up, and in the middle of its reply."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import desk as people
from bot.backends.fake import FakeBackend
from bot.messages import Answer, Delta, Request
from bot.router import WITH_PERSON
from tests.bot.turning import ASKED, Desk, desk


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path, FakeBackend(["one ", "two ", "three"], delay_s=0.4)) as opened:
        yield opened


def test_the_bot_is_silent_while_a_person_has_the_conversation(shop: Desk):
    shop.ask("hello", conversation="c")
    people.take_over(shop.engine, "c", "anna", "Anna")
    *pieces, answer = list(shop.request(ASKED, conversation="c", message="m2"))
    assert pieces == []
    assert isinstance(answer, Answer)
    assert (answer.text, answer.route, answer.reason) == ("", "human", WITH_PERSON)
    assert [line.text for line in shop.store.transcript("c", "anna")][-1] == ASKED
    assert shop.store.unanswered() == ()  # so no restart answers it either


def test_after_handing_back_the_bot_answers_the_same_message(shop: Desk):
    shop.ask("hello", conversation="c")
    people.take_over(shop.engine, "c", "anna", "Anna")
    list(shop.request(ASKED, conversation="c", message="m2"))
    people.hand_back(shop.engine, "c", "anna")
    assert shop.ask(ASKED, conversation="c", message="m2").text == "one two three"
    assert len([line for line in shop.store.transcript("c", "anna") if line.text == ASKED]) == 1


def test_a_reply_that_is_taken_over_before_its_first_word_is_never_said(shop: Desk):
    turn = shop.router.turn(Request(ASKED, "c", "anna", "m1"))
    shop.store.receive(Request(ASKED, "c", "anna", "m1"))
    people.take_over(shop.engine, "c", "anna", "Anna")
    assert [event.text for event in turn] == [""]
    assert len(shop.store.transcript("c", "anna")) == 1


def test_a_reply_that_is_taken_over_half_way_ends_there(shop: Desk):
    turn = shop.router.turn(Request(ASKED, "c", "anna", "m1"))
    first = next(turn)
    assert isinstance(first, Delta)
    people.take_over(shop.engine, "c", "anna", "Anna")
    *_, answer = list(turn)
    assert isinstance(answer, Answer)
    assert answer.interrupted
    assert answer.text.startswith(first.text)
    assert "three" not in answer.text
    assert shop.store.transcript("c", "anna")[-1].text == answer.text
