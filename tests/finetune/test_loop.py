"""What the loop takes from the pool, and what kind of run it begins with that."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from bot.examples import Pool
from bot.tables import metadata as bot_tables
from finetune.archive import Archive
from finetune.dataset import Voice
from finetune.errors import BadRows
from finetune.load import load
from finetune.loop import Limits, config_for, gather
from finetune.tables import metadata
from finetune.transcripts import keep, prepare
from tests.finetune.talks import write_talks


@pytest.fixture
def stores() -> tuple[Pool, Archive]:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    for each in (bot_tables, metadata):
        each.create_all(engine)
    return Pool(engine), Archive(engine)


def test_material_is_of_three_kinds_that_share_no_conversation(stores: tuple[Pool, Archive], tmp_path: Path):
    pool, archive = stores
    prepared = prepare(load(write_talks(tmp_path / "talks.jsonl", 40)), source="talks.jsonl")
    assert keep(prepared, pool, archive, "lead", approve=True) == 0
    found = gather(pool, archive, Voice("Lumen"), limits=Limits(rows=30))
    sides = [set(found.conversations), {case.conversation for case in found.choosing}, {case.conversation for case in found.held}]
    assert all(sides)
    assert sum(map(len, sides)) == len(set().union(*sides))
    assert len(found.examples) == 30
    assert found.to_json()["train"] == 30 + 2 + 1 + 15  # refusals, hand-overs and general rows among them
    assert any(len(row.messages) > 2 for row in found.train)
    assert found == gather(pool, archive, Voice("Lumen"), limits=Limits(rows=30))


def test_too_little_to_begin_with_is_said(stores: tuple[Pool, Archive]):
    with pytest.raises(BadRows, match="0 approved examples to train on"):
        gather(*stores, Voice())


@pytest.mark.parametrize(("rows", "steps"), [(60, 120), (480, 120), (1200, 300)])
def test_few_rows_are_passed_over_more_often(rows: int, steps: int):
    made = config_for("base", "lora", rows, 3)
    assert round(made.epochs * rows / made.batch) == steps
    assert (made.seed, config_for("base", "lora", rows, steps=5).steps) == (3, 5)
    assert config_for("base", "lora", 89).epochs == 10.79  # people read it
