"""What an anonymous visitor said becomes the customer's who signs in, and nothing of anybody else's does."""

import pytest
from sqlalchemy import Engine

from bot.adopt import Adopted, adopt
from bot.erase import erase_customer
from bot.errors import BadMessage
from bot.examples import Pool
from bot.memory import MOST, Memory
from bot.messages import Example, Request
from bot.store import Store

pytest_plugins = ("tests.databases",)


def tell(engine: Engine, customer: str, conversation: str, text: str) -> None:
    got = Store(engine).receive(Request(text, conversation, customer))
    Memory(engine).learn(customer, conversation, got.message)


def facts(engine: Engine, customer: str) -> set[str]:
    return {one.fact.text for one in Memory(engine).of(customer)}


def test_conversations_facts_and_proposals_go_along_and_nobody_elses(engine: Engine):
    tell(engine, "visitor", "v1", "My order number is AB-1001.")
    tell(engine, "other", "o1", "My order number is XY-2002.")
    tell(engine, "seven", "s1", "My order number is CD-3003.")
    Pool(engine).add(Example("", "How heavy is it?", "Two kilograms.", conversation="v1", customer="visitor"))
    assert adopt(engine, "visitor", "seven") == Adopted(conversations=1, facts=1, examples=1)
    store = Store(engine)
    assert (store.latest("seven"), set(store.conversations_of("seven"))) == ("s1", {"s1", "v1"})
    assert store.transcript("v1", "seven")[0].text == "My order number is AB-1001."
    assert (store.conversations_of("visitor"), facts(engine, "visitor")) == ([], set())
    assert (store.conversations_of("other"), len(facts(engine, "other")), len(facts(engine, "seven"))) == (["o1"], 1, 2)
    assert adopt(engine, "visitor", "seven") == adopt(engine, "seven", "seven") == Adopted()
    assert erase_customer(engine, "seven").examples == 1


def test_of_a_fact_that_both_have_the_later_stays(engine: Engine):
    tell(engine, "seven", "s1", "I'd rather be contacted by letter.")
    tell(engine, "visitor", "v1", "I'd rather be contacted by telegram.")
    tell(engine, "earlier", "e1", "I'd rather be contacted by email.")
    tell(engine, "nine", "n1", "I'd rather be contacted by letter.")
    adopt(engine, "visitor", "seven")
    adopt(engine, "earlier", "nine")
    assert ["telegram" in text for text in facts(engine, "seven")] == [True]
    assert ["letter" in text for text in facts(engine, "nine")] == [True]


def test_no_more_is_remembered_than_of_anybody(engine: Engine):
    for number in range(MOST):
        tell(engine, "seven", "s1", f"My order number is AB-{1000 + number}.")
    tell(engine, "visitor", "v1", "My order number is CD-9999.")
    adopt(engine, "visitor", "seven")
    held = facts(engine, "seven")
    assert len(held) == MOST
    assert any("CD-9999" in text for text in held)


def test_an_id_that_nobody_can_have_is_refused(engine: Engine):
    with pytest.raises(BadMessage):
        adopt(engine, "visitor", "a\nb")
