"""The index: what is taken in, skipped, replaced and removed, and what is left when something fails half-way."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from knowledge.embed import HashEmbedder
from knowledge.errors import KnowledgeError, StoreError
from knowledge.ingest import Index
from knowledge.probe import PAIRS
from knowledge.store import MemoryStore
from tests.knowledge.shelf import FailingStore, SureEmbedder, page, write
from tests.threads import in_threads
from ui.database import migrate, open_engine

ANSWERS = {question: answer for pairs in PAIRS.values() for question, answer in pairs}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_engine(f"sqlite:///{tmp_path / 'test.db'}")
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def store() -> FailingStore:
    return FailingStore()


@pytest.fixture
def index(engine: Engine, store: FailingStore) -> Index:
    return Index(engine, store, SureEmbedder(ANSWERS))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write(
        tmp_path / "docs",
        refund="# Refunds\n\nRefunds are paid within five days.",
        shipping="# Shipping\n\nShipping takes two days.",
        tuihuo="# 退货\n\n退货需要自付运费。",
    )


def sources(index: Index, question: str, collection: str = "default") -> list[str]:
    return [passage.chunk.source for passage in index.search(question, 5, collection)]


def vectors(store: MemoryStore) -> dict[str, int]:
    return {space.rpartition(".")[2]: store.count(space) for space in store.spaces()}


def test_a_folder_is_taken_in_and_found(index: Index, docs: Path, store: FailingStore):
    seen: list[tuple[int, int, str]] = []
    report = index.ingest([docs], progress=lambda done, of, name: seen.append((done, of, name)))
    assert (report.documents, report.chunks, report.added, report.unchanged, report.removed, report.failed) == (3, 3, 3, 0, 0, ())
    assert seen == [(0, 3, "refund.md"), (1, 3, "shipping.md"), (2, 3, "tuihuo.md"), (3, 3, "")]
    assert sources(index, "when is my refund paid")[0] == "refund.md"
    assert sources(index, "退货要运费吗")[0] == "tuihuo.md"
    assert vectors(store) == {"chunks": 3, "sentences": 3}
    assert index.collections() == ["default"]
    assert index.count() == 3
    assert index.ready() is None


def test_taking_in_again_changes_nothing(index: Index, docs: Path):
    index.ingest([docs])
    before, embedded = index.loaded(), list(index.embedder.embedded)  # type: ignore[attr-defined]
    report = index.ingest([docs])
    assert (report.documents, report.added, report.unchanged, report.removed) == (3, 0, 3, 0)
    assert index.embedder.embedded == embedded  # type: ignore[attr-defined]
    assert index.loaded() is before


def test_a_changed_file_takes_the_place_of_the_old(index: Index, docs: Path, store: FailingStore):
    index.ingest([docs])
    write(docs, refund="# Refunds\n\nVouchers replace cash.")
    report = index.ingest([docs])
    assert (report.documents, report.chunks, report.added, report.unchanged, report.removed) == (3, 3, 1, 2, 1)
    assert "refund.md" in sources(index, "vouchers")
    assert not any("five days" in passage.chunk.text for passage in index.search("refunds paid five days"))
    assert vectors(store) == {"chunks": 3, "sentences": 3}


def test_a_vanished_file_is_removed(index: Index, docs: Path, store: FailingStore):
    index.ingest([docs])
    (docs / "refund.md").unlink()
    report = index.ingest([docs])
    assert (report.documents, report.removed, report.unchanged) == (2, 1, 2)
    assert "refund.md" not in sources(index, "when is my refund paid")
    assert vectors(store) == {"chunks": 2, "sentences": 2}


def test_an_entry_that_vanished_from_a_file_is_removed(index: Index, tmp_path: Path):
    faq = tmp_path / "faq.jsonl"
    faq.write_text('{"id": "a", "text": "Refunds take five days."}\n{"id": "b", "text": "Shipping is free."}\n')
    index.ingest([faq])
    faq.write_text('{"id": "b", "text": "Shipping is free."}\n')
    report = index.ingest([faq])
    assert (report.documents, report.unchanged, report.removed) == (1, 1, 1)


def test_what_came_from_elsewhere_stays(index: Index, docs: Path, tmp_path: Path):
    index.ingest([docs])
    other = write(tmp_path / "other", warranty="The warranty lasts two years.")
    assert index.ingest([other]).documents == 4
    assert index.ingest([docs, other]).removed == 0
    assert index.add_documents([page("added.md", "Loyal customers get points.")]).documents == 5
    assert index.ingest([docs, other]).documents == 5


def test_a_folder_that_has_moved_is_known_by_its_new_place(index: Index, docs: Path, tmp_path: Path):
    index.ingest([docs])
    moved = docs.rename(tmp_path / "moved")
    assert index.ingest([moved]).unchanged == 3
    (moved / "refund.md").unlink()
    assert index.ingest([moved]).removed == 1


def test_a_folder_that_is_gone_removes_nothing(index: Index, docs: Path, tmp_path: Path):
    index.ingest([docs])
    docs.rename(tmp_path / "elsewhere")
    report = index.ingest([docs])
    assert (report.documents, report.removed) == (3, 0)
    assert [failure.path for failure in report.failed] == ["docs"]


def test_a_link_that_vanished_is_removed(index: Index, docs: Path):
    write(docs / ".far", linked="Gift cards never expire.")
    (docs / "linked.md").symlink_to(docs / ".far" / "linked.md")
    assert index.ingest([docs]).documents == 4
    (docs / "linked.md").unlink()
    assert index.ingest([docs]).documents == 3


def test_a_link_to_itself_is_one_bad_file(index: Index, docs: Path):
    (docs / "loop.md").symlink_to(docs / "loop.md")
    report = index.ingest([docs, docs / "loop.md", docs / "nul\0.md"])
    assert report.documents == 3
    assert {failure.path for failure in report.failed} == {"loop.md", "nul\0.md"}


def test_a_bad_file_is_reported_and_its_old_version_kept(index: Index, docs: Path):
    write(docs, faq="x")
    (docs / "faq.md").unlink()
    (docs / "faq.jsonl").write_text('{"id": "a", "text": "Gift cards never expire."}\n')
    index.ingest([docs])
    (docs / "refund.md").write_text("")
    (docs / "faq.jsonl").write_text("{broken")
    write(docs, shipping="# Shipping\n\nShipping takes nine days.")
    report = index.ingest([docs])
    assert {failure.path for failure in report.failed} == {"refund.md", "faq.jsonl"}
    assert all(failure.error.endswith(".") for failure in report.failed)
    assert (report.documents, report.added, report.unchanged, report.removed) == (4, 1, 1, 1)
    assert sources(index, "when is my refund paid")[0] == "refund.md"
    assert sources(index, "do gift cards expire")[0] == "faq.jsonl#a"
    report = index.ingest([docs / "refund.md"])
    assert (report.documents, len(report.failed)) == (4, 1)


def test_collections_do_not_meet(index: Index, docs: Path, store: FailingStore):
    index.ingest([docs], "one")
    index.ingest([docs / "refund.md"], "two")
    assert index.collections() == ["one", "two"]
    assert sources(index, "when does shipping come", "two") in ([], ["refund.md"])
    assert index.search("when is my refund paid", 5, "three") == []
    (docs / "refund.md").unlink()
    index.ingest([docs], "one")
    assert sources(index, "when is my refund paid", "two") == ["refund.md"]


@pytest.mark.parametrize("name", ["", "a b", "../x", "-a", "x" * 49, "é", "a\n"])
def test_a_bad_collection_name_is_refused(index: Index, docs: Path, name: str):
    with pytest.raises(KnowledgeError, match="allowed: 1 to 48"):
        index.ingest([docs], name)
    assert index.collections() == []


def test_many_documents_in_one_file(index: Index, tmp_path: Path):
    lines = [f'{{"id": {number}, "text": "Article number{number} costs {number} euros."}}\n' for number in range(100)]
    (tmp_path / "many.jsonl").write_text("".join(lines))
    report = index.ingest([tmp_path / "many.jsonl"])
    assert (report.documents, report.added) == (100, 100)
    assert sources(index, "article number42")[0] == "many.jsonl#42"
    assert index.ingest([tmp_path / "many.jsonl"]).unchanged == 100


def test_a_failure_before_the_rows_leaves_the_old_document(index: Index, docs: Path, store: FailingStore, engine: Engine):
    index.ingest([docs])
    write(docs, refund="# Refunds\n\nVouchers replace cash.")
    for adds in (0, 1):
        store.adds_left = adds
        with pytest.raises(StoreError):
            index.ingest([docs])
        again = Index(engine, store, SureEmbedder(ANSWERS))
        assert any("five days" in passage.chunk.text for passage in again.search("refunds paid five days"))
        assert not any("Vouchers" in passage.chunk.text for passage in again.search("vouchers replace cash"))
    store.adds_left = None
    assert index.ingest([docs]).added == 1
    assert "refund.md" in sources(index, "vouchers")


def test_a_failure_after_the_rows_leaves_the_new_document(index: Index, docs: Path, store: FailingStore, engine: Engine):
    index.ingest([docs])
    write(docs, refund="# Refunds\n\nVouchers replace cash.")
    store.fail_delete = True
    with pytest.raises(StoreError):
        index.ingest([docs])
    again = Index(engine, store, SureEmbedder(ANSWERS))
    again.prepare()
    assert again.ready() is None
    assert "refund.md" in sources(again, "vouchers replace cash")
    assert not any("five days" in passage.chunk.text for passage in again.search("refunds paid five days"))


def test_lost_vectors_are_rebuilt(index: Index, docs: Path, engine: Engine):
    index.ingest([docs])
    empty = MemoryStore()
    again = Index(engine, empty, SureEmbedder(ANSWERS))
    assert "lost vectors" in str(again.ready())
    assert sources(again, "when is my refund paid")[0] == "refund.md"  # by its words
    seen: list[str] = []
    again.prepare(lambda done, of, name: seen.append(name))
    assert again.ready() is None
    assert vectors(empty) == {"chunks": 3, "sentences": 3}
    assert seen == ["refund.md"]


def test_another_embedder_builds_beside_and_swaps(index: Index, docs: Path, store: FailingStore, engine: Engine):
    index.ingest([docs], "one")
    index.ingest([docs], "two")
    old = store.spaces()
    other = Index(engine, store, SureEmbedder(ANSWERS, "other", 64))
    assert "indexed by sure, not other" in str(other.ready())
    store.adds_left = 1
    with pytest.raises(StoreError):
        other.prepare()
    assert set(old) <= set(store.spaces())
    assert sources(index, "when is my refund paid", "one")[0] == "refund.md"
    store.adds_left = None
    other.prepare()
    assert other.ready() is None
    assert len(store.spaces()) == 4
    assert not set(old) & set(store.spaces())
    found = other.search("refund", 1, "one")[0].chunk.id
    widths = [len(vector) for space in store.spaces() for vector in store.fetch(space, [found]).values()]
    assert widths == [64, 64]  # of each collection's chunks
    assert sources(other, "when is my refund paid", "two")[0] == "refund.md"


def test_a_change_by_another_process_is_seen(index: Index, docs: Path, store: FailingStore, engine: Engine):
    reader = Index(engine, store, SureEmbedder(ANSWERS))
    assert reader.search("refund") == []
    index.ingest([docs])
    assert sources(reader, "when is my refund paid")[0] == "refund.md"
    (docs / "refund.md").unlink()
    index.ingest([docs])
    assert "refund.md" not in sources(reader, "when is my refund paid")


def test_an_embedder_that_is_not_trusted_has_no_vectors(engine: Engine, docs: Path, store: FailingStore):
    index = Index(engine, store, HashEmbedder(4))
    index.ingest([docs])
    assert store.spaces() == []
    assert sources(index, "when is my refund paid")[0] == "refund.md"
    assert index.ready() is None


def test_searching_while_taking_in(index: Index, docs: Path):
    index.ingest([docs])
    done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            for turn in range(15):
                write(docs, shipping=f"# Shipping\n\nShipping takes {turn} days.", **{f"more{turn}": f"More of {turn}."})
                index.ingest([docs])
            done.set()
            return 1
        found = 0
        while not done.is_set() or not found:
            assert sources(index, "when is my refund paid")[0] == "refund.md"
            assert sum(source == "shipping.md" for source in sources(index, "how long does shipping take")) == 1
            found += 1
        return found

    assert all(in_threads(work, 4))
    assert index.count() == 18


def test_taking_in_from_threads_is_one_after_the_other(index: Index, docs: Path):
    reports = in_threads(lambda _: index.ingest([docs]), 4)
    assert sorted(report.added for report in reports) == [0, 0, 0, 3]  # type: ignore[attr-defined]
    assert index.count() == 3


def test_reading_a_few_documents_that_are_in_no_collection(index: Index):
    found = index.read("when is my refund paid", [page("a.md", "Refunds are paid within five days."), page("b.md", "Shipping is free.")], 1)
    assert [passage.chunk.source for passage in found.passages] == ["a.md"]
    assert found.passages[0].units[0].cosine is not None
    assert index.collections() == []
    assert index.read("refund", []).passages == ()


def test_documents_by_their_best_chunk(index: Index):
    text = "Refunds are paid within five days. " * 40
    index.add_documents([page("long.md", text), page("short.md", "A refund is paid to your card.")])
    found = index.search_documents("refund paid", 5)
    assert sorted(source for source, _ in found) == ["long.md", "short.md"]
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_what_no_document_has_a_word_for(index: Index, docs: Path):
    index.ingest([docs])
    assert index.find("refund").gaps.unknown == 0
    assert index.find("退货").gaps.unknown == 0
    assert index.find("helicopter").gaps.unknown == 1


@pytest.mark.parametrize(("text", "k"), [("", 5), (" \n", 5), ("refund", 0), ("refund", -1)])
def test_nothing_asked(index: Index, docs: Path, text: str, k: int):
    index.ingest([docs])
    assert index.search(text, k) == []


QUESTIONS = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(["refund", "退货", "shipping", "\0\x1b", "运费", "E-07", "\ud800", "🙂"]), max_size=8).map(" ".join),
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUESTIONS, st.integers(1, 9))
def test_any_question_is_answered_in_order(index: Index, docs: Path, text: str, k: int):
    if not index.collections():
        index.ingest([docs])
    found = index.find(text, k)
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert len(scores) <= k
    assert 0 <= found.gaps.unknown <= 1


def test_what_is_left_out_is_reported_and_what_was_taken_in_of_it_goes(index: Index, docs: Path):
    write(docs / "data", talk="# Talk\n\nA customer lives in Baker Street.")
    assert index.ingest([docs]).documents == 4
    (docs / "data" / "answerdesk.db").touch()
    report = index.ingest([docs])
    assert [(failure.path, "data folder" in failure.error) for failure in report.failed] == [("data", True)]
    assert (report.documents, report.removed) == (3, 1)
    assert not any("Baker Street" in passage.chunk.text for passage in index.search("who lives in Baker Street?"))
    assert index.ingest([docs / "data"]).failed[0].path == "data"
