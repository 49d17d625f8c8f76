"""The whole loop as a person runs it: transcripts in, the starter model tuned, judged, promoted, asked and taken back."""

from pathlib import Path
from typing import Any

import pytest

from tests.finetune.talks import write_talks
from tests.real import answerdesk, as_json

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]
_WAIT_S = 2000


def run(folder: Path, *args: str) -> Any:
    return as_json(answerdesk(*args, "--json", folder=folder, timeout=_WAIT_S))


def test_from_transcripts_to_an_adapter_that_answers_and_back(tmp_path: Path):
    folder = tmp_path / "data"
    found = run(folder, "finetune", "loop", str(write_talks(tmp_path / "talks.jsonl")), "--base", "starter", "--approve-all", "--run", "r1")

    assert found["transcripts"]["examples"] == 160
    rows = found["rows"]
    assert rows["train"] > rows["validation"] > 0
    assert rows["held"] >= 12
    assert rows["languages"]["en"] > 40
    assert rows["languages"]["zh"] > 40
    trained = found["train"]
    assert trained["best_loss"] < 0.7 * trained["untrained_loss"]
    assert len(trained["loss"]) >= 100
    judged = found["evaluate"]
    assert judged["gate"] in ("pass", "fail")
    assert judged["why"]
    assert judged["interval"][0] <= judged["difference"] <= judged["interval"][1]
    assert judged["tuned"]["n"] == judged["best_prompt"]["n"] == rows["held"]
    assert judged["changed"] > 0.5
    assert "<svg" in Path(judged["report"]).read_text(encoding="utf-8")
    assert found["promote"]["promoted"] == (judged["gate"] == "pass")

    if not found["promote"]["promoted"]:
        assert answerdesk("finetune", "promote", "r1", folder=folder).returncode == 1
        assert run(folder, "finetune", "promote", "r1", "--override", "to see it answer")["overridden"]
    page = tmp_path / "orders.md"
    page.write_text("# Orders\n\nOrder 48213 leaves the house today and arrives within three days.\n", encoding="utf-8")
    assert run(folder, "ingest", str(page))["added"] == 1
    question = ("ask", "When does order 48213 arrive?", "--backend", "local")
    tuned = run(folder, *question)
    assert tuned["backend"] == "local"
    assert tuned["adapter"].startswith("r1@")
    assert run(folder, "finetune", "rollback")["adapter"] is None
    assert run(folder, *question)["adapter"] is None
    assert run(folder, "ask", "When does order 48213 arrive?")["backend"] == "extractive"
    (entry,) = run(folder, "finetune", "list")["adapters"]
    assert entry["name"] == "r1"
