"""Who answers: the policy's versions, the backends that were added, what they were used for, and what those in the shadow said."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_policies_version")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policies")),
    )
    op.create_table(
        "backends",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("added", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_backends")),
    )
    op.create_table(
        "backend_usage",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("backend", sa.String(length=64), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reply_tokens", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("prompt_tokens >= 0 AND reply_tokens >= 0", name=op.f("ck_backend_usage_tokens")),
        sa.PrimaryKeyConstraint("day", "backend", name=op.f("pk_backend_usage")),
    )
    op.create_table(
        "shadow_answers",
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("backend", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation", "message"],
            ["messages.conversation", "messages.id"],
            name=op.f("fk_shadow_answers_conversation_message"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation", "message", "backend", name=op.f("pk_shadow_answers")),
    )
