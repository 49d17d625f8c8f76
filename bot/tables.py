"""The package's tables: conversations, API keys, settings that change while it runs, who answers, examples, prompts."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
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
    Column("assignee", String(64)),  # the user who has taken it over
    Column("assignee_shown", String(60)),  # the name that the customer reads
    Column("reviewed", Moment),  # until when what was flagged has been looked at
    Column("ended", Moment),  # when it was closed or handed back last
    Column("score", Integer),  # how the customer rated it then, 1 to 5
    Column("score_why", Text),
    CheckConstraint("state IN ('bot', 'waiting', 'agent', 'closed')", name="state"),
    CheckConstraint("score BETWEEN 1 AND 5", name="score"),
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
    Column("author", String(60)),  # of an agent's line, as the customer reads it
    Column("for_person", Boolean),  # a customer's line that came while a person had the conversation: the bot leaves it alone
    Column("proposed", Boolean),  # a reply that somebody did not like, and that the pool has been told of
    UniqueConstraint("conversation", "position"),
    UniqueConstraint("conversation", "in_reply_to"),  # one reply per customer message
    ForeignKeyConstraint(["conversation", "in_reply_to"], ["messages.conversation", "messages.id"], ondelete="CASCADE"),
    CheckConstraint("position >= 1", name="position"),
    CheckConstraint("role IN ('customer', 'agent', 'bot', 'system', 'action')", name="role"),
    CheckConstraint("rating IN (-1, 1)", name="rating"),
    Index(None, "id"),
    Index(None, "at"),
)

# What only the desk sees: private notes, and who took a conversation over, gave it back or closed it.
notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("author", String(64), nullable=False),
    Column("text", Text, nullable=False),
    CheckConstraint("kind IN ('note', 'taken', 'returned', 'closed', 'reviewed')", name="kind"),
    Index(None, "conversation"),
)

# Sentences that people keep for saying them again, each called by a shortcut.
canned_replies = Table(
    "canned_replies",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("language", String(8), nullable=False),
    Column("shortcut", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("author", String(64), nullable=False),  # who wrote or changed it last
    Column("updated", Moment, nullable=False),
    UniqueConstraint("language", "shortcut"),
)

# What was said up to a line, in short. Facts are of a customer, and each goes with the message that it was read from.
summaries = Table(
    "summaries",
    metadata,
    Column("conversation", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("upto", Integer, nullable=False),  # the position of the last line that is in it
    Column("text", Text, nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("tokens", Integer, nullable=False),  # of the lines that are in it
    Column("at", Moment, nullable=False),
    CheckConstraint("upto >= 1", name="upto"),
)

facts = Table(
    "facts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("customer", String(256), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(128), nullable=False),  # what makes two of a kind the same
    Column("text", Text, nullable=False),
    Column("conversation", String(64), nullable=False),
    Column("message", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    UniqueConstraint("customer", "kind", "key"),
    ForeignKeyConstraint(["conversation", "message"], ["messages.conversation", "messages.id"], ondelete="CASCADE"),
    CheckConstraint("kind IN ('order', 'product', 'preference', 'problem')", name="kind"),
    Index(None, "conversation", "message"),
)

# A turn that some process is at: one at a time in a conversation. A process that died leaves its claim until it runs out.
claims = Table(
    "claims",
    metadata,
    Column("conversation", String(64), ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", Moment, nullable=False),
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

# Only ever added to: the newest row is the policy in force.
policies = Table(
    "policies",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("policy", JSON, nullable=False),
    Column("author", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Moment, nullable=False),
    CheckConstraint("version >= 1", name="version"),
)

# Beside those that the settings name. config: what its kind is opened with, keys of hosted models too.
backends = Table(
    "backends",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("config", JSON, nullable=False),
    Column("added", Moment, nullable=False),
)

# What each backend was used for, by the day in UTC.
backend_usage = Table(
    "backend_usage",
    metadata,
    Column("day", String(10), primary_key=True),  # 2026-01-31
    Column("backend", String(64), primary_key=True),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("reply_tokens", BigInteger, nullable=False),
    CheckConstraint("prompt_tokens >= 0 AND reply_tokens >= 0", name="tokens"),
)

# What a backend in the shadow would have said; customers never see it.
shadow_answers = Table(
    "shadow_answers",
    metadata,
    Column("conversation", String(64), primary_key=True),
    Column("message", String(64), primary_key=True),
    Column("backend", String(64), primary_key=True),
    Column("text", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("details", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    ForeignKeyConstraint(["conversation", "message"], ["messages.conversation", "messages.id"], ondelete="CASCADE"),
)

# Questions with good answers. Rows of a customer are deleted with the customer, so nothing refers to them.
examples = Table(
    "examples",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("intent", String(128), nullable=False),
    Column("conversation", String(64), nullable=False),
    Column("customer", String(256), nullable=False),
    Column("at", String(40), nullable=False),
    Column("state", String(8), nullable=False),
    Column("split", String(8), nullable=False),
    Column("author", String(256), nullable=False),  # who decided on it last
    Column("why", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
    Column("flagged", Text),  # the reply that a customer did not like: as long as it is the answer, it cannot be approved
    Column("approved", Moment),  # since when it may be used
    Column("corrects", String(64)),  # the example whose place it takes once it is approved
    CheckConstraint("state IN ('pending', 'approved', 'rejected')", name="state"),
    CheckConstraint("split IN ('train', 'eval', 'neither')", name="split"),
    Index(None, "state", "language"),
    Index(None, "customer"),
    Index(None, "conversation"),
    Index(None, "updated"),  # every turn asks when an example was touched last
)

# Made from the approved questions and made anew where they lack; a text is its SHA-256.
question_vectors = Table(
    "question_vectors",
    metadata,
    Column("text", String(64), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian
)

# Only ever added to: the newest version of a language and a tone is the one in use. Version 0 is in the files.
prompts = Table(
    "prompts",
    metadata,
    Column("language", String(8), primary_key=True),
    Column("tone", String(32), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("system", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("author", String(256), nullable=False),
    Column("comment", Text, nullable=False),
    Column("at", Moment, nullable=False),
    CheckConstraint("version >= 1", name="version"),
)

# How many examples are shown for a kind of question, and with which reasoning, as it was measured.
shot_choices = Table(
    "shot_choices",
    metadata,
    Column("language", String(8), primary_key=True),
    Column("intent", String(128), primary_key=True),  # empty: all of that language
    Column("shots", Integer, nullable=False),
    Column("cot", String(8), nullable=False),
    Column("gain", Float, nullable=False),
    Column("details", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    CheckConstraint("shots >= 0", name="shots"),
)
