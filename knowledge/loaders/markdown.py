"""Markdown by its structure: headings become the path of a section, fenced code is kept as it is, table rows become readable lines.

Written here because `MarkdownHeaderTextSplitter` takes a `#` in indented code for a heading, misses underlined headings and
strips the indentation and blank lines of code.
"""

import html
import re
from itertools import groupby

from knowledge.documents import Section
from knowledge.loaders.parsed import Parsed
from knowledge.loaders.rows import field

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n((?:.*\n)*?)\1[ \t]*(?:\n|\Z)")
_FRONT_TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(.+)$", re.MULTILINE)
_FENCE = re.compile(r"[ \t]*(`{3,}(?=[^`]*$)|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_BOLD_QUESTION = re.compile(r" {0,3}(?:\*\*|__)([^*_\n]{3,280}[?？])(?:\*\*|__)[ \t]*$")  # how many write the questions of an FAQ
_BELOW_ALL = 7  # the level of such a question
_NOT_A_PARAGRAPH = re.compile(r"[ \t]*([-*+>|]|\d+[.)][ \t]| {4})")
_LONGEST_HEADING = 300  # characters; what is longer is prose, and patterns below stay fast

_COMMENT = re.compile(r"(?<!`)<!--(?:(?!<!--|-->)[\s\S])*-->")
_OPEN_COMMENT = re.compile(r"(?<!`)<!--(?!.*-->)")
_TAG = re.compile(r"</?(?:a|b|center|details|div|em|i|img|kbd|p|span|strong|sub|summary|sup|u)(?:\s[^<>]{0,500})?/?>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&#?\w{1,31};")
_ADMONITION = re.compile(r"^[ \t]*:::+[ \t]*(?:\w+[ \t]*)?", re.MULTILINE)
_INLINE = re.compile(
    r"(?P<code>`[^`\n]+`)"
    r"|(?P<image>!?)\[(?P<label>[^\[\]\n]{0,300})\]\((?P<url>[^()\s]{0,2000})(?:[ \t]{1,5}\"[^\"\n]{0,300}\")?\)"
    r"|\*\*(?P<bold>[^*\n]{1,500})\*\*"
    r"|(?<![A-Za-z0-9*])\*(?P<italic>[^\s*](?:[^*\n]{0,300}[^\s*])?)\*(?![A-Za-z0-9*])"
    r"|\\(?P<escaped>[\\`*_{}\[\]()#+.!|>~-])"
)


def parse_markdown(text: str) -> Parsed:
    """Split `text` at its headings, and at questions in bold on a line of their own.

    The title is the first H1, else the front matter's; sections without text are left out.
    """
    front = _FRONT_MATTER.match(text)
    title = ""
    if front:
        text = text[front.end() :]
        named = _FRONT_TITLE.search(front[2])
        title = named[1].strip().strip("\"'") if named else ""

    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    body: list[tuple[bool, str]] = []  # (is it code, the line)
    has_h1 = False
    fence = ""

    def close_section() -> None:
        content = _render(body)
        if content:
            sections.append(Section(tuple(name for _, name in path), content))
        body.clear()

    lines = text.split("\n")
    last_close = max((i for i, line in enumerate(lines) if "-->" in line), default=-1)
    in_comment = False
    for i, line in enumerate(lines):
        if in_comment or (not fence and i < last_close and _OPEN_COMMENT.search(line)):
            body.append((False, line))  # headings in a comment are none; `_prose` takes it out
            in_comment = "-->" not in line
            continue
        marker = _FENCE.match(line)
        if fence:
            body.append((True, line))
            if marker and marker[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if marker:
            fence = marker[1]
            body.append((True, line))
            continue
        heading = _heading(line, body)
        if heading is None:
            body.append((False, line))
            continue
        level, name = heading
        close_section()
        while path and path[-1][0] >= level:
            path.pop()
        if level == 1 and not has_h1:
            has_h1, title = True, name or title
        elif name:
            path.append((level, name))
    close_section()
    return Parsed(title, tuple(sections))


def _heading(line: str, body: list[tuple[bool, str]]) -> tuple[int, str] | None:
    """(level, name) if `line` is a heading, or a question in bold that begins a paragraph.

    An underline takes the line above it, the name, out of `body`.
    """
    if len(line) > _LONGEST_HEADING:
        return None
    atx = _ATX.match(line)
    if atx:
        return len(atx[1]), _heading_name(atx[2] or "")
    asked = _BOLD_QUESTION.match(line)
    if asked and not (body and not body[-1][0] and body[-1][1].strip()):
        return _BELOW_ALL, _heading_name(asked[1])
    underline = _SETEXT.match(line)
    if not underline or not body or body[-1][0] or (len(body) > 1 and not body[-2][0] and body[-2][1].strip()):
        return None
    above = body[-1][1]
    if not above.strip() or len(above) > _LONGEST_HEADING or _NOT_A_PARAGRAPH.match(above) or "|" in above:
        return None
    body.pop()
    return (1 if underline[1].startswith("=") else 2), _heading_name(above)


def _heading_name(raw: str) -> str:
    without_anchor = re.sub(r"[ \t]*\{#[^{}]*\}[ \t]*$", "", raw)
    return _prose(re.sub(r"(^|[ \t]+)#+[ \t]*$", "", without_anchor)).strip()


def _render(body: list[tuple[bool, str]]) -> str:
    parts = []
    for is_code, group in groupby(body, key=lambda pair: pair[0]):
        lines = [line for _, line in group]
        parts.append("\n".join(lines) if is_code else _prose("\n".join(_tables(lines))).strip("\n"))
    return "\n\n".join(filter(None, parts))


def _tables(lines: list[str]) -> list[str]:
    """Each table row as one `Column: value; ...` line; other lines as they are."""
    out: list[str] = []
    columns: list[str] = []
    for line in lines:
        if columns and "|" in line:
            if not any(columns):  # Word's tables arrive with empty names: the first row is the names
                columns = _cells(line)
                continue
            out.append(_row(columns, _cells(line)))
            continue
        columns = []
        above = out[-1] if out else ""
        if "|" in above and "-" in line and len(_cells(line)) == len(_cells(above)) and _is_rule(line):
            columns = _cells(out.pop())
            continue
        out.append(line)
    return out


def _is_rule(line: str) -> bool:
    return all(re.fullmatch(r":?-+:?", cell) for cell in _cells(line))


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [_BREAK.sub(" ", cell).strip() for cell in re.split(r"(?<!\\)\|", inner)]


def _row(columns: list[str], cells: list[str]) -> str:
    names = columns + [""] * (len(cells) - len(columns))
    pairs = [field(name, cell) for name, cell in zip(names, cells, strict=False) if cell]
    return ("；" if any("：" in pair for pair in pairs) else "; ").join(pairs)


def _prose(text: str) -> str:
    """Text as a reader sees it: without comments, tags, emphasis marks, pictures and links that lead nowhere outside the file."""
    text = _BREAK.sub("\n", _COMMENT.sub("", text))
    text = _ADMONITION.sub("", _TAG.sub("", text))
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), _INLINE.sub(_plain, text))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n")))


def _plain(match: re.Match[str]) -> str:
    if match["code"] is not None:
        return match["code"]
    if match["label"] is not None:
        label, url = _INLINE.sub(_plain, match["label"]), match["url"].removeprefix("mailto:").removeprefix("tel:")
        leads_out = url != match["url"] or url.startswith(("http://", "https://"))
        return f"{label} ({url})" if leads_out and not match["image"] and label != url else label
    emphasis = match["bold"] or match["italic"]
    if emphasis is not None:
        return _INLINE.sub(_plain, emphasis)
    return str(match["escaped"])
