import pytest

from bot.messages import Answer, Citation
from tests.evals.scoring import Scored, Shares, scored, shares, table

PAGE = Citation("1", "en/returns.md", "Returns", "...", 0.9)


@pytest.mark.parametrize(
    ("answers", "every", "said", "right"),
    [
        (["30 days"], False, "Within 30\nDays.", True),
        (["30 days", "a month"], False, "within A MONTH", True),
        (["30 days", "a month"], True, "within a month", False),
        (["192 g", "174 g"], True, "Product A: 192 g\nNova: 174 g", True),
        (["30 days"], False, "within 13 0days", True),  # plain containment: the rows' facts are written so that it does
        (["30 days"], False, "two weeks", False),
        ([], False, "anything", False),
    ],
)
def test_the_fact(answers: list[str], every: bool, said: str, right: bool):
    row = {"id": "q", "kind": "answerable", "answers": answers, "all": every, "sources": ["en/returns.md"]}
    assert scored(row, Answer(said, "", "", (PAGE,))).right is right


def test_the_page_counts_too():
    row = {"id": "q", "kind": "answerable", "answers": ["30"], "sources": ["en/refunds.md", "en/returns.md"]}
    assert scored(row, Answer("30", "", "", (Citation("0", "en/other.md", "", "", 1.0), PAGE))).right
    elsewhere = scored(row, Answer("30", "", "", (Citation("0", "returns.md", "", "", 1.0),)))
    assert (elsewhere.fact, elsewhere.page, elsewhere.right) == (True, False, False)


def test_declining_is_never_right():
    row = {"id": "q", "kind": "answerable", "answers": ["30"], "sources": ["en/returns.md"]}
    assert not scored(row, Answer("no 30", "", "", (PAGE,), abstained=True)).right


def test_shares():
    scores = [
        Scored("1", "answerable", True, True, False),
        Scored("2", "follow_up", True, False, False),
        Scored("3", "follow_up", False, False, True),
        Scored("4", "answerable", True, True, False),
        Scored("5", "off_topic", False, False, True),
        Scored("6", "missing", False, False, False),
        Scored("7", "missing", False, False, True),
    ]
    assert shares(scores) == Shares(7, 0.5, 0.25, 1.0, 0.5)
    assert shares([]) == Shares(0, 0.0, 0.0, 0.0, 0.0)
    assert table({"en dev": shares(scores)}).splitlines()[1].split() == ["en", "dev", "7", "50.0%", "25.0%", "100.0%", "50.0%"]
