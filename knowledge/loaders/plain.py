"""Plain text into sections: its headings are short lines that stand alone above prose or a list."""

import re
from collections.abc import Sequence

from knowledge.documents import Section
from knowledge.loaders.parsed import Parsed

_LONGEST = 120  # characters of a heading
_ITEM = re.compile(r"[-*+•·]\s|\(?\d{1,3}[.)、]|[①-⑳]|[一二三四五六七八九十]{1,3}、")
_SENTENCE = re.compile(r"[.!:;,。！：；，、…][\"'”’」』）)\]》]*$")


def parse_plain(text: str) -> Parsed:
    """Split `text` at its headings; a first one is the title. A text without headings is one section, as it is."""
    lines = text.split("\n")
    blocks = _blocks(lines)
    short = [_is_short(lines[start:end]) for start, end in blocks]
    heads = [alone and not following for alone, following in zip(short, [*short[1:], True], strict=False)]
    titled = bool(short) and short[0] and (heads[0] or (len(heads) > 1 and heads[1]))
    sections: list[Section] = []
    heading: tuple[str, ...] = ()
    begun = None  # where the section's first line is
    for number, (start, end) in enumerate(blocks):
        if not heads[number] and not (number == 0 and titled):
            begun = start if begun is None else begun
            continue
        sections += _section(heading, lines, begun, start)
        heading, begun = () if number == 0 else (lines[start].strip(),), None
        begun = end if heads[number] else None
    sections += _section(heading, lines, begun, len(lines))
    return Parsed(lines[blocks[0][0]].strip() if titled else "", tuple(sections) if any(heads) else (Section((), text),))


def _blocks(lines: Sequence[str]) -> list[tuple[int, int]]:
    """First line and the one after the last of each run of lines that are not blank."""
    found: list[tuple[int, int]] = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if found and found[-1][1] == number:
            found[-1] = found[-1][0], number + 1
        else:
            found.append((number, number + 1))
    return found


def _is_short(block: Sequence[str]) -> bool:
    """Whether a run of lines is one short line that is neither a sentence nor an item of a list."""
    line = block[0].strip()
    return len(block) == 1 and len(line) <= _LONGEST and not _SENTENCE.search(line) and not _ITEM.match(line)


def _section(heading: tuple[str, ...], lines: Sequence[str], start: int | None, end: int) -> list[Section]:
    text = "" if start is None else "\n".join(lines[start:end]).strip("\n")
    return [Section(heading, text)] if text.strip() else []
