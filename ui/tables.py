"""The faces' tables: who may sign in, who is signed in, failed tries, and who changed what."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

from knowledge.tables import NAMING, Moment

metadata = MetaData(naming_convention=NAMING)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(8), nullable=False),
    Column("shown", String(60), nullable=False),  # how customers read the name
    Column("password", Text, nullable=False),  # argon2id, with its salt and parameters
    Column("must_change", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", Moment, nullable=False),
    Column("last_seen", Moment),
    Column("subject", Text),  # issuer and id of somebody who signs in there and has no password here
    CheckConstraint("role IN ('lead', 'admin')", name="role"),
    Index(None, "subject", unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("sha256", String(64), primary_key=True),  # of the token, which only the browser has
    Column("user", String(64), ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    Column("created", Moment, nullable=False),
    Column("seen", Moment, nullable=False),
    Index(None, "user"),
)

tries = Table(
    "sign_in_tries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),  # as it was typed: there need not be such a user
    Column("at", Moment, nullable=False),
    Index(None, "name", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("who", String(64), nullable=False),
    Column("what", String(64), nullable=False),
    Column("about", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "at"),
)
