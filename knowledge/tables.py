"""The package's tables: what was ingested, the chunks it became, and which model made a collection's vectors.

The vectors themselves are in the vector store, which can always be rebuilt from these rows.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

# Every constraint has a name, so that a later migration can drop it on SQLite and on PostgreSQL alike.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """A point in time, in UTC and aware on every database (SQLite itself forgets the zone). Naive datetimes are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; allowed: aware datetimes, e.g. datetime.now(UTC)")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(naming_convention=NAMING)

documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection", String(64), nullable=False),
    Column("source", Text, nullable=False),  # file name or relative path, never absolute
    Column("root", Text, nullable=False),  # the folder or file it was taken in with; what vanishes there is removed; never shown
    Column("title", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("language", String(8), nullable=False),
    Column("embedder", Text, nullable=False),
    Column("chunks", Integer, nullable=False),  # how many it became
    Column("at", Moment, nullable=False),
    UniqueConstraint("collection", "source"),
    CheckConstraint("chunks >= 0", name="chunks"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("collection", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("document", Integer, ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("heading", JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("sentences", JSON, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("language", String(8), nullable=False),
    Index(None, "document", "position"),
)

indexes = Table(
    "indexes",
    metadata,
    Column("collection", String(64), primary_key=True),
    Column("model", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("generation", Integer, nullable=False),  # a change of model builds the next beside it, then swaps
    Column("at", Moment, nullable=False),
    Column("trust", JSON(none_as_null=True)),
    CheckConstraint("dimension > 0", name="dimension"),
)
