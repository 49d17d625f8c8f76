"""Chats saved as text: lines `Name: text` or `[time] Name: text`, WhatsApp's form, and that of Chinese shops, name and time above."""

import re

from finetune.conversations import BadRow, Conversation, Loaded, Problem
from finetune.errors import BadTranscripts
from finetune.readers.desks import moment
from finetune.readers.speakers import Said, messages, recurring
from finetune.readers.text import plain

_DATE = r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?,?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp][Mm])?"
_TIME = rf"{_DATE}(?:[ T]{_CLOCK})?|{_CLOCK}"
_LINE = re.compile(
    rf"^(?:[\[(]?(?P<at>{_TIME})[\])]?\s*(?:-\s+)?)?(?P<who>[^\s:：\[\]][^:：\[\]\n]{{0,39}}?)(?:\s*[(（\[]{_TIME}[)）\]])?\s*[:：]\s?(?P<text>.*)$"
)
_HEAD = re.compile(rf"^(?P<who>\S[^\n:：]{{0,38}}?)\s+[(（\[]?(?P<at>{_TIME})[)）\]]?$")
_BREAK = re.compile(r"^(?:[-=*_#~]{3,}.*|#+ .*|(?:conversation|chat|ticket|会话|对话|工单)\s*[#№]?\s*[\w-]*\s*[:：]?)$", re.IGNORECASE)
_NOT_A_NAME = re.compile(r"^(?:https?|ftp|mailto|note|ps|re|fwd)$|[.!?。！？,，;；]", re.IGNORECASE)


def read_chat(text: str) -> Loaded:
    """Conversations stand apart by a line such as `---` or `Conversation 12`, else by blank lines, where each part begins with a name.

    Raises `BadTranscripts` when no line looks like something that somebody said.
    """
    blocks = _blocks(text)
    parsed = [(row, *_said(lines)) for row, lines in blocks]
    spoken = [(row, said, at) for row, said, at in parsed if said]
    if not spoken:
        raise BadTranscripts("no line of the text says who speaks; lines such as `Customer: ...` and `Agent: ...` are needed")
    known = recurring([said for _, said, _ in spoken])
    made, problems = (
        [],
        [Problem(row, "nobody is named as the speaker; begin lines with `Customer:` or `Agent:`") for row, said, _ in parsed if not said],
    )
    for number, (row, said, at) in enumerate(spoken, 1):
        try:
            made.append(Conversation(str(number), messages(said, known), "", at, "", row))
        except BadRow as error:
            problems.append(Problem(row, str(error)))
    return Loaded(tuple(made), tuple(problems), "txt")


def _blocks(text: str) -> list[tuple[int, list[str]]]:
    """The conversations' lines, each with the number of its first line."""
    lines = text.split("\n")
    marked = [_BREAK.match(line.strip()) is not None for line in lines]
    parts = _cut(lines, marked)
    if any(marked):
        return parts
    by_blank = _cut(lines, [not line.strip() for line in lines])
    return by_blank if all(_speaker(block[0]) or _HEAD.match(block[0]) for _, block in by_blank) and _many_sided(by_blank) else parts


def _cut(lines: list[str], ends: list[bool]) -> list[tuple[int, list[str]]]:
    blocks: list[tuple[int, list[str]]] = []
    block: list[str] = []
    for number, (line, end) in enumerate(zip(lines, ends, strict=True), 1):
        if end:
            block = []
        elif line.strip():
            if not block:
                blocks.append((number, block))
            block.append(line.strip())
    return blocks


def _many_sided(blocks: list[tuple[int, list[str]]]) -> bool:
    """Whether in every part more than one speaks: otherwise the blank lines stand between messages."""
    return all(len({who for who, _ in _said(lines)[0]}) > 1 for _, lines in blocks)


def _speaker(line: str) -> re.Match[str] | None:
    found = _LINE.match(line)
    return found if found and not _NOT_A_NAME.search(found["who"].strip()) else None


def _said(lines: list[str]) -> tuple[list[Said], str]:
    """Who said what, and when the first of it was said. A line without a speaker goes on with the message before it."""
    said: list[list[str]] = []
    at = ""
    for line in lines:
        if found := _HEAD.match(line):
            said.append([found["who"].strip(), ""])
        elif found := _speaker(line):
            said.append([found["who"].strip(), found["text"]])
        elif said:
            said[-1][1] += f"\n{line}"
            continue
        else:
            continue
        at = at or moment(found["at"] or "")
    return [(who, body) for who, text in said if (body := plain(text))], at
