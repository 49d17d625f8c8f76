"""Rows of tables as they were taken in: the whole record that a chunk is a piece of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, and_, or_, select

from knowledge.tables import chunks as chunk_rows

_FIELD = re.compile(r"([^:：]{1,60}?)\s*(?::\s|：)\s*(.+)")
_NEAR = 4  # chunks on either side that a record may have been cut into


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a table. name: what the row is about, empty where no column says it. fields: (column, value) in the table's order."""

    name: str
    fields: tuple[tuple[str, str], ...]


def records_of(engine: Engine, ids: Sequence[str]) -> dict[str, Record]:
    """The record of each of these chunks, by the chunk's id; those that are no piece of a record are left out."""
    if not ids:
        return {}
    columns = (chunk_rows.c.id, chunk_rows.c.document, chunk_rows.c.position, chunk_rows.c.heading, chunk_rows.c.text)
    record = chunk_rows.c.kind == "record"
    with engine.execution_options(read_only=True).connect() as connection:
        found = connection.execute(select(*columns).where(chunk_rows.c.id.in_(list(ids)), record)).all()
        if not found:
            return {}
        beside = [
            and_(chunk_rows.c.document == one.document, chunk_rows.c.position.between(one.position - _NEAR, one.position + _NEAR))
            for one in found
        ]
        rows = connection.execute(select(*columns).where(record, or_(*beside)).order_by(chunk_rows.c.position)).all()
    whole: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for row in rows:
        whole.setdefault((row.document, tuple(row.heading)), []).extend(row.text.splitlines())
    return {one.id: Record(one.heading[-1] if one.heading else "", _fields(whole[one.document, tuple(one.heading)])) for one in found}


def _fields(lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`Field: value` lines as pairs; a line without a name goes on where the one before it ended."""
    fields: list[tuple[str, str]] = []
    for line in lines:
        if match := _FIELD.fullmatch(line):
            fields.append((match[1], match[2]))
        elif fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line}")
    return tuple(dict(fields).items())
