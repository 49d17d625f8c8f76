"""Whole customers on one side, and nothing of the training in the evaluation."""

from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Example
from finetune.splits import by_time, leaks, owner, without_leaks

words = st.sampled_from(["refund for my lamp", "open on sunday", "price of the red chair", "where is my parcel now"])
examples = st.lists(
    st.builds(
        Example,
        id=st.uuids().map(str),
        question=words,
        answer=words,
        conversation=st.sampled_from("abcdef"),
        customer=st.sampled_from(["", "x", "y"]),
        at=st.sampled_from(["", "2024-01-01", "2024-06-01", "2025-01-01"]),
    ),
    max_size=30,
)


@given(examples, st.floats(0.05, 0.5))
def test_no_owner_is_on_both_sides_and_the_newest_validate(found: list[Example], share: float):
    older, newest = by_time(found, share)
    assert sorted(one.id for one in (*older, *newest)) == sorted(one.id for one in found)
    assert not {owner(one) for one in older} & {owner(one) for one in newest}
    last = {owner(one): max(other.at for other in found if owner(other) == owner(one)) for one in found}
    assert not older or not newest or max(last[owner(one)] for one in older) <= min(last[owner(one)] for one in newest)
    assert bool(newest) == (len({owner(one) for one in found}) > 1)


@given(examples, examples)
def test_what_is_left_of_the_evaluation_has_no_leak(train: list[Example], held: list[Example]):
    assert leaks(train, without_leaks(train, held)) == []


def test_a_near_duplicate_and_a_customer_of_the_training_are_leaks():
    train = [Example("1", "How much is the red chair in the shop?", "It costs 40 pounds.", customer="x")]
    near = Example("2", "How much is the red chair in the shop", "It costs 40 pounds.", customer="y")
    other = Example("3", "How much is the red chair in the shop?", "It costs 90 pounds.", customer="z")
    same = Example("4", "Are you open?", "Until six.", customer="x")
    assert [leak.held for leak in leaks(train, [near, other, same])] == ["2", "4"]
