import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.ui.desk import TOOLS, build
from tests.ui.test_cli import as_json, run
from ui.errors import Failure
from ui.evals import read_rows


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    _write(folder / "corpus.jsonl.gz", [{"id": "d1", "title": "T", "text": "red apple"}, {"id": "d2", "text": "green pear"}])
    queries = [{"id": "q1", "text": "red apple"}, {"id": "q2", "text": "green apple"}, {"id": "q3", "text": "no qrels"}]
    _write(folder / "queries.jsonl", queries)
    _write(
        folder / "qrels.jsonl", [{"query_id": "q1", "doc_id": "d1"}, {"query_id": "q2", "doc_id": "d2"}, {"query_id": "qx", "doc_id": "d2"}]
    )
    return folder


def test_retrieval(data: Path, tmp_path: Path):
    built: list[Path] = []

    def watched(settings: Any) -> Any:
        built.append(settings.data_dir)
        return build(settings)

    result = run("eval", "retrieval", "--data", str(data), "--json", "--data-dir", str(tmp_path / "d"), tools=replace(TOOLS, build=watched))
    assert result.exit_code == 0, result.stderr
    found = as_json(result)
    assert list(found) == [
        "queries", "recall@1", "recall@5", "recall@10", "recall@50", "mrr@10", "ndcg@10", "cpu_seconds", "peak_rss_mb",
    ]  # fmt: skip
    assert found["queries"] == 2
    # q1: d1 first. q2: both documents share one word, d1 comes first by order, so d2 is second
    assert (found["recall@1"], found["recall@5"], found["mrr@10"]) == (0.5, 1.0, 0.75)
    assert found["ndcg@10"] == pytest.approx((1 + 0.6309) / 2, abs=1e-3)
    assert found["cpu_seconds"] > 0
    assert found["peak_rss_mb"] > 10
    assert not (tmp_path / "d").exists()
    assert not built[0].exists()


def test_retrieval_for_people(data: Path):
    assert "recall@10" in run("eval", "retrieval", "--data", str(data)).stdout


def test_nothing_to_measure(data: Path, tmp_path: Path):
    assert run("eval", "retrieval", "--data", str(tmp_path)).exit_code == 2
    _write(data / "qrels.jsonl", [{"query_id": "other", "doc_id": "d1"}])
    result = run("eval", "retrieval", "--data", str(data), "--json")
    assert result.exit_code == 2
    assert "qrels" in as_json(result)["error"]


ROWS = [
    {"id": "1", "question": "apple?", "context": "The apple is red. It costs 3 euros.", "answers": ["red"], "is_impossible": False},
    {"id": "2", "question": "pear?", "context": "A pear is green.", "answers": ["A pear is green"], "is_impossible": False},
    {"id": "3", "question": "plum?", "context": "Nothing here.", "answers": [], "is_impossible": True},
    {"id": "4", "question": "kiwi?", "context": "Other fruit.", "answers": ["brown"], "is_impossible": False, "history": []},
]


def test_answers_from_the_rows_own_context(tmp_path: Path):
    data, out = _write(tmp_path / "rows.jsonl.gz", ROWS), tmp_path / "out.jsonl"
    result = run("eval", "answers", "--data", str(data), "--backend", "big", "--out", str(out), "--json")
    assert result.exit_code == 0, result.stderr
    found = as_json(result)
    assert set(found) == {
        "n", "exact_match", "f1", "contains", "abstain", "grounded", "uncited", "unsupported_figures", "tokens", "latency_ms",
    }  # fmt: skip
    # 1: "The apple is red." against "red": f1 2*1/(3+1). 2: exact. 4: unanswered
    assert (found["n"], found["exact_match"], found["f1"]) == (4, 0.3333, 0.5)
    assert found["contains"] == 0.6667
    # left unanswered: 3 and 4; without an answer: 3. doubt: 3 has 1 against .2, .2 and 1 -> (1 + 1 + .5) / 3
    assert found["abstain"] == {"precision": 0.5, "recall": 1.0, "auroc": 0.8333}
    assert (found["grounded"], found["uncited"], found["unsupported_figures"]) == (1.0, 0.0, 0)
    assert found["latency_ms"] == {"first_token": 1.0, "total": 3.0, "total_p95": 3.0}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["abstained"] for row in rows] == [False, False, True, True]
    assert {row["backend"] for row in rows} == {"big"}


def test_answers_from_a_corpus(data: Path, tmp_path: Path):
    rows = _write(tmp_path / "rows.jsonl", [{key: value for key, value in ROWS[0].items() if key != "context"}])
    found = as_json(run("eval", "answers", "--data", str(rows), "--corpus", str(data), "--json"))
    assert found["n"] == 1
    assert found["abstain"] == {"precision": None, "recall": None, "auroc": None}
    documents = tmp_path / "pages"
    documents.mkdir()
    assert run("eval", "answers", "--data", str(rows), "--corpus", str(documents)).exit_code == 2
    (documents / "a.md").write_text("text")
    assert run("eval", "answers", "--data", str(rows), "--corpus", str(documents)).exit_code == 0
    no_evidence = run("eval", "answers", "--data", str(rows), "--json")
    assert no_evidence.exit_code == 2
    assert "--corpus" in as_json(no_evidence)["error"]


@pytest.mark.parametrize(
    "change",
    [{"answers": "red"}, {"answers": [1]}, {"answers": []}, {"question": None}, {"is_impossible": "no"}, {"history": [{"role": "x"}]}],
)
def test_bad_rows_are_named(tmp_path: Path, change: dict[str, Any]):
    data = _write(tmp_path / "rows.jsonl", [ROWS[1], ROWS[0] | change])
    result = run("eval", "answers", "--data", str(data), "--json")
    assert result.exit_code == 2
    assert "2" in as_json(result)["error"]


@pytest.mark.parametrize("content", [b"{\n", b"[1]\n", b'{"id": 1.5}\n', b"\xff\n", b'{"id": "a"}\n\n{"id": null}\n'])
def test_lines_that_cannot_be_read(tmp_path: Path, content: bytes):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(Failure, match=r"x\.jsonl") as caught:
        list(read_rows(path, {"id": str}))
    assert caught.value.code == 2


def test_files_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "broken.jsonl.gz").write_bytes(b"not gzip")
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"id": "a"}\n' * 1000)[:-20])
    for name in ("nowhere.jsonl", "broken.jsonl.gz", "cut.jsonl.gz"):
        with pytest.raises(Failure, match=name):
            list(read_rows(tmp_path / name, {"id": str}))


def test_ids_may_be_numbers_and_impossible_may_be_left_out(tmp_path: Path):
    assert list(read_rows(_write(tmp_path / "x.jsonl", [{"id": 7}]), {"id": str})) == [{"id": "7"}]
    row = {"id": 1, "question": "apple?", "context": "The apple is red.", "answers": ["red"]}
    assert as_json(run("eval", "answers", "--data", str(_write(tmp_path / "rows.jsonl", [row])), "--json"))["contains"] == 1.0
