"""How something is done: the whole numbered list of a page, where a question asks for it and the best sentences are of one."""

import re
from collections.abc import Sequence
from itertools import pairwise

from bot.extract import Pick
from bot.select import coded
from knowledge.cells import cells
from knowledge.documents import Passage

_HOW = re.compile(
    r"\bhow (?:do|can|could|should|would|to|does one|did)\b|\bsteps?\b|\binstructions?\b|\bwhat (?:should|do|can|must) i do\b"
    r"|\b(?:won'?t|doesn'?t|does not|isn'?t|is not|can'?t|cannot|not working|stopped|stuck|keeps?|forgot|forgotten|lost|broken)\b"
    r"|^(?:please )?(?:set ?up|reset|return|cancel|pair|connect|install|update|change|delete|apply|activate|track)\b"
    r"|怎么(?!样)|如何|怎样|咋|步骤|流程|方法|办理|不了|没反应|不亮|连不上|忘了|忘记|坏了|卡住|我[想要]|设置|申请",
    re.IGNORECASE,
)
_STEP = re.compile(r"^\s*(\d{1,2})[.)、．]\s*(?=\S)")
_NEAR = 2.0  # scores apart: a step that comes so close to the best sentence is what is asked for
_MOST = 12

Place = tuple[str, tuple[str, ...]]


def steps(question: str, picks: Sequence[Pick], passages: Sequence[Passage], *, figure: bool) -> list[str]:
    """The lines of the list that the best sentences are of, in order and each whole; none where the question asks for something else.

    The page of the best sentence comes first, and what stands over a list must say something of the question.

    picks: best first; where a row of them has the very code that is asked for, that row is
    what is asked for. figure: a price, a date or another figure is asked for, which one sentence says.
    """
    if not picks or figure or not _HOW.search(question) or coded(picks, question):
        return []
    best = picks[0]
    near = [pick for pick in picks if best.score - pick.score <= _NEAR and pick.features.get("heading", 1.0) > 0]
    for pick in sorted(near, key=lambda pick: pick.passage.chunk.source != best.passage.chunk.source):
        found = _list_of(pick.passage, passages)
        said = {(passage.chunk.id, number) for step in found for passage, number in step}
        if (pick.passage.chunk.id, pick.number) not in said:
            continue
        lines = [" ".join(passage.units[number].text.strip() for passage, number in step) for step in found[:_MOST]]
        opens = best.unit.text.rstrip().endswith((":", "：")) and _place(best.passage) == _place(pick.passage)
        return [best.unit.text, *lines] if opens and (best.passage.chunk.id, best.number) not in said else lines
    return []


def _place(passage: Passage) -> Place:
    return passage.chunk.source, passage.chunk.heading


def _list_of(passage: Passage, passages: Sequence[Passage]) -> list[list[tuple[Passage, int]]]:
    """The steps of the first numbered list under the same heading, each with the sentences that go on under it; none of fewer than two.

    A list may have been cut into several chunks. What follows the last step is not told from it, and stays away.
    """
    pieces = sorted((one for one in passages if _place(one) == _place(passage)), key=lambda one: one.chunk.position)
    rows = [(one, number) for one in pieces for number in range(len(one.units))]
    found: list[list[tuple[Passage, int]]] = []
    starts: list[int] = []
    for at, (one, number) in enumerate(rows):
        match = _STEP.match(one.units[number].text)
        if match and int(match[1]) == len(starts) + 1 and not cells(one.units[number].text):
            starts.append(at)
    for start, end in pairwise((*starts, *(at + 1 for at in starts[-1:]))):
        found.append(rows[start:end])
    return found if len(found) > 1 else []
