"""Answers that customers did not like, on their way into the pool; when an example was approved."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("messages", sa.Column("proposed", sa.Boolean()))
    op.add_column("examples", sa.Column("flagged", sa.Text()))
    op.add_column("examples", sa.Column("approved", sa.DateTime(timezone=True)))
    op.execute("UPDATE examples SET approved = updated WHERE state = 'approved'")
