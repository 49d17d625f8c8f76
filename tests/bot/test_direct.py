"""An approved answer is given again where the same is asked, and nowhere else."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.backends.fake import FakeBackend
from bot.direct import best, same, stands_alone
from bot.examples import Pool
from bot.messages import Example
from knowledge.gloss import open_embedder
from tests.bot.turning import ASKED, RETURNS, Desk, desk

GOOD = Example("", ASKED, "You have 30 days, day by day.", evidence=RETURNS, source="returns.md", state="approved", intent="return")


@cache
def judged() -> list[tuple[dict[str, Any], bool]]:
    """Every pair of the file, and whether the two are taken for the same question."""
    rows = [json.loads(line) for line in (Path(__file__).parents[1] / "evals/direct.jsonl").read_text(encoding="utf-8").splitlines()]
    texts = sorted({row[name] for row in rows for name in ("example", "question")})
    vectors = dict(zip(texts, open_embedder("minilm").queries(texts), strict=True))
    return [(row, same(row["question"], row["example"], float(vectors[row["question"]] @ vectors[row["example"]]))) for row in rows]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("held_out", [True, False])
def test_paraphrases_pass_and_near_misses_do_not(language: str, held_out: bool):
    mine = [(row, taken) for row, taken in judged() if (row["language"], row["held_out"]) == (language, held_out)]
    assert [row["question"] for row, taken in mine if taken and not row["same"]] == []
    found = [taken for row, taken in mine if row["same"]]
    assert len(found) == 28
    assert sum(found) >= 14


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How much is the Nova S5?", "How much is the Nova S6?"),
        ("Can I return it after 30 days?", "Can I return it after 45 days?"),
        ("What does E-04 mean?", "What does E-05 mean?"),
        ("Can I combine two promo codes?", "Can I combine three promo codes?"),
        ("Can opened software be returned?", "Can opened software not be returned?"),
        ("How long does shipping take?", "How much does shipping cost?"),
        ("两个优惠码可以叠加吗？", "三个优惠码可以叠加吗？"),
        ("拆封的软件可以退货吗？", "未拆封的软件可以退货吗？"),
        ("How can I get a promo code?", "How can I use a promo code?"),
    ],
)
def test_no_likeness_of_meaning_makes_up_for_a_difference(one: str, other: str):
    assert not same(one, other, 1.0)
    assert not same(other, one, 1.0)


@pytest.mark.parametrize("question", ["Can I return it?", "And the laptop?", "这个可以退吗？", "耳机呢？", "What about shipping?"])
def test_a_question_that_points_back_is_never_answered_so(question: str):
    assert not stands_alone(question)
    assert best(question, [replace(GOOD, question=question)], np.ones(1, dtype=np.float32)) is None


def ask(shop: Desk, text: str, **more: Any) -> Any:
    answer = shop.ask(text, **more)
    return answer, shop.provenance(answer.reply)


def test_an_approved_answer_comes_before_any_model_with_its_source(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model) as shop:
        pool = Pool(shop.engine)
        made = pool.propose(GOOD).example
        assert ask(shop, ASKED)[0].backend == "fake"
        pool.approve(made.id, "lead")
        answer, saved = ask(shop, ASKED)
        assert (answer.text, answer.backend, answer.route, answer.abstained) == (GOOD.answer, "examples", "answer", False)
        assert [(c.source, c.text) for c in answer.citations] == [("returns.md", RETURNS)]
        assert saved["direct"] == {"example": made.id, "cosine": pytest.approx(1.0, abs=0.01)}
        assert len(model.asked) == 1
        again = shop.ask("Within how many days can laptops be repaired?")
        assert again.backend == "fake"


def test_who_names_a_backend_or_turns_it_off_gets_none(tmp_path: Path):
    model = FakeBackend((RETURNS,))
    with desk(tmp_path, model) as shop:
        Pool(shop.engine).add(GOOD)
        assert ask(shop, ASKED, backend="fake")[0].backend == "fake"
        assert shop.router.answer_from(ASKED).backend == "fake"
    with desk(tmp_path / "off", model, direct=False) as shop:
        Pool(shop.engine).add(GOOD)
        assert ask(shop, ASKED)[0].backend == "fake"
