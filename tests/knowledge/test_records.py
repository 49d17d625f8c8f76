import pytest
from sqlalchemy import Engine

from knowledge.chunk import chunk
from knowledge.documents import Document, Section
from knowledge.embed import HashEmbedder
from knowledge.records import Record, records_of
from knowledge.rows import Rows
from tests.databases import address, engine, postgresql

__all__ = ["address", "engine", "postgresql"]

LAMP = "Name: Lamp\nPrice: $9\nAbout: A lamp that is bright, warm and small; it stands on any table and needs no cable at all\nStock: Low"
DENG = "名称：台灯\n价格：9 美元\n说明：见 https://example.com"


@pytest.fixture
def ids(engine: Engine) -> dict[str, list[str]]:
    """The chunks of each record, by its name; chunks are so small that a record is cut into several."""
    sections = (Section(("Lamp",), LAMP, "record"), Section(("台灯",), DENG, "record"), Section(("Care",), "Price: ask us. Wipe it."))
    chunks = chunk(Document("things.csv", "Things", sections, "1"), HashEmbedder().count, 12)
    rows = Rows(engine)
    rows.enter("shop", "hash", 256, {})
    rows.replace("shop", Document("things.csv", "Things", sections, "1"), "/docs", "hash", chunks)
    found: dict[str, list[str]] = {}
    for each in chunks:
        found.setdefault(each.heading[-1], []).append(each.id)
    return found


def test_each_piece_gives_the_whole_record(engine: Engine, ids: dict[str, list[str]]):
    assert len(ids["Lamp"]) > 2
    found = records_of(engine, ids["Lamp"])
    assert list(found) != []
    assert set(found) == set(ids["Lamp"])
    fields = dict(next(iter(found.values())).fields)
    assert list(fields) == ["Name", "Price", "About", "Stock"]
    assert (fields["Price"], fields["Stock"]) == ("$9", "Low")
    assert fields["About"].endswith("no cable at all")
    assert len(set(found.values())) == 1


def test_chinese_fields_and_values_with_colons(engine: Engine, ids: dict[str, list[str]]):
    found = records_of(engine, ids["台灯"][:1])
    assert list(found.values()) == [Record("台灯", (("名称", "台灯"), ("价格", "9 美元"), ("说明", "见 https://example.com")))]


def test_prose_and_unknown_ids_are_no_records(engine: Engine, ids: dict[str, list[str]]):
    assert records_of(engine, [*ids["Care"], "unknown"]) == {}
    assert records_of(engine, []) == {}
