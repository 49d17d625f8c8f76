"""The questions about the sample shop, put to the product."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.messages import Message
from bot.router import Router
from tests.evals.scoring import Row, Scored, scored
from tests.real import copy_of
from ui.build import build
from ui.settings import Settings

HALVES = ("dev", "heldout")
LANGUAGES = ("en", "zh")


def questions(language: str, half: str) -> list[Row]:
    """One file of rows."""
    path = Path(__file__).with_name(f"shop_{language}_{half}.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@contextmanager
def router_over(folder: Path) -> Iterator[Router]:
    """A router over a copy of a data folder, with default settings whatever the machine's own are."""
    with TemporaryDirectory(prefix="answerdesk-questions-", ignore_cleanup_errors=True) as temporary:
        app = build(Settings.model_construct(data_dir=copy_of(folder, Path(temporary) / "data")))
        yield app.router
        app.engine.dispose()


def ask(router: Router, rows: list[Row]) -> list[Scored]:
    """Each question by itself, with the history of its row, answered by the extractive backend."""
    return [
        scored(
            row,
            router.answer_from(row["question"], [Message(**line) for line in row.get("history", ())], None, "default", "extractive"),
        )
        for row in rows
    ]
