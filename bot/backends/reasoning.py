"""Keeps a model's thoughts from the customer: what stands between <think> and </think>, or between <reasoning> and </reasoning>.

The first is how models write that think on their own, the second is how the prompt tells others to.
"""

import re
from collections.abc import Iterable, Iterator

from bot.errors import BadReply

_TAG = re.compile(r"<\s*(/?)\s*(?:think|thinking|reasoning)\s*>", re.IGNORECASE)
_STARTED = re.compile(r"<\s*/?\s*[a-z]{0,9}\s*\Z", re.IGNORECASE)  # what may become a tag
_NAMES = ("think", "thinking", "reasoning")
_LONGEST = 40  # characters; what begins like a tag and goes on longer is none


def without_reasoning(pieces: Iterable[str], name: str, *, expected: bool = False) -> Iterator[str]:
    """Yield the pieces without the reasoning and without blanks before the first word, also where a tag is cut in two.

    expected: the model was told to reason before it answers. Then nothing is shown before a section of reasoning has ended, since what
    comes without the marks may be reasoning too. A section that is never closed shows nothing after it.
    Raises `BadReply`, naming backend `name`, at a closing tag that nothing opened (unless `expected`: models that are given the opening
    one send the closing one alone), and where reasoning was expected and none was marked.
    """
    held, thinking, begun, over = "", expected, False, not expected
    for piece in pieces:
        held += piece
        shown = ""
        while cut := _TAG.search(held):
            closes = bool(cut[1])
            if not thinking:
                shown += held[: cut.start()]
                if closes:
                    raise BadReply(
                        f"{name}: {cut[0]} without an opening tag before it; start the model server with its reasoning parser on"
                    )
            thinking, over, held = not closes, over or closes, held[cut.end() :]
        keep = _started_tag(held)
        if not thinking:
            shown += held[: len(held) - keep]
        held = held[len(held) - keep :]
        shown = shown if begun else shown.lstrip()
        if shown:
            begun = True
            yield shown
    if not over:
        raise BadReply(
            f"{name}: it was told to reason between <reasoning> and </reasoning> and did not end its reasoning; set cot to off for it"
        )
    if held and not thinking:
        yield held


def _started_tag(text: str) -> int:
    """How many characters at the end of `text` may be the start of a tag."""
    found = _STARTED.search(text, max(0, len(text) - _LONGEST))
    if not found:
        return 0
    word = re.sub(r"[<\s/]", "", found[0]).lower()
    return len(found[0]) if any(known.startswith(word) for known in _NAMES) else 0
