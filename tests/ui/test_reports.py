"""`answerdesk desk report` and `desk alerts`, and the sheet."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Answer, Request, Tokens
from bot.store import Store
from tests.ui.test_cli import as_json, run
from ui.commands.shell import Tools
from ui.database import migrate, open_engine
from ui.sheet import report_csv, sheet

FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shop in which one question was answered and liked, one was not, and one customer waits."""
    engine = open_engine(tmp_path)
    migrate(engine)
    store = Store(engine)
    for number, more in enumerate(({"backend": "big", "adapter": FORMULA}, {"abstained": True}, {"route": "human", "reason": "x"})):
        received = store.receive(Request("hello", f"c{number}", "customer"))
        rest: Any = {"tokens": Tokens(10, 2), "latency_ms": {"first_token": 100.0, "total": 300.0}, **more}
        reply = store.finish(Answer("a", f"c{number}", received.message, **rest), {})
        if not number:
            store.rate(reply, "customer", 1)
    store.hand_over("c2", "x")
    engine.dispose()
    return tmp_path


def desk(folder: Path, *args: str, code: int = 0) -> Any:
    result = run("desk", *args, "--json", "--data-dir", str(folder), tools=Tools())
    assert result.exit_code == code, result.stdout
    return as_json(result)


def test_the_figures_of_a_day(folder: Path):
    found = desk(folder, "report", "--days", "1", "--zone", "Asia/Shanghai")
    overall = found["overall"]
    assert (overall["replies"], overall["conversations"]) == (3, 3)
    assert (overall["alone"]["hits"], overall["alone"]["of"]) == (2, 3)
    assert (overall["abstained"]["value"], overall["liked"]["value"]) == (0.5, 1)
    assert overall["alone"]["low"] < overall["alone"]["value"] < overall["alone"]["high"]
    assert [(group["backend"], group["total_ms"]["median"]) for group in found["groups"]] == [("big", 300)]
    assert found["reasons"] == [{"reason": "x", "n": 1}]
    assert sum(slot["replies"] for slot in found["slots"]) == 3
    assert found["since"].endswith("T00:00:00+08:00")


def test_a_person_reads_it_too(folder: Path):
    shown = run("desk", "report", "--data-dir", str(folder), tools=Tools())
    assert shown.exit_code == 0
    assert "To a person: x 1" in shown.stdout


@pytest.mark.parametrize(
    ("args", "told"), [(("--days", "0"), "1 to 366"), (("--zone", "Mars/Olympus"), "Asia/Shanghai"), (("--zone", "/"), "Asia")]
)
def test_what_cannot_be_reported(folder: Path, args: tuple[str, ...], told: str):
    assert told in desk(folder, "report", *args, code=2)["error"]


def test_nothing_happened_yet(tmp_path: Path):
    found = desk(tmp_path, "report")
    assert found["overall"]["alone"]["value"] is None
    assert (found["groups"], found["reasons"], len(found["slots"])) == ([], [], 7)


def test_the_sheet_holds_every_figure_and_runs_nothing(folder: Path):
    path = folder / "report.csv"
    found = desk(folder, "report", "--csv", str(path))
    text = path.read_text(encoding="utf-8-sig")
    assert report_csv(found).removeprefix("\ufeff") == path.read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    by_name = {(row["of"], row["name"], row["figure"]): row for row in rows}
    assert by_name["all", "", "abstained"]["value"] == "0.5"
    assert by_name["backend", "big", "alone"]["n"] == "1"
    assert by_name["reason", "x", "conversations"]["value"] == "1"
    assert {row["adapter"] for row in rows} == {"", f"'{FORMULA}"}


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_what_could_be_a_formula_is_text(begin: str):
    assert next(csv.reader(io.StringIO(sheet([[f"{begin}1"]]).removeprefix("\ufeff"), newline="")))[0].startswith("'")
    assert sheet([[-1.5, "a-b"]]) == "\ufeff-1.5,a-b\r\n"


def test_alerts(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert desk(folder, "alerts")["alerts"] == []
    monkeypatch.setenv("ANSWERDESK_ALERT_WAITING_MINUTES", "0")
    assert [(alert["kind"], alert["n"]) for alert in desk(folder, "alerts")["alerts"]] == [("waiting", 1)]
    assert "1 waiting" in run("desk", "alerts", "--data-dir", str(folder), tools=Tools()).stdout
