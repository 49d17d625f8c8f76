"""The first tables: documents and their chunks; conversations, API keys and settings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collection", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("embedder", sa.Text(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("chunks >= 0", name=op.f("ck_documents_chunks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("collection", "source", name=op.f("uq_documents_collection_source")),
    )
    op.create_table(
        "indexes",
        sa.Column("collection", sa.String(length=64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trust", sa.JSON()),
        sa.CheckConstraint("dimension > 0", name=op.f("ck_indexes_dimension")),
        sa.PrimaryKeyConstraint("collection", name=op.f("pk_indexes")),
    )
    op.create_table(
        "chunks",
        sa.Column("collection", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("heading", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sentences", sa.JSON(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name=op.f("fk_chunks_document"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("collection", "id", name=op.f("pk_chunks")),
    )
    op.create_index(op.f("ix_chunks_document_position"), "chunks", ["document", "position"])
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used", sa.DateTime(timezone=True)),
        sa.Column("revoked", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("customer", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("handover_reason", sa.Text()),
        sa.Column("handover_at", sa.DateTime(timezone=True)),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("language", sa.String(length=8)),
        sa.CheckConstraint("state IN ('bot', 'waiting', 'agent', 'closed')", name=op.f("ck_conversations_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(op.f("ix_conversations_customer_updated"), "conversations", ["customer", "updated"])
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "messages",
        sa.Column("conversation", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_reply_to", sa.String(length=64)),
        sa.Column("answer", sa.JSON()),
        sa.Column("provenance", sa.JSON()),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("rating", sa.Integer()),
        sa.Column("rating_why", sa.Text()),
        sa.CheckConstraint("role IN ('customer', 'agent', 'bot', 'system', 'action')", name=op.f("ck_messages_role")),
        sa.CheckConstraint("position >= 1", name=op.f("ck_messages_position")),
        sa.CheckConstraint("rating IN (-1, 1)", name=op.f("ck_messages_rating")),
        sa.ForeignKeyConstraint(
            ["conversation", "in_reply_to"],
            ["messages.conversation", "messages.id"],
            name=op.f("fk_messages_conversation_in_reply_to"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["conversation"], ["conversations.id"], name=op.f("fk_messages_conversation"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation", "id", name=op.f("pk_messages")),
        sa.UniqueConstraint("conversation", "in_reply_to", name=op.f("uq_messages_conversation_in_reply_to")),
        sa.UniqueConstraint("conversation", "position", name=op.f("uq_messages_conversation_position")),
    )
    op.create_index(op.f("ix_messages_id"), "messages", ["id"])
