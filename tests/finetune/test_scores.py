"""One reply, and many together."""

import pytest

from bot.messages import Parts
from finetune.dataset import Case
from finetune.scores import Reply, loops, score, summary
from knowledge.documents import Chunk, Passage

PAGE = Passage(Chunk("1", "ship.md", "Shipping", (), "Shipping takes 5 days.", ("Shipping takes 5 days.",), "text", "en", 0), 0.9)


def case(expected: str, language: str = "en", kind: str = "service") -> Case:
    return Case("1", "c", language, Parts("How long?", (PAGE,)), expected, kind)  # type: ignore[arg-type]


def scored(text: str, expected: str = "Shipping takes 5 days.", **more: str):
    return score(case(expected, **more), Reply(text, 100, 10, 0.5), ["How long?", PAGE.chunk.titled])


def test_a_reply_is_judged_by_words_figures_language_and_evidence():
    good = scored("Shipping takes 5 days.")
    assert (good.f1, good.exact, good.grounded, good.invented, good.declined, good.drifted) == (1.0, 1.0, True, False, False, False)
    wrong = scored("It takes 9 weeks, I promise.")
    assert (wrong.grounded, wrong.invented) == (False, True)
    assert scored("I do not know that.").declined
    assert scored("配送需要五天。").drifted
    assert not scored("配送需要五天。", "需要五天。", language="zh").drifted


@pytest.mark.parametrize(
    ("text", "circle"),
    [("the price is nine euros", False), ("yes it is so " * 4, True), ("这个很好用啊" * 4, True), ("", False), ("no no no no", False)],
)
def test_a_text_that_goes_round_in_a_circle_is_noticed(text: str, circle: bool):
    assert loops(text) == circle


def test_many_replies_are_summed_up():
    found = summary([scored("Shipping takes 5 days."), scored("No.")], price=2.0)
    assert found["n"] == 2
    assert found["f1"] == 0.5
    assert found["cost"] == 220.0
    assert 0 < found["chrf"] < 100
    chinese = summary([scored("需要五天到货。", "需要五天到货。", language="zh")])
    assert chinese["bleu"] == pytest.approx(100, abs=0.01)
    assert summary([]) == {"n": 0}
