"""Facts of customers: learned once, corrected, expiring, recalled by relevance, and never another's."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from bot.facts import KEPT
from bot.memory import MOST, SHOWN, Memory
from bot.messages import Request
from bot.store import Store
from bot.tables import messages

pytest_plugins = ("tests.databases",)


@pytest.fixture
def memory(engine: Engine) -> Memory:
    return Memory(engine)


def tell(store: Store, memory: Memory, text: str, customer: str = "anna", conversation: str = "") -> None:
    got = store.receive(Request(text, conversation or f"c-{customer}", customer))
    memory.learn(customer, got.conversation, got.message)


def texts(memory: Memory, customer: str = "anna") -> set[str]:
    return {one.fact.text for one in memory.of(customer)}


def test_a_fact_is_kept_with_its_message_and_said_again_it_stays_one(store: Store, memory: Memory):
    got = store.receive(Request("My order number is AK-57381.", "c", "anna"))
    assert [fact.text for fact in memory.learn("anna", "c", got.message)] == ["order number AK-57381"]
    memory.learn("anna", "c", got.message)
    (known,) = memory.of("anna")
    assert (known.conversation, known.message) == ("c", got.message)
    tell(store, memory, "As I said, my order is ak-57381!", conversation="d")
    (again,) = memory.of("anna")
    assert (again.id, again.conversation) == (known.id, "d")
    assert again.at > known.at
    assert again.text == f"order number AK-57381 ({again.at.date().isoformat()})"


def test_it_is_corrected(store: Store, memory: Memory):
    tell(store, memory, "My order is 111111.")
    tell(store, memory, "My other order is 222222.")
    tell(store, memory, "No, my order is 333333.")
    assert texts(memory) == {"order number 111111", "order number 333333"}
    tell(store, memory, "Sorry, it is not 111111 but 444444.")
    assert texts(memory) == {"order number 333333", "order number 444444"}
    tell(store, memory, "I'd rather be contacted by phone.")
    tell(store, memory, "I prefer e-mail after all.")
    assert {one.fact.text for one in memory.of("anna") if one.fact.kind == "preference"} == {'"I prefer e-mail after all."'}


def test_problems_end(store: Store, memory: Memory):
    tell(store, memory, "My Nova S5 is cracked.")
    tell(store, memory, "My Kite 14 won't start.")
    tell(store, memory, "My Nova S5 works now!")
    assert {one.fact.key for one in memory.of("anna") if one.fact.kind == "problem"} == {"kite 14"}
    tell(store, memory, "I sold my Kite 14.")
    assert {one.fact.key for one in memory.of("anna") if one.fact.kind == "product"} == {"nova s5"}


def test_facts_expire(store: Store, memory: Memory):
    tell(store, memory, "My Nova S5 is cracked.")
    now = datetime.now(UTC)
    assert {one.fact.kind for one in memory.of("anna", now + KEPT["problem"] + timedelta(days=1))} == {"product"}
    assert memory.of("anna", now + timedelta(days=1000)) == ()


def test_the_oldest_beyond_the_most_go(store: Store, memory: Memory):
    for number in range(MOST + 5):
        tell(store, memory, f"My order is {100_000 + number}.")
    held = memory.of("anna")
    assert len(held) == MOST
    assert "order number 100004" not in texts(memory)


def test_recall_is_by_relevance(store: Store, memory: Memory):
    for number in range(20):
        tell(store, memory, f"My order is {100_000 + number}.")
    tell(store, memory, "I own a Nova S5.")
    found = memory.recall("anna", "Does the Nova S5 float?")
    assert found[0].fact.key == "nova s5"
    assert len(found) == SHOWN
    assert memory.recall("bert", "Does the Nova S5 float?") == ()


def test_a_customer_has_only_their_own_and_erases_only_their_own(store: Store, memory: Memory):
    tell(store, memory, "My order is 111111.")
    tell(store, memory, "My order is 222222.", "bert")
    (anna,), (bert,) = memory.of("anna"), memory.of("bert")
    assert memory.erase("anna", bert.id) == 0
    assert memory.erase("anna", anna.id) == 1
    assert (texts(memory), texts(memory, "bert")) == (set(), {"order number 222222"})
    tell(store, memory, "My order is 111111. I own a Nova S5.")
    assert memory.erase("anna") == 2
    assert texts(memory, "bert") == {"order number 222222"}


def test_only_what_customers_say_is_read(engine: Engine, store: Store, memory: Memory):
    got = store.receive(Request("My order is 111111.", "c", "anna"))
    with engine.begin() as connection:
        connection.execute(update(messages).where(messages.c.id == got.message).values(role="agent"))
    assert memory.learn("anna", "c", got.message) == ()
    assert memory.learn("anna", "c", "no-such-message") == ()
