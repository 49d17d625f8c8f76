"""Which approved example a proposal would take the place of."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("examples", sa.Column("corrects", sa.String(64)))
