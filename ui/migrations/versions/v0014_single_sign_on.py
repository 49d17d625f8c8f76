"""Whom an issuer of single sign-on stands for."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("users", sa.Column("subject", sa.Text(), nullable=True))
    op.create_index(op.f("ix_users_subject"), "users", ["subject"], unique=True)
