"""The tuned model against the best prompt, on fakes that say what they are scripted to say."""

from collections.abc import Iterator

import pytest

from bot.backends.base import Options
from bot.messages import Example, Message, Parts, Prompt
from finetune.conversations import Conversation
from finetune.dataset import Case, Voice, cases, general, handovers, refusals, row_of, training_rows
from finetune.evaluate import Facts, evaluate, report
from finetune.report import page


class Parrot:
    """Says the expected reply to the share of questions that it `knows`; with examples in its prompt it knows `taught` more."""

    def __init__(self, expected: dict[str, str], knows: int, taught: int = 0) -> None:
        self.name, self.kind, self.window, self.adapter = "parrot", "fake", 4096, None
        self._expected, self._knows, self._taught = expected, knows, taught

    def stream(self, prompt: Prompt, options: Options) -> Iterator[str]:
        asked = prompt.messages[-1].text
        shown = len(prompt.messages) > 2
        number = int(asked.split()[-1].rstrip("?"))
        yield self._expected[asked] if number < self._knows + shown * self._taught else "What?"

    def count(self, text: str) -> int:
        return len(text.split())


HELD = [Case(f"h{n}", f"c{n}", "en", Parts(f"What of item {n}?"), f"Item {n} is in row {n}.") for n in range(20)]
EXPECTED = {case.parts.question: case.expected for case in HELD}
SHOT = Example("e", "What of item 99?", "Item 99 is in row 99.")


def measured(base: Parrot, tuned: Parrot):
    return evaluate(
        base,
        tuned,
        held=HELD,
        choosing=HELD[:6],
        general=[],
        shots=lambda _, count: (SHOT,) * count,
        facts=Facts(rows=200),
        voice=Voice(),
    )


def test_a_better_adapter_passes_against_the_best_number_of_examples():
    found = measured(Parrot(EXPECTED, 3, taught=2), Parrot(EXPECTED, 19))
    result = report(found)
    assert found.shots == 2
    assert result["difference"] == pytest.approx((19 - 5) / 20, abs=0.02)
    assert result["interval"][0] > 0
    assert result["gate"] == "pass"
    assert set(result) >= {"best_prompt", "tuned", "difference", "interval", "forgetting", "abstention", "gate", "why"}
    html = page(found, "run <1>", {"losses": [[1, 2.0], [2, 1.0]], "validations": [[2, 1.5]]})
    assert "run &lt;1&gt;" in html
    assert html.count("<svg") == 4


def test_where_the_prompt_is_better_or_nothing_changes_the_gate_fails():
    worse = report(measured(Parrot(EXPECTED, 15), Parrot(EXPECTED, 4)))
    assert (worse["gate"], "the best prompt is better" in worse["why"]) == ("fail", True)
    same = report(measured(Parrot(EXPECTED, 5), Parrot(EXPECTED, 5)))
    assert "changes no reply" in same["why"]


def test_a_case_has_what_was_said_before_it():
    lines = (Message("customer", "Hello"), Message("agent", "Hi."), Message("customer", "Open?"), Message("agent", "Until six."))
    (found,) = cases([Example("talk-3", "Open?", "Until six.", conversation="talk")], {"talk": Conversation("talk", lines)})
    assert found.parts.history == lines[:2]
    row = row_of(found, Voice("Lumen"))
    assert [line.role for line in row.messages] == ["system", "customer", "agent", "customer"]
    assert "Lumen" in row.messages[0].text
    assert (row.reply, row.conversation) == ("Until six.", "talk")


def test_rows_have_refusals_handovers_and_general_ones_among_them():
    voice = Voice()
    rows = training_rows(HELD * 5, voice, seed=1)
    assert len(rows) == 100 + 8 + 2 + 50
    assert rows == training_rows(HELD * 5, voice, seed=1)
    kinds = {case.kind for case in (*refusals(HELD, voice, 3, 0), *handovers(HELD, voice, 3, 0))}
    assert kinds == {"refusal", "handover"}
    held = {case.parts.question for case in general(0, "test", 30)}
    assert not held & {case.parts.question for case in general(0, "train", 300)}
