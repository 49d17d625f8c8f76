"""When a conversation ended, and how the customer rated it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    score = sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_conversations_score"))
    op.add_column("conversations", sa.Column("ended", sa.DateTime(timezone=True)))
    op.add_column("conversations", sa.Column("score", sa.Integer(), score))
    op.add_column("conversations", sa.Column("score_why", sa.Text()))
