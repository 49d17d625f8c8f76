"""An anonymous visitor turns out to be a customer: what they said and what is remembered of it becomes the customer's own.

Whoever calls this has made sure that both are the same person: that one request came with the visitor's own signed id and with the shop's
word for who is signed in.
"""

from dataclasses import dataclass

from sqlalchemy import Engine, select, update

from bot import memory
from bot.records import checked_customer
from bot.tables import conversations, examples


@dataclass(frozen=True, slots=True)
class Adopted:
    """How many of each became the customer's."""

    conversations: int = 0
    facts: int = 0
    examples: int = 0


def adopt(engine: Engine, visitor: str, customer: str) -> Adopted:
    """Make all of a visitor's the customer's, in one transaction; done again it finds nothing more.

    Of a fact that both have the later one stays. Examples keep their side of training or evaluation. Raises `BadMessage` for an id that no
    customer can have.
    """
    theirs = conversations.c.customer == checked_customer(visitor)
    checked_customer(customer)
    if visitor == customer:
        return Adopted()
    with engine.execution_options(read_only=True).begin() as connection:
        if connection.scalar(select(conversations.c.id).where(theirs).limit(1)) is None:
            return Adopted()  # which is so nearly always, and then nothing is written
    with engine.begin() as connection:
        moved = connection.execute(update(conversations).where(theirs).values(customer=customer)).rowcount
        learned = connection.execute(update(examples).where(examples.c.customer == visitor).values(customer=customer)).rowcount
        return Adopted(moved, memory.hand_on(connection, visitor, customer), learned)
