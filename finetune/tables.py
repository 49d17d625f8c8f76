"""The package's tables: transcripts as they were taken in, adapters that were made, and what was done with each."""

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Index, Integer, MetaData, String, Table, Text

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

# Only grows: who promoted or rolled back what, and why against the gate where it was against the gate.
promotions = Table(
    "promotions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("action", String(8), nullable=False),
    Column("backend", String(64), nullable=False),
    Column("adapter", String(64)),  # NULL: the base alone
    Column("author", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("overridden", Text, nullable=False),  # what the gate said against it
    Column("policy", Integer, nullable=False),  # the policy's version that made it so
    Column("at", Moment, nullable=False),
    CheckConstraint("action IN ('promote', 'rollback')", name="action"),
)
