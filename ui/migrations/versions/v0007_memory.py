"""What the bot remembers: summaries of conversations, facts of customers, and which turn a process is at."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "summaries",
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("upto >= 1", name=op.f("ck_summaries_upto")),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.id"], name=op.f("fk_summaries_conversation"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation", name=op.f("pk_summaries")),
    )
    op.create_table(
        "facts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=256), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('order', 'product', 'preference', 'problem')", name=op.f("ck_facts_kind")),
        sa.ForeignKeyConstraint(
            ["conversation", "message"],
            ["messages.conversation", "messages.id"],
            name=op.f("fk_facts_conversation_message"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
        sa.UniqueConstraint("customer", "kind", "key", name=op.f("uq_facts_customer_kind_key")),
    )
    op.create_index(op.f("ix_facts_conversation_message"), "facts", ["conversation", "message"])
    op.create_table(
        "claims",
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.id"], name=op.f("fk_claims_conversation"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation", name=op.f("pk_claims")),
    )
