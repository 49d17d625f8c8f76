"""What every vector store must keep to, run on each of them. A new one is one more line in `OPEN`."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.embed import HashEmbedder, Vectors
from knowledge.errors import StoreError
from knowledge.store import ChromaStore, MemoryStore, VectorStore
from tests.stub_openai import free_port
from tests.threads import in_threads

START_S = 20.0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Chroma server of this test run's own."""
    program = shutil.which("chroma", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("pip install chromadb brings the program `chroma`; it is not beside this Python")
    port = free_port()
    folder = tmp_path_factory.mktemp("chroma")
    command = [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder) as process:
        try:
            if not _answers(f"http://127.0.0.1:{port}/api/v2/heartbeat"):
                pytest.skip(f"`chroma run` does not answer within {START_S:.0f} s")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _answers(url: str) -> bool:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            return httpx.get(url, trust_env=False).is_success
        except httpx.TransportError:
            time.sleep(0.1)
    return False


Open = Callable[[pytest.FixtureRequest], VectorStore]
OPEN: dict[str, Open] = {
    "memory": lambda request: MemoryStore(),
    "chroma": lambda request: ChromaStore(request.getfixturevalue("tmp_path") / "vectors"),
    "server": lambda request: ChromaStore(url=request.getfixturevalue("server")),
}


@pytest.fixture(params=OPEN)
def store(request: pytest.FixtureRequest) -> Iterator[VectorStore]:
    """An empty store."""
    made = OPEN[request.param](request)
    yield made
    for space in made.spaces():
        made.drop(space)


def vectors(*rows: tuple[float, ...]) -> Vectors:
    found = np.asarray(rows, dtype=np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


THREE = vectors((1, 0, 0), (1, 1, 0), (0, 0, -1))
EAST = THREE[0]


def test_it_is_a_store_and_begins_empty(store: VectorStore):
    assert isinstance(store, VectorStore)
    assert store.spaces() == []


def test_a_space_that_is_not_there_is_empty(store: VectorStore):
    assert store.query("shop.a", EAST, 3) == []
    assert store.count("shop.a") == 0
    store.delete("shop.a", ["a"])
    store.drop("shop.a")
    assert store.fetch("shop.a", ["a"]) == {}
    assert store.spaces() == []


def test_nearest_first_with_their_cosines(store: VectorStore):
    store.add("shop.a", ["x", "y", "z"], ["x", "y", "z"], THREE)
    found = store.query("shop.a", EAST, 3)
    assert [owner for owner, _ in found] == ["x", "y", "z"]
    assert [cosine for _, cosine in found] == pytest.approx([1, 0.5**0.5, 0], abs=1e-5)
    assert [cosine for _, cosine in store.query("shop.a", -EAST, 1)] == pytest.approx([0], abs=1e-5)
    assert store.query("shop.a", vectors((0, 0, 1))[0], 3)[-1] == ("z", pytest.approx(-1, abs=1e-5))


@pytest.mark.parametrize(("n", "length"), [(0, 0), (1, 1), (2, 2), (99, 3)])
def test_as_many_as_asked_for_and_there_are(store: VectorStore, n: int, length: int):
    store.add("shop.a", ["x", "y", "z"], ["x", "y", "z"], THREE)
    assert len(store.query("shop.a", EAST, n)) == length


def test_owners_may_repeat(store: VectorStore):
    store.add("shop.a", ["x.0", "x.1", "y.0"], ["x", "x", "y"], THREE)
    assert [owner for owner, _ in store.query("shop.a", EAST, 3)] == ["x", "x", "y"]


def test_the_same_id_is_replaced(store: VectorStore):
    store.add("shop.a", ["x", "y"], ["x", "y"], THREE[:2])
    store.add("shop.a", ["x"], ["other"], THREE[2:])
    assert store.count("shop.a") == 2
    assert store.fetch("shop.a", ["x"])["x"] == pytest.approx(THREE[2])
    assert {owner for owner, _ in store.query("shop.a", EAST, 9)} == {"other", "y"}


def test_fetching_gives_those_that_are_there(store: VectorStore):
    store.add("shop.a", ["x", "y", "z"], ["o", "o", "o"], THREE)
    found = store.fetch("shop.a", ["z", "gone", "x"])
    assert found.keys() == {"x", "z"}
    assert found["z"] == pytest.approx(THREE[2])
    assert store.fetch("shop.a", []) == {}


def test_deleting_by_owner(store: VectorStore):
    store.add("shop.a", ["x.0", "x.1", "y.0"], ["x", "x", "y"], THREE)
    store.delete("shop.a", ["x", "unknown"])
    assert store.count("shop.a") == 1
    assert [owner for owner, _ in store.query("shop.a", EAST, 3)] == ["y"]
    store.delete("shop.a", [])
    assert store.count("shop.a") == 1


def test_spaces_do_not_meet(store: VectorStore):
    store.add("shop.a", ["x"], ["x"], THREE[:1])
    store.add("shop.b", ["x"], ["x"], vectors((1, 0, 0, 0, 0)))
    assert store.spaces() == ["shop.a", "shop.b"]
    store.drop("shop.a")
    assert store.spaces() == ["shop.b"]
    assert store.count("shop.b") == 1


def test_a_dropped_space_may_have_another_dimension(store: VectorStore):
    store.add("shop.a", ["x"], ["x"], THREE[:1])
    store.drop("shop.a")
    store.add("shop.a", ["x"], ["x"], vectors((1, 0, 0, 0, 0)))
    assert len(store.fetch("shop.a", ["x"])["x"]) == 5


def test_many_at_once(store: VectorStore):
    ids = [f"n{number}" for number in range(5500)]
    store.add("shop.a", ids, ids, HashEmbedder(16).documents(ids))
    assert store.count("shop.a") == 5500
    assert len(store.query("shop.a", HashEmbedder(16).queries(["n7"])[0], 400)) == 400
    assert len(store.fetch("shop.a", ids)) == 5500
    store.delete("shop.a", ids[:5000])
    assert store.count("shop.a") == 500


def test_writing_and_reading_in_threads(store: VectorStore):
    def work(number: int) -> int:
        ids = [f"{number}.{place}" for place in range(20)]
        store.add("shop.a", ids, ids, HashEmbedder(16).documents(ids))
        found = store.query("shop.a", HashEmbedder(16).queries([ids[0]])[0], 5)
        store.delete("shop.a", ids[10:])
        return len(found)

    assert set(in_threads(work, 6)) == {5}
    assert store.count("shop.a") == 60


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["add", "delete", "drop"]), st.sets(st.integers(0, 5), min_size=1)), max_size=6))
def test_it_holds_what_a_dictionary_would(store: VectorStore, steps: list[tuple[str, set[int]]]):
    store.drop("shop.m")
    held: set[str] = set()
    for step, numbers in steps:
        ids = [f"n{number}" for number in sorted(numbers)]
        if step == "add":
            store.add("shop.m", ids, ids, HashEmbedder(16).documents(ids))
            held |= set(ids)
        elif step == "delete":
            store.delete("shop.m", ids)
            held -= set(ids)
        else:
            store.drop("shop.m")
            held = set()
        assert store.count("shop.m") == len(held)
        assert {owner for owner, _ in store.query("shop.m", HashEmbedder(16).queries(["n0"])[0], 9)} == held


