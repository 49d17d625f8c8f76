"""The package's tables: conversations and their messages, the API's keys, and the settings that change while it runs."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from knowledge.tables import NAMING, Moment

metadata = MetaData(naming_convention=NAMING)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("customer", String(256), nullable=False),
    Column("state", String(8), nullable=False),
    Column("handover_reason", Text),
    Column("handover_at", Moment),
    Column("created", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
    Column("language", String(8)),
    CheckConstraint("state IN ('bot', 'waiting', 'agent', 'closed')", name="state"),
    Index(None, "customer", "updated"),
)

# Message ids may come from outside, so they are unique within a conversation only: nobody's id can collide with another customer's.
messages = Table(
    "messages",
    metadata,
    Column("conversation", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("position", Integer, nullable=False),  # 1, 2, 3 ... within the conversation
    Column("role", String(8), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("in_reply_to", String(64)),
    Column("answer", JSON(none_as_null=True)),
    Column("provenance", JSON(none_as_null=True)),
    Column("interrupted", Boolean, nullable=False, default=False),
    Column("rating", Integer),
    Column("rating_why", Text),
    UniqueConstraint("conversation", "position"),
    UniqueConstraint("conversation", "in_reply_to"),  # one reply per customer message
    ForeignKeyConstraint(["conversation", "in_reply_to"], ["messages.conversation", "messages.id"], ondelete="CASCADE"),
    CheckConstraint("position >= 1", name="position"),
    CheckConstraint("role IN ('customer', 'agent', 'bot', 'system', 'action')", name="role"),
    CheckConstraint("rating IN (-1, 1)", name="rating"),
    Index(None, "id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("created", Moment, nullable=False),
    Column("last_used", Moment),
    Column("revoked", Moment),
)

settings = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("updated", Moment, nullable=False),
)
