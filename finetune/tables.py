"""The package's tables: transcripts as they were taken in, and the adapters that were made."""

from sqlalchemy import JSON, Boolean, Column, Index, MetaData, String, Table, Text

from knowledge.tables import NAMING, Moment

metadata = MetaData(naming_convention=NAMING)

# Redacted before they come here. An example of the pool knows its conversation; this is the conversation.
transcripts = Table(
    "transcripts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("customer", String(256), nullable=False),
    Column("begun", String(40), nullable=False),  # ISO 8601, or empty where the file had no time
    Column("turns", JSON, nullable=False),
    Column("created", Moment, nullable=False),
    Index(None, "customer"),
)

adapters = Table(
    "adapters",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("folder", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("base", Text, nullable=False),
    Column("base_sha256", String(64), nullable=False),
    Column("template", String(64), nullable=False),
    Column("method", String(16), nullable=False),
    Column("recipe", JSON, nullable=False),
    Column("evaluation", JSON(none_as_null=True)),
    Column("conversations", JSON, nullable=False),  # whose rows it learned from
    Column("erased", Boolean, nullable=False, default=False),  # one of them was erased since
    Column("created", Moment, nullable=False),
)
