"""Which of the ranked sentences are said: the best one, and what belongs to it. Pure."""

from collections.abc import Sequence

from bot.extract import Pick
from knowledge.cells import cells
from knowledge.terms import models

_NOTHING = 0.01  # share of a question
_TABLE = 8  # rows of a table that is still said whole
_WHOLE, _AS_GOOD = 0.75, 1.0  # share of the question; scores apart. In cross-validation no fact was lost by them
_NOTHING_MORE = 0.001  # share of what a record's name leaves open of the question
_ASTRAY = 1.0  # scores that the same section gives, and another page costs: it leads a seventh less astray, and loses one fact of 266


def choose(picks: Sequence[Pick], most: int = 4, margin: float = 3.5, question: str = "") -> list[Pick]:
    """The sentences to say: the best one, and up to `most` in all that come close to it, in the order of their documents.

    margin: how much worse those of its page may be; those of its section by more, those of other pages by less. question: for the codes
    in it.

    Where the best one is of the very thing that is named and says nearly all that is asked, the others' prices are no answer: then only
    its own lines, and of them those that are as good. Where several rows of a small table come close, none of them is singled out, and all
    of its rows are said.
    """
    picks = [pick for pick in picks if not pick.is_name] or picks
    if not picks:
        return []
    best = picks[0]
    whole = best.features.get("named") and best.unit.context >= _WHOLE
    near = [pick for pick in picks if best.score - pick.score <= (_AS_GOOD if whole else margin + _nearer(pick, best))]
    near = [pick for pick in near if (pick.features.get("named") or not whole) and not _beside_it(pick, best)]
    near = _of_its_code(near, question)[:most]
    first: dict[str | tuple[str, ...], int] = {}
    for place, pick in enumerate(near):
        first.setdefault(pick.passage.chunk.id, place)
        first.setdefault(_table(pick), first[pick.passage.chunk.id])
    near += [] if coded(near, question) else _rows_beside(near, picks)
    near += _to_the_end(near, picks)
    return sorted(near, key=lambda pick: (first[_table(pick) or pick.passage.chunk.id], pick.passage.chunk.position, pick.number))


def _beside_it(pick: Pick, best: Pick) -> bool:
    """Whether it is one more field of a record, and says nothing of the question while the best one does."""
    if pick is best or pick.passage.chunk.kind != "record":
        return False
    idle = pick.features.get("rest", 0.0) <= _NOTHING_MORE < best.features.get("rest", 0.0) and not pick.features.get("fits")
    return bool(pick.features.get("named") and idle)


def coded(near: Sequence[Pick], question: str) -> frozenset[str]:
    """The error codes of a question that some row of a table has."""
    codes = {model for model in models(question) if model.endswith("·")}
    return frozenset(code for code in codes if any(_table(pick) and code in models(pick.unit.text) for pick in near))


def _of_its_code(near: Sequence[Pick], question: str) -> list[Pick]:
    """Without the rows of other codes: who asks what E1 means is not told what E2 does."""
    codes = coded(near, question)
    return [pick for pick in near if not codes or not _table(pick) or codes.intersection(models(pick.unit.text))]


def _nearer(pick: Pick, best: Pick) -> float:
    one, other = pick.passage.chunk, best.passage.chunk
    return _ASTRAY if (one.source, one.heading) == (other.source, other.heading) else 0.0 if one.source == other.source else -_ASTRAY


def _to_the_end(near: Sequence[Pick], picks: Sequence[Pick]) -> list[Pick]:
    """What follows a half sentence: what is said before a semicolon may be taken back after it ("unopened bags yes; opened ones no")."""
    held = {(pick.passage.chunk.id, pick.number): pick for pick in picks}
    found: list[Pick] = []
    for pick in near:
        last: Pick | None = pick
        while last and last.passage.chunk.kind == "text" and not cells(last.unit.text) and last.unit.text.rstrip().endswith(("；", ";")):
            last = held.get((pick.passage.chunk.id, last.number + 1))
            if last and last not in near and last not in found:
                found.append(last)
    return found


def _rows_beside(near: Sequence[Pick], picks: Sequence[Pick]) -> list[Pick]:
    """The other rows of tables of which `near` singles none out: it has several, or one that says no more of the question than others do.

    Of a table of more than `_TABLE` rows none.
    """
    held: dict[tuple[str, ...], list[Pick]] = {}
    for pick in picks:
        if table := _table(pick):
            held.setdefault(table, []).append(pick)
    found: list[Pick] = []
    for rows in held.values():
        said = [pick for pick in rows if pick in near]
        others = [pick for pick in rows if pick not in near]
        if not said or len(rows) > _TABLE or (len(said) == 1 and _told_apart(said[0], others, picks[0].score)):
            continue
        found += others
    return found


def _told_apart(row: Pick, others: Sequence[Pick], best: float) -> bool:
    """Whether a row is the one that is asked for, or no more than a side note."""
    aside = best - row.score > _AS_GOOD and not row.features.get("fits")  # one that has the figure asked for is none
    return aside or row.unit.own > max((other.unit.own for other in others), default=0.0) + _NOTHING


def _table(pick: Pick) -> tuple[str, ...]:
    """Which table a sentence is a row of: its page, its headings and the name of its first column; empty for what is no row."""
    chunk, row = pick.passage.chunk, cells(pick.unit.text)
    return (chunk.source, *chunk.heading, row[0][0]) if row and chunk.kind != "record" else ()
