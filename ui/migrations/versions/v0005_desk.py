"""The desk: who has a conversation, what of it was looked at, who wrote a line, and private notes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("assignee", sa.String(length=64)))
    op.add_column("conversations", sa.Column("assignee_shown", sa.String(length=60)))
    op.add_column("conversations", sa.Column("reviewed", sa.DateTime(timezone=True)))
    op.add_column("messages", sa.Column("author", sa.String(length=60)))
    op.add_column("messages", sa.Column("for_person", sa.Boolean()))
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('note', 'taken', 'returned', 'closed', 'reviewed')", name=op.f("ck_notes_kind")),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.id"], name=op.f("fk_notes_conversation"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_conversation"), "notes", ["conversation"])
