"""On SQLite and, where there is a server, on PostgreSQL."""

import pytest
from sqlalchemy import Engine

from knowledge.chunk import chunk
from knowledge.documents import Document, Section
from knowledge.embed import HashEmbedder
from knowledge.rows import Entry, Known, Rows
from tests.databases import address, engine, postgresql
from tests.knowledge.shelf import page

__all__ = ["address", "engine", "postgresql"]


@pytest.fixture
def rows(engine: Engine) -> Rows:
    made = Rows(engine)
    made.enter("shop", "hash", 256, {"en": 0.5})
    return made


def put(rows: Rows, document: Document, root: str = "/docs", collection: str = "shop") -> set[str]:
    return rows.replace(collection, document, root, "hash", chunk(document, HashEmbedder().count, 20))


def test_a_collection_has_one_row(rows: Rows):
    rows.enter("shop", "other", 3, {})
    entry = rows.entry("shop")
    assert entry is not None
    assert entry == Entry("other", 3, entry.at, {})
    assert rows.entry("none") is None
    rows.enter("a", "hash", 256, {})
    assert rows.collections() == ["a", "shop"]


def test_chunks_come_back_as_they_were(rows: Rows):
    document = Document(
        "b.md", "Rückgabe 退货", (Section(("Fees", "运费"), "One. Two."), Section((), "Price: 9\nColour: é", "record")), "1"
    )
    put(rows, document)
    put(rows, page("a.md", "First by source."))
    found = rows.chunks("shop")
    assert [one.source for one in found] == ["a.md", "b.md", "b.md"]
    assert found[1:] == chunk(document, HashEmbedder().count, 20)
    assert rows.counts("shop") == (2, 3)
    assert rows.counts("none") == (0, 0)


def test_replacing_tells_which_chunks_are_gone(rows: Rows):
    put(rows, Document("a.md", "T", (Section(("1",), "Same."), Section(("2",), "Old.")), "1"))
    same, old = rows.chunks("shop")
    stale = put(rows, Document("a.md", "T", (Section(("1",), "Same."), Section(("2",), "New.")), "2"))
    assert stale == {old.id}
    assert [one.text for one in rows.chunks("shop")] == ["Same.", "New."]
    assert rows.chunks("shop")[0] == same
    assert rows.known("shop", ["a.md", "z.md"]) == {"a.md": Known("2", "/docs")}


def test_every_change_moves_the_time_on(rows: Rows):
    def at() -> object:
        entry = rows.entry("shop")
        return entry and entry.at

    times = [at()]
    put(rows, page("a.md", "One."))
    times.append(at())
    rows.forget("shop", "/docs", {"a.md"})
    assert at() == times[-1]
    rows.forget("shop", "/docs", set())
    times.append(at())
    assert len(set(times)) == 3


def test_forgetting_keeps_what_was_named_and_what_came_from_elsewhere(rows: Rows):
    for name, root in (("a.md", "/docs"), ("b.md", "/docs"), ("c.md", "/other")):
        put(rows, page(name, f"Text of {name}."), root)
    gone = [one.id for one in rows.chunks("shop") if one.source == "b.md"]
    assert rows.forget("shop", "/docs", {"a.md"}) == (1, set(gone))
    assert rows.sources("shop") == {"a.md", "c.md"}
    rows.move("shop", ["c.md"], "/docs")
    assert rows.forget("shop", "/docs", set())[0] == 2
    assert rows.chunks("shop") == []


def test_collections_do_not_meet(rows: Rows):
    rows.enter("other", "hash", 256, {})
    put(rows, page("a.md", "One."))
    put(rows, page("a.md", "One."), collection="other")
    rows.forget("other", "/docs", set())
    assert rows.counts("shop") == (1, 1)
    assert rows.counts("other") == (0, 0)


def test_a_document_that_cannot_be_written_leaves_the_old_one(rows: Rows):
    put(rows, page("a.md", "Old."))
    twice = chunk(page("a.md", "New."), HashEmbedder().count, 20) * 2
    with pytest.raises(Exception, match=r"(?i)unique"):
        rows.replace("shop", page("a.md", "New."), "/docs", "hash", twice)
    assert [one.text for one in rows.chunks("shop")] == ["Old."]
