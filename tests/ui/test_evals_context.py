"""`eval context`: long dialogues through the code that fits and summarizes."""

from pathlib import Path
from typing import Any

import pytest

from bot.backends.fake import FakeBackend
from bot.context import Budget
from bot.messages import Message
from bot.summaries import summarized
from tests.ui.test_cli import as_json, run
from tests.ui.test_evals import _write
from ui.evals_context import plain, replay

BUDGET = Budget(1024, 256)


def turns(exchanges: int) -> list[dict[str, Any]]:
    first = [{"role": "customer", "text": "My order number is 58213."}, {"role": "agent", "text": "Thanks."}]
    talk = [{"role": "customer", "text": "Is it sold in blue or in black?"}, {"role": "agent", "text": "Both, and in silver, as I said."}]
    return [*first, *(talk * exchanges)]


def test_tokens_and_facts(tmp_path: Path):
    rows = [{"id": "a", "turns": turns(300), "facts": ["ORDER number is 58213", "never said"]}]
    result = run("eval", "context", "--data", str(_write(tmp_path / "d.jsonl.gz", rows)), "--window", "1024", "--json")
    assert result.exit_code == 0, result.stderr
    found = as_json(result)
    assert (found["dialogues"], found["facts"], found["facts_kept"]) == (1, 2, 0.5)
    assert found["saved"] == pytest.approx(1 - found["tokens_sent"] / found["tokens_full"], abs=1e-4)
    assert found["saved"] > 0.8
    assert found["longest_prompt"] < 1024


def test_without_a_summary_the_fact_is_lost_and_more_is_sent():
    lines, backend = [Message(line["role"], line["text"]) for line in turns(300)], FakeBackend()

    def by_rules(old: str, some: Any, budget: Budget) -> str:
        return summarized(backend, old, some, budget)[0]

    cut, kept = (replay(lines, BUDGET, backend.count, way) for way in (None, by_rules))
    assert "58213" not in cut.last
    assert "58213" in kept.last
    assert kept.sent < cut.sent < cut.full == kept.full


def test_a_short_dialogue_is_sent_whole():
    short = replay([Message("customer", "Hello"), Message("bot", "Hi"), Message("customer", "Bye")], BUDGET, len, None)
    assert short.sent == short.full


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "a"}, "turns must be a list"),
        ({"id": "a", "turns": [{"role": "nobody", "text": "x"}]}, "roles: customer"),
        ({"id": "a", "turns": turns(1), "facts": [1]}, "facts is"),
        ({"id": "a", "turns": [{"role": "agent", "text": "x"}]}, "no line of a customer"),
    ],
)
def test_rows_that_are_wrong(tmp_path: Path, row: dict[str, Any], said: str):
    result = run("eval", "context", "--data", str(_write(tmp_path / "d.jsonl", [row])), "--json")
    assert result.exit_code == 2
    assert said in as_json(result)["error"]


def test_an_unknown_backend_and_an_empty_file(tmp_path: Path):
    data = str(_write(tmp_path / "d.jsonl", []))
    assert "no rows" in as_json(run("eval", "context", "--data", data, "--json"))["error"]
    assert "allowed: extractive" in as_json(run("eval", "context", "--data", data, "--backend", "x", "--json"))["error"]


def test_facts_are_looked_for_without_case_width_or_blanks():
    assert plain("Order  ＡＫ-12\n3") == "orderak-123"
