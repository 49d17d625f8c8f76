"""Which examples are chosen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Example
from bot.shots import choose_examples, clustered, vectors_of
from knowledge.embed import HashEmbedder, Vectors

RETURNS = ("How do I return a laptop?", "How can I return my laptop please?", "Can a laptop be returned by post?")
POOL = tuple(
    Example(str(number), question, "An answer.", intent=intent)
    for number, (question, intent) in enumerate(
        [*((question, "return") for question in RETURNS), ("How do I return earbuds?", "earbuds"), ("Where is my parcel?", "parcel")]
    )
)


def vectors(texts: tuple[str, ...]) -> Vectors:
    return vectors_of(texts, HashEmbedder())


def chosen(question: str, pool: tuple[Example, ...] = POOL, budget: int = 100, count: int = 2, size: int = 1) -> list[str]:
    rows = vectors(tuple(example.question for example in pool))
    return [example.id for example in choose_examples(vectors((question,))[0], pool, rows, budget, count, size=lambda _: size)]


def test_vectors_have_length_one_and_tell_model_numbers_apart():
    rows = vectors(("How much is the Nova S5?", "How much is the Nova S6?", "how much is the nova s5", "Nova S5 多少钱？"))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[2] > rows[0] @ rows[1]


def test_the_most_alike_comes_first_and_what_has_nothing_to_do_with_it_is_left_out():
    assert chosen("How do I return a laptop?", count=5)[0] == "0"
    assert "4" not in chosen("How do I return a laptop?", count=5)
    assert chosen("Who won the olympiad?", count=5) == []


def test_two_of_a_kind_give_way_to_another_kind():
    assert chosen("How do I return a laptop?", count=2) == ["0", "3"]


def test_the_same_intent_again_counts_less():
    pool = tuple(replace(example, intent="same") for example in POOL[:1]) + POOL[1:4]
    assert len(set(chosen("How do I return a laptop?", pool, count=3))) == 3


@given(st.integers(0, 6), st.integers(0, 30), st.integers(1, 9))
def test_neither_count_nor_budget_is_passed(count: int, budget: int, size: int):
    found = chosen("How do I return a laptop or earbuds?", budget=budget, count=count, size=size)
    assert len(found) <= count
    assert len(found) * size <= budget
    assert len(set(found)) == len(found)


def test_no_examples():
    assert choose_examples(vectors(("a",))[0], (), vectors(("a",)), 10, 3, size=lambda _: 1) == ()


def test_one_reasoned_example_of_each_cluster():
    pool = tuple(replace(example, reasoning="so" if example.id in "134" else "") for example in POOL)
    rows = vectors(tuple(example.question for example in pool))
    found = clustered(pool, rows, 2)
    assert {example.id for example in found} == {"1", "4"} or {example.id for example in found} == {"3", "4"}
    assert clustered(pool, rows, 2) == found
    assert len(clustered(pool, rows, 99)) == 3
    assert clustered((), rows, 3) == clustered(pool, rows, 0) == ()


@pytest.mark.parametrize("count", [1, 3])
def test_a_cluster_without_reasoning_gives_none(count: int):
    rows = vectors(tuple(example.question for example in POOL))
    assert clustered(POOL, rows, count) == ()
