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


def chats(language: str, half: str) -> list[Row]:
    """Whole conversations `{id, language, turns: [{question, answers[], sources[]}]}`; odd numbers are the development half."""
    lines = Path(__file__).with_name("chats.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["language"] == language and int(row["id"][-2:]) % 2 == (half == "dev")]


def converse(router: Router, rows: list[Row]) -> list[Scored]:
    """Each question of each conversation, after what was really said in it before."""
    found: list[Scored] = []
    for row in rows:
        history: list[Message] = []
        for number, turn in enumerate(row["turns"]):
            answer = router.answer_from(turn["question"], history, None, "default", "extractive")
            found.append(scored({**turn, "id": f"{row['id']}-{number}", "kind": "follow_up" if history else "answerable"}, answer))
            history += [Message("customer", turn["question"]), Message("bot", answer.text)]
    return found


def common(language: str) -> list[Row]:
    """What every shop is asked every day, `{id, language, question, sources[]}`, in a few words."""
    lines = Path(__file__).with_name("common.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [{**row, "kind": "answerable"} for row in rows if row["language"] == language]


def several(half: str) -> list[Row]:
    """Messages that ask two or three things, `{id, language, question, answers[][], sources[][]}`, a list for each thing, empty where no
    page says it; with `single` they ask one thing and look as if it were more."""
    lines = Path(__file__).with_name(f"several_{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def ask_parts(router: Router, rows: list[Row]) -> list[list[Scored]]:
    """Each message's things that have an answer, one by one, of the one reply to it."""
    found: list[list[Scored]] = []
    for row in rows:
        answer = router.answer_from(row["question"], [], None, "default", "extractive")
        parts = [
            {"id": f"{row['id']}-{n}", "kind": "answerable", "answers": answers, "sources": sources}
            for n, (answers, sources) in enumerate(zip(row["answers"], row["sources"], strict=True))
            if answers
        ]
        found.append([scored(part, answer) for part in parts])
    return found
