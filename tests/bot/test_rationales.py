import pytest

from bot.backends.fake import FakeBackend
from bot.messages import Example
from bot.rationales import reasoned

GOOD = Example(
    "1", "How long can I return a laptop?", "Within 30 days.", evidence="Laptops can be returned within 30 days.", state="approved"
)


def test_steps_are_written_from_question_evidence_and_answer():
    model = FakeBackend(("1. It asks for the time.\n\n", "2. The passage says 30 days.\n"))
    assert reasoned(GOOD, model) == "1. It asks for the time.\n2. The passage says 30 days."
    asked = model.asked[0][0].messages[1].text
    assert all(part in asked for part in (GOOD.question, GOOD.evidence, GOOD.answer))


@pytest.mark.parametrize("said", ["", "It says 45 days.", "x" * 901, "\n".join("abcdef")])
def test_what_adds_a_figure_or_is_too_long_is_not_kept(said: str):
    assert reasoned(GOOD, FakeBackend((said,))) is None
