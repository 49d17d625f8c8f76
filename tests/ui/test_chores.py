"""Work that the server does beside the pages."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ui.chores import Chores
from ui.errors import Failure


class Bench:
    """Does what it is told once `go` is set. done: the arguments of what was begun."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.done: list[Any] = []

    def __call__(self, name: str, emit: Callable[[dict[str, Any]], None], args: dict[str, Any]) -> dict[str, Any]:
        self.done.append(args)
        emit({"progress": {"done": 1, "total": 3, "name": "passages"}})
        assert self.go.wait(20)
        if name == "fail":
            raise Failure("it cannot be done")
        return {"name": name, **args}


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state(chores: Chores, key: str) -> str:
    chore = chores.get(key)
    return chore.state if chore else ""


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_one_is_seen_on_its_way_and_at_its_end_and_put_away(tmp_path: Path, bench: Bench):
    chores = Chores(tmp_path / "chores", bench)
    chores.begin("a", "work", "root", {"n": 1})
    until(lambda: (now := chores.get("a")) is not None and now.total == 3)
    with pytest.raises(Failure, match="being done already"):
        chores.begin("a", "work", "root", {"n": 2})
    chores.drop("a")
    assert state(chores, "a") == "running"
    bench.go.set()
    until(lambda: state(chores, "a") == "done")
    ended = chores.get("a")
    assert ended
    assert (ended.result, ended.by) == ({"name": "work", "n": 1}, "root")
    again = Chores(tmp_path / "chores", bench)
    again.resume()
    assert again.get("a") == ended
    again.drop("a")
    assert (again.get("a"), list((tmp_path / "chores").iterdir())) == (None, [])


def test_what_fails_says_why(tmp_path: Path, bench: Bench):
    chores = Chores(tmp_path / "chores", bench)
    bench.go.set()
    chores.begin("b", "fail", "root", {})
    until(lambda: state(chores, "b") == "failed")
    failed = chores.get("b")
    assert failed
    assert "it cannot be done" in failed.error
    chores.begin("b", "work", "root", {})
    until(lambda: state(chores, "b") == "done")


def test_of_one_kind_one_is_done_at_a_time(tmp_path: Path, bench: Bench):
    chores = Chores(tmp_path / "chores", bench)
    for number in range(3):
        chores.begin(f"c{number}", "work", "root", {"n": number})
    until(lambda: len(bench.done) == 1)
    assert sorted(state(chores, f"c{number}") for number in range(3)) == ["running", "waiting", "waiting"]
    bench.go.set()
    until(lambda: [state(chores, f"c{number}") for number in range(3)] == ["done"] * 3)


def test_what_a_restart_cut_off_begins_again_and_is_given_up_in_the_end(tmp_path: Path, bench: Bench):
    folder = tmp_path / "chores"
    Chores(folder, bench).begin("d", "work", "root", {"n": 7})
    until(lambda: len(bench.done) == 1)
    restarted = Chores(folder, bench)
    restarted.resume()
    until(lambda: bench.done == [{"n": 7}, {"n": 7}])
    kept = json.loads((folder / "d.json").read_text(encoding="utf-8"))
    assert kept["starts"] == 2
    (folder / "d.json").write_text(json.dumps({**kept, "starts": 3}), encoding="utf-8")
    (folder / "foreign.json").write_text("[]", encoding="utf-8")
    last = Chores(folder, bench)
    last.resume()
    assert state(last, "d") == "failed"
    assert last.get("foreign") is None
    bench.go.set()


@pytest.mark.parametrize("key", ["", "../x", "a/b", ".hidden", "a" * 100])
def test_keys_are_names(tmp_path: Path, bench: Bench, key: str):
    with pytest.raises(Failure, match="allowed are letters"):
        Chores(tmp_path / "chores", bench).begin(key, "work", "root", {})
    assert not (tmp_path / "chores").exists()
