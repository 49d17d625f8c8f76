"""Run by alembic, within `ui.database.migrate`, which hands in a connection with its transaction begun."""

from alembic import context

from bot.tables import metadata as bot
from finetune.tables import metadata as finetune
from knowledge.tables import metadata as knowledge
from ui.tables import metadata as ui

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[knowledge, bot, finetune, ui],
    render_as_batch=True,  # SQLite cannot alter a table in place
    transactional_ddl=True,  # it can roll one back, though alembic by default believes it cannot
)
context.run_migrations()
