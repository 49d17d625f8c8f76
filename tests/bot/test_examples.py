"""What the pool keeps, what it leaves out, and on which side of training and evaluation it stands."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from bot.errors import BadExample
from bot.examples import EVALUATION, Pool, side, split_of
from bot.messages import Example, Split

pytest_plugins = ("tests.databases",)

RETURN = Example("", "How long can I return a laptop?", "Within 30 days of delivery.", evidence="Laptops: 30 days.", source="returns.md")
TUIHUO = Example("", "笔记本电脑多久内可以退货？", "签收后30天内。", "zh")
TRAINS = next(name for name in map(str, range(99)) if side(name) == "train")
EVALUATES = next(name for name in map(str, range(99)) if side(name) == "eval")


@pytest.fixture
def pool(engine: Engine) -> Pool:
    return Pool(engine)


def test_from_proposal_to_use(pool: Pool):
    made = pool.propose(replace(RETURN, state="approved", customer="anna")).example
    assert (made.state, pool.list("approved"), pool.list("pending")) == ("pending", (), (made,))
    assert pool.approve(made.id, "lead") == replace(made, state="approved") == pool.get(made.id)
    assert pool.list("approved", "en") == pool.list(split=made.split) == (pool.get(made.id),)
    assert pool.list(language="zh") == ()
    pool.reject(made.id, "lead", "out of date")
    assert pool.list("approved") == ()


def test_what_is_personal_is_taken_out_of_a_proposal(pool: Pool):
    asked = "Can you send it to anna.berg@example.com instead?"
    made = pool.propose(
        replace(RETURN, question=asked, answer="Yes, to anna.berg@example.com.", evidence="Write to help@shop.example.")
    ).example
    assert "anna.berg" not in made.question + made.answer
    assert made.evidence == "Write to help@shop.example."


def test_near_duplicates_are_left_out_and_rejected_ones_do_not_come_back(pool: Pool):
    first, second, third = pool.add_all([RETURN, replace(RETURN, question="how long can i return the laptop"), TUIHUO])
    assert (first.duplicate, second.duplicate, third.duplicate) == (False, True, False)
    assert second.example == first.example
    pool.reject(first.example.id, "lead", "")
    assert pool.propose(RETURN).duplicate
    assert len(pool.list()) == 2


def test_a_correction_is_no_duplicate(pool: Pool):
    pool.add(RETURN)
    assert not pool.propose(replace(RETURN, answer="Within 14 days of delivery.")).duplicate


def test_every_change_changes_the_version(pool: Pool):
    seen = {pool.version()}
    made = pool.add(RETURN).example
    seen.add(pool.version())
    pool.approve(made.id, "lead")
    seen.add(pool.version())
    pool.edit(made.id, "lead", answer="Within 30 days.")
    seen.add(pool.version())
    pool.add(replace(RETURN, question="Who repairs phones?", customer="anna"))
    pool.erase_customer("anna")
    seen.add(pool.version())
    assert len(seen) >= 4
    assert pool.get(made.id).answer == "Within 30 days."


def test_a_customer_is_erased_with_conversations_and_nobody_else(pool: Pool):
    pool.add(replace(RETURN, customer="anna"))
    pool.add(replace(TUIHUO, conversation="c1"))
    kept = pool.add(replace(RETURN, question="Who repairs phones?")).example
    assert pool.erase_customer("") == 0
    assert pool.erase_customer("anna", ["c1"]) == 2
    assert pool.list() == (kept,)


@pytest.mark.parametrize(
    "wrong",
    [{"question": " "}, {"answer": ""}, {"answer": "x" * 20_001}, {"question": "a\x00b"}, {"language": "de"}, {"intent": "x" * 129}],
)
def test_what_cannot_be_kept_is_refused_and_nothing_of_its_batch_is_kept(pool: Pool, wrong: dict[str, str]):
    with pytest.raises(BadExample):
        pool.add_all([TUIHUO, replace(RETURN, **wrong)])
    assert pool.list() == ()


def test_wrong_ids_and_fields_are_named(pool: Pool):
    for refused in (lambda: pool.approve("none", "lead"), lambda: pool.reject("none", "lead", ""), lambda: pool.get("none")):
        with pytest.raises(BadExample, match="'none'"):
            refused()
    made = pool.add(RETURN).example
    with pytest.raises(BadExample, match="state cannot be edited"):
        pool.edit(made.id, "lead", state="approved")
    with pytest.raises(BadExample, match="already is"):
        pool.add(replace(TUIHUO, id=made.id))


def test_a_customer_is_on_one_side_and_near_duplicates_are_never_on_both(pool: Pool):
    first = pool.add(replace(RETURN, customer=TRAINS)).example
    other = pool.add(replace(RETURN, customer=EVALUATES, answer="Thirty days.")).example
    own = pool.add(replace(RETURN, answer="A month.")).example
    assert (first.split, other.split, own.split) == ("train", "neither", "train")
    assert pool.add(replace(TUIHUO, customer=EVALUATES)).example.split == "eval"
    assert pool.edit(other.id, "lead", question="Who repairs phones?").split == "eval"


def test_many_at_once_add_one(pool: Pool):
    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(lambda _: pool.propose(RETURN), range(16)))
    assert sum(not each.duplicate for each in added) == 1
    assert len(pool.list()) == 1


@given(st.text(max_size=9), st.text(max_size=9), st.lists(st.sampled_from(["train", "eval", "neither"])))
def test_a_split_never_joins_the_sides(customer: str, conversation: str, near: list[Split]):
    split = split_of(replace(RETURN, customer=customer, conversation=conversation), near)
    assert split == "neither" or not {"train", "eval"} - {split} & set(near)
    if customer and split != "neither":
        assert split == side(customer)


def test_about_a_fifth_evaluates():
    share = sum(side(str(number)) == "eval" for number in range(5000)) / 5000
    assert abs(share - EVALUATION) < 0.03
