"""Ways to prompt compared on a real server whose model learns in its context."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.in_context import in_context
from tests.stub_openai import Reply, Stub, stub_openai
from tests.ui.test_cli import as_json, run
from ui.commands.shell import Tools

THINGS = ("laptop", "phone", "camera", "printer", "monitor", "router", "keyboard", "speaker", "tablet", "charger", "headset", "drone")
COLOURS = ("red", "blue", "green", "white", "black")


def row(number: int, thing: str) -> dict[str, Any]:
    days = 10 + number
    return {
        "id": str(number),
        "question": f"Within how many days can a {thing} be returned?",
        "context": f"A {thing} can be returned within {days} days of delivery. A {thing} must be unused.",
        "answers": [f"{days} days"],
    }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    with stub_openai() as stub:
        stub.model = in_context
        monkeypatch.setenv("ANSWERDESK_HOSTED_URL", stub.url)
        monkeypatch.setenv("ANSWERDESK_HOSTED_MODEL", "in-context")
        yield stub


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def example(thing: str, days: int, **more: Any) -> dict[str, Any]:
    told = f"A {thing} can be repaired within {days} days."
    question = f"Within how many days can a {thing} be repaired?"
    return {"question": question, "answer": f"{days} days", "evidence": told, "intent": "time", **more}


def test_the_better_setting_is_picked_with_interval_and_plot(server: Stub, tmp_path: Path):
    data = write(tmp_path / "rows.jsonl", [row(number, thing) for number, thing in enumerate(THINGS)])
    shown = write(tmp_path / "examples.jsonl", [example(thing, 20 + number) for number, thing in enumerate(THINGS)])
    args = ("--data", str(data), "--examples", str(shown), "--out", str(tmp_path / "out.jsonl"), "--shots", "0,2", "--cot", "off,zero")
    result = run("eval", "answers", *args, "--json", "--data-dir", str(tmp_path / "d"), tools=Tools())
    assert result.exit_code == 0, result.stdout
    found = as_json(result)
    by_name = {setting["name"]: setting for setting in found["settings"]}
    assert list(by_name) == ["shots 0, cot off", "shots 0, cot zero", "shots 2, cot off", "shots 2, cot zero"]
    assert (found["n"], found["baseline"]) == (12, "shots 0, cot off")
    assert found["best"] in ("shots 2, cot off", "shots 2, cot zero")
    assert by_name["shots 2, cot off"]["difference"]["interval"][0] > 0.3
    assert by_name["shots 0, cot zero"]["difference"]["interval"][0] <= 0
    assert (tmp_path / "out.svg").read_bytes().startswith(b"<?xml")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 48
    assert not [row for row in rows if "reasoning" in row["answer"] or "passage says" in row["answer"]]
    assert {row["backend"] for row in rows} == {"hosted"}
    assert len(server.bodies) == 48


def test_auto_is_measured_kept_and_obeyed(server: Stub, tmp_path: Path):
    pool = write(
        tmp_path / "pool.jsonl",
        [
            example(f"{colour} {thing}", 20 + n, customer=f"{colour}{n}")
            for colour in ("red", "blue", "green", "white", "black")
            for n, thing in enumerate(THINGS)
        ],
    )
    folder = ("--data-dir", str(tmp_path / "d"))
    assert run("examples", "add", "--file", str(pool), "--approve", *folder, tools=Tools()).exit_code == 0
    result = run("examples", "measure", "--shots", "0,2", "--json", *folder, tools=Tools())
    assert result.exit_code == 0, result.stdout
    choices = as_json(result)["choices"]
    assert [(choice["language"], choice["intent"], choice["shots"]) for choice in choices] == [("en", "", 2), ("en", "time", 2)]
    assert all(choice["gain"] > 0.3 for choice in choices)
    data = write(tmp_path / "rows.jsonl", [row(1, "laptop")])
    server.bodies.clear()
    answered = run("eval", "answers", "--data", str(data), "--shots", "auto", "--json", *folder, tools=Tools())
    assert as_json(answered)["exact_match"] == 1.0
    assert [message["role"] for message in server.bodies[0]["messages"]] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_wrong_settings_say_what_is_allowed(tmp_path: Path):
    data = write(tmp_path / "rows.jsonl", [row(1, "laptop")])
    for args, told in ((("--shots", "0,many"), "0 to 64"), (("--cot", "on"), "off, zero, few, auto")):
        result = run("eval", "answers", "--data", str(data), *args, "--json")
        assert result.exit_code == 2
        assert told in as_json(result)["error"]
    empty = run("examples", "measure", "--json", "--data-dir", str(tmp_path / "d"))
    assert (empty.exit_code, "evidence" in as_json(empty)["error"]) == (1, True)


def test_reasoning_is_written_by_a_model_and_never_reaches_a_customer(server: Stub, tmp_path: Path):
    folder = ("--data-dir", str(tmp_path / "d"))
    page = tmp_path / "returns.md"
    page.write_text("# Returns\n\nA laptop can be returned within 30 days of delivery.\n", encoding="utf-8")
    assert run("ingest", str(page), *folder, tools=Tools()).exit_code == 0
    pool = write(tmp_path / "pool.jsonl", [example("laptop", 20), example("camera", 21)])
    assert run("examples", "add", "--file", str(pool), "--approve", *folder, tools=Tools()).exit_code == 0
    server.model = lambda _: Reply(
        (
            "It asks for days.\n",
            "The passage says it.",
        )
    )
    assert as_json(run("examples", "reason", "--backend", "hosted", "--json", *folder, tools=Tools()))["written"] == 2
    assert run("examples", "reason", "--backend", "extractive", *folder, tools=Tools()).exit_code == 2
    server.model = in_context
    answer = as_json(
        run("ask", "Within how many days can a laptop be returned?", "--cot", "few", "--shots", "1", "--json", *folder, tools=Tools())
    )
    assert (answer["answer"], answer["backend"]) == ("30 days", "hosted")
    assert "<reasoning>It asks for days." in server.bodies[-1]["messages"][2]["content"]
    streamed = run("ask", "Within how many days can a laptop be returned?", "--cot", "zero", "--shots", "0", *folder, tools=Tools())
    assert "passage says" not in streamed.stdout
    assert "30 days" in streamed.stdout


@pytest.mark.parametrize("prompt", ["nope", "0,7", "en.default.7", "fr.default.0"])
def test_a_prompt_that_is_not_there_is_no_prompt(tmp_path: Path, prompt: str):
    data = write(tmp_path / "rows.jsonl", [row(0, "laptop")])
    result = run("eval", "answers", "--data", str(data), "--prompt", prompt, "--json", "--data-dir", str(tmp_path / "d"))
    assert result.exit_code == 2
    assert as_json(result)["error"].endswith("there are 0, or an id: en.default.0, zh.default.0.")
    for known in ("0", "zh.default.0"):
        assert run("eval", "answers", "--data", str(data), "--prompt", known, "--data-dir", str(tmp_path / "d")).exit_code == 0
