"""Questions about a shop's range, "which laptops do you have under 1000": two catalogues, of which the code was written against neither."""

import json
from dataclasses import dataclass
from pathlib import Path

from bot.router import Router
from tests.evals.scoring import Row

HERE = Path(__file__).parent
NOT_ABOUT_IT = ("none", "other")
"""What is not sold, and what only sounds like a question about the range."""


@dataclass(frozen=True)
class Share:
    """named: of the questions that the range answers, those whose answer names what fits and nothing that does not. kept: of all others,
    those that no product is named on."""

    questions: int
    named: float
    kept: float


def range_questions(file: str, language: str, half: str) -> list[Row]:
    """`{id, language, question, kind, names[], not[]}`: `names` must all be in the answer, none of `not` may. Even ids are held out."""
    rows = [json.loads(line) for line in (HERE / file).read_text("utf-8").splitlines()]
    return [row for row in rows if row["language"] == language and int(row["id"][-2:]) % 2 == (half == "dev")]


def answered(router: Router, row: Row) -> bool:
    """Whether the answer is right."""
    answer = router.answer_from(row["question"], [], None, "default", "extractive")
    said = "" if answer.abstained else answer.text
    return all(name in said for name in row["names"]) and not any(name in said for name in row["not"])


def share(router: Router, rows: list[Row]) -> Share:
    """The shares of some rows."""
    right = {row["id"]: answered(router, row) for row in rows}
    about = [right[row["id"]] for row in rows if row["kind"] not in NOT_ABOUT_IT]
    others = [right[row["id"]] for row in rows if row["kind"] in NOT_ABOUT_IT]
    return Share(len(rows), sum(about) / len(about), sum(others) / len(others))
