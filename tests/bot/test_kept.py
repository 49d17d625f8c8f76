"""Embeddings of approved questions outlive the process that made them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from bot.examples import Pool
from bot.kept import Kept
from bot.messages import Example
from bot.tables import question_vectors
from knowledge.embed import HashEmbedder, Vectors
from tests.bot.turning import ASKED, desk


class Counting(HashEmbedder):
    """Counts what it embeds."""

    def __init__(self, dimension: int = 16) -> None:
        super().__init__(dimension)
        self.made: list[str] = []

    def queries(self, texts: Sequence[str]) -> Vectors:
        self.made += texts
        return super().queries(texts)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    with desk(tmp_path) as shop:
        return shop.engine


@pytest.mark.parametrize("count", [3, 600])
def test_what_was_embedded_once_is_not_embedded_again(engine: Engine, count: int):
    texts = [f"Question {number}, 问题?" for number in range(count)]
    first, second = Counting(), Counting()
    rows = Kept(engine).embedded(texts, first)
    assert np.array_equal(rows, HashEmbedder(16).queries(texts))
    assert np.array_equal(Kept(engine).embedded([*texts[::-1], "new"], second)[:-1], rows[::-1])
    assert (len(first.made), second.made) == (count, ["new"])


def test_another_model_and_another_dimension_make_their_own(engine: Engine):
    kept, other, wider = Kept(engine), Counting(), Counting(32)
    kept.embedded(["a"], Counting())
    other.name = "other"
    assert kept.embedded(["a"], other).shape == (1, 16)
    assert kept.embedded(["a"], wider).shape == (1, 32)
    assert other.made == wider.made == ["a"]
    assert kept.embedded([], other).shape == (0, 16)


def test_vectors_of_questions_that_are_gone_are_gone_at_the_next_turn(tmp_path: Path):
    with desk(tmp_path) as shop:
        pool = Pool(shop.engine)
        example = Example("", "Within how many days can I return it?", "30.", state="approved")
        one, *_ = pool.add_all([example, replace(example, question="Do you ship to Norway?", answer="Yes.")])
        count = select(func.count()).select_from(question_vectors)
        counts = []
        for step in (lambda: None, lambda: pool.reject(one.example.id, "lead", "")):
            step()
            shop.ask(ASKED)
            with shop.engine.begin() as connection:
                counts.append(connection.scalar(count))
        assert counts == [2, 1]
