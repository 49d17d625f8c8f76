"""Versions of the prompts, and how many examples each kind of question is shown."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "prompts",
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("tone", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=256), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_prompts_version")),
        sa.PrimaryKeyConstraint("language", "tone", "version", name=op.f("pk_prompts")),
    )
    op.create_table(
        "shot_choices",
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("intent", sa.String(length=128), nullable=False),
        sa.Column("shots", sa.Integer(), nullable=False),
        sa.Column("cot", sa.String(length=8), nullable=False),
        sa.Column("gain", sa.Float(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("shots >= 0", name=op.f("ck_shot_choices_shots")),
        sa.PrimaryKeyConstraint("language", "intent", name=op.f("pk_shot_choices")),
    )