def test_chroma_is_still_there_after_reopening(tmp_path: Path):
    ChromaStore(tmp_path).add("shop.a", ["x"], ["x"], THREE[:1])
    assert ChromaStore(tmp_path).query("shop.a", EAST, 1) == [("x", pytest.approx(1))]


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "http://[bad", "http://host:port"])
def test_a_chroma_url_that_is_none(url: str):
    with pytest.raises(StoreError, match=r"allowed: http://host:port\. Correct ANSWERDESK_CHROMA_URL"):
        ChromaStore(url=url)


def test_a_chroma_server_that_is_not_there():
    with pytest.raises(StoreError, match=r"cannot be opened .*Start the server"):
        ChromaStore(url=f"http://127.0.0.1:{free_port()}").spaces()


def test_a_chroma_folder_that_is_none(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    store = ChromaStore(tmp_path / "file")
    with pytest.raises(StoreError, match=r"cannot be opened .*answerdesk documents reindex"):
        store.add("shop.a", ["x"], ["x"], THREE[:1])


@pytest.mark.parametrize("opened", [False, True])
def test_a_chroma_folder_that_was_damaged_is_begun_anew(tmp_path: Path, *, opened: bool):
    store = ChromaStore(tmp_path / "vectors")
    store.add("shop.a", ["x"], ["x"], THREE[:1])
    if not opened:
        store._client.close()
    (tmp_path / "vectors" / "chroma.sqlite3").write_text("garbage\n")
    store = store if opened else ChromaStore(tmp_path / "vectors")
    for _ in range(2):
        with pytest.raises(StoreError, match="file is not a database"):
            store.count("shop.a")
    store.renew()
    assert store.spaces() == []
    store.add("shop.a", ["y"], ["y"], THREE[:1])
    assert store.query("shop.a", EAST, 1) == [("y", pytest.approx(1))]
    assert (tmp_path / "vectors.broken" / "chroma.sqlite3").read_text() == "garbage\n"


def test_a_chroma_server_that_comes_up_is_used(server: str):
    store = ChromaStore(url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreError):
        store.spaces()
    store._server = ChromaStore(url=server)._server
    assert store.spaces() == []


def test_chroma_refuses_what_does_not_fit(tmp_path: Path):
    store = ChromaStore(tmp_path)
    store.add("shop.a", ["x"], ["x"], THREE[:1])
    with pytest.raises(StoreError, match=r"failed .*answerdesk doctor"):
        store.add("shop.a", ["y"], ["y"], vectors((1, 0, 0, 0, 0)))


def test_chroma_sees_a_space_that_somebody_else_made_anew(tmp_path: Path):
    store, other = ChromaStore(tmp_path), ChromaStore(tmp_path)
    store.add("shop.a", ["x"], ["x"], THREE[:1])
    assert store.count("shop.a") == 1
    other.drop("shop.a")
    assert store.query("shop.a", EAST, 1) == []
    other.add("shop.a", ["y"], ["y"], THREE[:1])
    assert store.query("shop.a", EAST, 1) == [("y", pytest.approx(1))]
