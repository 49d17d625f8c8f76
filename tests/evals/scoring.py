"""How the answers to the questions about the sample shop are scored. Pure.

A row is `{id, language, kind, question, history?, answers[], all?, sources[]}`. kind: `answerable` and `follow_up` have an answer on the
pages, `off_topic` and `missing` have none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from bot.messages import Answer

Row = Mapping[str, Any]
HAVE_AN_ANSWER = ("answerable", "follow_up")


@dataclass(frozen=True, slots=True)
class Scored:
    """One question. right: the right fact is said and the right page cited; only where there is one. declined: left unanswered."""

    id: str
    kind: str
    fact: bool
    page: bool
    declined: bool

    @property
    def right(self) -> bool:
        return self.fact and self.page and not self.declined


@dataclass(frozen=True, slots=True)
class Shares:
    """Each 0..1. right, wrongly_declined: of the questions that have an answer; the others: of those of their kind that were declined."""

    questions: int
    right: float
    wrongly_declined: float
    off_topic: float
    missing: float


def scored(row: Row, answer: Answer) -> Scored:
    """One question's score. The fact: any of `answers` in the text (with `all`, each of them), whatever the case and the white space."""
    said = _flat(answer.text)
    found = [_flat(fact) in said for fact in row.get("answers") or ()]
    fact = all(found) if row.get("all") else any(found)
    page = any(citation.source in row.get("sources", ()) for citation in answer.citations)
    return Scored(row["id"], row["kind"], bool(found) and fact, page, answer.abstained)


def shares(scores: Iterable[Scored]) -> Shares:
    """The shares over some questions; a kind that is not among them counts 0."""
    by_kind: dict[str, list[Scored]] = {}
    for score in scores:
        by_kind.setdefault("answerable" if score.kind in HAVE_AN_ANSWER else score.kind, []).append(score)
    answerable = by_kind.get("answerable", [])
    return Shares(
        sum(map(len, by_kind.values())),
        _mean([score.right for score in answerable]),
        _mean([score.declined for score in answerable]),
        _mean([score.declined for score in by_kind.get("off_topic", [])]),
        _mean([score.declined for score in by_kind.get("missing", [])]),
    )


def table(found: Mapping[str, Shares]) -> str:
    """The shares of some sets of questions, a line each."""
    names = ("right", "declined", "off topic", "missing")
    lines = [f"{'':18}{'questions':>10}" + "".join(f"{name:>11}" for name in names)]
    for name, share in found.items():
        values = (share.right, share.wrongly_declined, share.off_topic, share.missing)
        lines.append(f"{name:18}{share.questions:>10}" + "".join(f"{100 * value:>10.1f}%" for value in values))
    return "\n".join(lines)


def _flat(text: str) -> str:
    return "".join(text.split()).lower()


def _mean(values: Sequence[bool]) -> float:
    return fmean(values) if values else 0.0
