"""What customers did not like becomes a proposal, once, and is never approved as it was."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from bot.errors import BadExample
from bot.examples import Pool, side
from bot.flagged import propose_flagged
from bot.messages import Answer, Citation, Example, Request
from bot.store import Store

pytest_plugins = ("tests.databases",)

CITED = Citation("c1", "returns.md", "Returns", "Returns take 30 days.", 0.9)


@pytest.fixture
def pool(engine: Engine) -> Pool:
    return Pool(engine)


def rated(engine: Engine, conversation: str, question: str, answer: str, rating: int = -1, **more: object) -> str:
    """A conversation with one rated reply."""
    store = Store(engine)
    got = store.receive(Request(question, conversation, f"of-{conversation}"))
    made = Answer(answer, conversation, got.message, **({"backend": "local", "citations": (CITED,)} | more))  # type: ignore[arg-type]
    reply = store.finish(made, {})
    store.rate(reply, f"of-{conversation}", rating)  # type: ignore[arg-type]
    return reply


def test_a_thumbs_down_becomes_one_proposal_with_a_link_to_its_conversation(engine: Engine, pool: Pool):
    rated(engine, "c1", "How long can I return a laptop?", "Within 7 days.")
    rated(engine, "c2", "What does shipping cost?", "It is free.", rating=1)
    assert propose_flagged(engine) == 1
    (made,) = pool.list()
    assert (made.question, made.answer, made.flagged) == ("How long can I return a laptop?", "Within 7 days.", "Within 7 days.")
    assert (made.state, made.conversation, made.customer, made.source) == ("pending", "c1", "of-c1", "returns.md")
    assert (pool.flagged(), propose_flagged(engine), len(pool.list())) == (1, 0, 1)


def test_the_disliked_answer_cannot_be_approved_a_better_one_can(engine: Engine, pool: Pool):
    rated(engine, "c1", "How long can I return a laptop?", "Within 7 days.")
    propose_flagged(engine)
    (made,) = pool.list()
    with pytest.raises(BadExample, match="examples edit flag-"):
        pool.approve(made.id, "lena")
    with pytest.raises(BadExample, match="customer did not like"):
        pool.edit(made.id, "lena", answer=" Within  7 days. ") and pool.approve(made.id, "lena")
    pool.edit(made.id, "lena", answer="Within 30 days.")
    approved = pool.approve(made.id, "lena")
    assert (approved.answer, approved.flagged, pool.flagged()) == ("Within 30 days.", "Within 7 days.", 0)


def test_a_correction_takes_the_place_of_the_disliked_answer(engine: Engine, pool: Pool):
    rated(engine, "c1", "How long can I return a laptop?", "Within 7 days.")
    propose_flagged(engine)
    better = Example("", "How long can I return a laptop?", "Within 30 days of delivery.", conversation="c1", customer="of-c1")
    added = pool.propose(better, "lena")
    (kept,) = pool.list()
    assert (added.duplicate, added.example, kept.answer, kept.state) == (False, kept, "Within 30 days of delivery.", "pending")
    assert pool.approve(kept.id, "lena").state == "approved"
    elsewhere = pool.propose(replace(better, conversation="c9", answer="Within 14 days, if it is unopened."), "lena")
    assert (elsewhere.duplicate, len(pool.list())) == (False, 2)


def approved(engine: Engine, question: str = "How long can I return a laptop?", answer: str = "Within 7 days.") -> Example:
    return Pool(engine).add(Example("", question, answer, state="approved")).example


def direct(engine: Engine, conversation: str, question: str, example: Example) -> None:
    """A thumb down on an approved answer that was given again word for word."""
    store = Store(engine)
    got = store.receive(Request(question, conversation, f"of-{conversation}"))
    reply = store.finish(
        Answer(example.answer, conversation, got.message, backend="examples"), {"direct": {"example": example.id, "cosine": 1.0}}
    )
    store.rate(reply, f"of-{conversation}", -1)


@pytest.mark.parametrize("question", ["How long can I return a laptop?", "What is the time limit for giving my notebook back?"])
def test_an_approved_answer_that_is_disliked_is_proposed_once_to_be_corrected(engine: Engine, pool: Pool, question: str):
    old = approved(engine)
    for number in range(3):
        direct(engine, f"c{number}", question if number else "How long can I return a laptop?", old)
        assert propose_flagged(engine) == (number == 0)
    (made,) = pool.list("pending")
    assert (made.corrects, made.flagged, made.conversation, pool.flagged()) == (old.id, "Within 7 days.", "c0", 1)
    assert pool.get(old.id).state == "approved"  # one thumb takes nothing away
    with pytest.raises(BadExample, match="did not like"):
        pool.approve(made.id, "lena")
    pool.edit(made.id, "lena", answer="Within 30 days.")
    assert pool.flagged() == 0
    pool.approve(made.id, "lena")
    assert [(example.id, example.answer) for example in pool.list("approved")] == [(made.id, "Within 30 days.")]
    assert pool.get(old.id).state == "rejected"


def test_an_approved_answer_that_a_lead_found_right_is_not_proposed_again(engine: Engine, pool: Pool):
    old = approved(engine)
    direct(engine, "c1", old.question, old)
    propose_flagged(engine)
    (made,) = pool.list("pending")
    pool.reject(made.id, "lena", "it is right")
    direct(engine, "c2", "What is the time limit for giving my notebook back?", old)
    assert (propose_flagged(engine), pool.get(old.id).state) == (0, "approved")


def test_a_leads_correction_of_an_approved_answer_takes_its_place(engine: Engine, pool: Pool):
    old, other = approved(engine), approved(engine, "What does shipping cost?", "It is free.")
    direct(engine, "c1", old.question, old)
    propose_flagged(engine)
    better = Example("", old.question, "Within 30 days of delivery.", conversation="c2", customer="of-c2", corrects=old.id)
    assert not pool.propose(better, "lena").duplicate
    (made,) = pool.list("pending")  # in the place of the one that waited
    pool.approve(made.id, "lena")
    assert {example.answer for example in pool.list("approved")} == {"Within 30 days of delivery.", other.answer}


def test_what_was_corrected_before_is_not_proposed_again(engine: Engine, pool: Pool):
    rated(engine, "c1", "How long can I return a laptop?", "Within 7 days.")
    pool.propose(Example("", "How long can I return a laptop?", "Within 30 days of delivery.", conversation="c1"), "lena")
    assert propose_flagged(engine) == 0
    assert [example.flagged for example in pool.list()] == [""]


def test_the_same_bad_answer_to_many_customers_is_one_proposal(engine: Engine, pool: Pool):
    for number in range(5):
        rated(engine, f"c{number}", "How long can I return a laptop?", "Within 7 days.")
    assert (propose_flagged(engine), len(pool.list())) == (1, 1)
    (made,) = pool.list()
    pool.reject(made.id, "lena", "the customer was wrong")
    rated(engine, "later", "How long can I return a laptop?", "Within 7 days.")
    assert (propose_flagged(engine), len(pool.list())) == (0, 1)


def test_only_what_can_be_answered_better_is_proposed(engine: Engine, pool: Pool):
    rated(engine, "c1", "hello", "Hello! How can I help?", backend="", citations=())
    rated(engine, "c2", "a person please", "I have told our team.", backend="", route="human", citations=())
    rated(engine, "c3", "Do you sell kites?", "I could not find that.", backend="", abstained=True, citations=())
    assert propose_flagged(engine) == 1
    assert [example.question for example in pool.list()] == ["Do you sell kites?"]
    assert propose_flagged(engine) == 0


def test_nothing_personal_goes_into_the_pool(engine: Engine, pool: Pool):
    rated(engine, "c1", "Can you write to anna.berg@example.com?", "I wrote to anna.berg@example.com.")
    propose_flagged(engine)
    (made,) = pool.list()
    assert "anna.berg" not in repr(replace(made, customer=""))
    with pytest.raises(BadExample, match="did not like"):
        pool.approve(made.id, "lena")


def test_many_are_taken_in_turns(engine: Engine, pool: Pool):
    for number, what in enumerate(("laptop", "kettle", "bicycle", "lamp", "piano")):
        rated(engine, f"c{number}", f"How heavy is the {what}?", f"The {what} is heavy.")
    assert [propose_flagged(engine, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_how_many_were_approved_since(engine: Engine, pool: Pool):
    trains = next(name for name in map(str, range(99)) if side(name) == "train")
    held = next(name for name in map(str, range(99)) if side(name) == "eval")
    first = pool.add(Example("", "How heavy is the lamp?", "Two kilograms.", state="approved", customer=trains)).example
    pool.add(Example("", "Is the piano black?", "It is white.", state="approved", customer=held))
    second = pool.add(Example("", "Do kettles whistle?", "This one does.", customer=trains)).example
    assert pool.approved_since(None) == 1
    with engine.connect() as connection:
        moment = connection.exec_driver_sql("SELECT max(approved) FROM examples").scalar()
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    assert (moment is not None, pool.approved_since(now)) == (True, 0)
    pool.approve(second.id, "lena")
    pool.edit(first.id, "lena", reasoning="Weighed.")  # no news
    pool.approve(first.id, "lena")  # nor this
    assert (pool.approved_since(now), pool.approved_since(None)) == (1, 2)
    pool.reject(second.id, "lena", "no")
    assert pool.approved_since(now) == 0
