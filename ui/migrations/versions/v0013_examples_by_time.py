"""When an example was touched last is found without reading all of them."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_index(op.f("ix_examples_updated"), "examples", ["updated"])
