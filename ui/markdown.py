"""A bot's reply as HTML: headings, lists, emphasis, code and tables; never raw HTML, images or links, whatever the text holds."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from knowledge.cells import cells

_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)  # code stays as it is
_LEADING = re.compile(r"^ {0,3}(?:#{1,6}|[-*+]|>|\|) +", re.MULTILINE)  # what begins a heading, a list's line, a quotation or a table's row
_SIGNS = re.compile(r"(\*\*|__|`)(?=\S)(.+?)(?<=\S)\1")
_MARKS = range(0xE000, 0xE064)  # private-use characters that stand for the numbers of sources while the text is rendered


def to_html(text: str, marks: Mapping[int, int]) -> str:
    """Render a reply. marks: after how many characters of `text` -> the number of the source (1 to 100) whose button is set there."""
    clean = "".join(" " if ord(character) in _MARKS else character for character in text)
    for place in sorted(marks, reverse=True):
        clean = clean[:place] + chr(_MARKS[marks[place] - 1]) + clean[place:]
    html: str = _parser().render(clean if _FENCE.search(clean) else "\n".join(_tabled(clean)))
    for number, mark in enumerate(_MARKS, 1):
        # Not a <button>, which the browser would let go to the next line alone; the word joiner keeps it at its sentence.
        html = html.replace(chr(mark), f'\u2060<span class="mark" role="button" tabindex="0" data-source="{number}">{number}</span>')
    return html


def plain(text: str) -> str:
    """A reply without its marks, on one line: for a list, where there is room for its beginning alone."""
    return " ".join(_SIGNS.sub(r"\2", _LEADING.sub("", text)).split())


def _tabled(text: str) -> Iterator[str]:
    """The lines of a text; rows under one another that begin with the same column, as documents' tables are told, become a table."""
    for first, lines in groupby(text.split("\n"), key=lambda line: next((name for name, _ in cells(line)), "")):
        told = list(lines)
        if not first or len(told) < 2:
            yield from told
            continue
        rows = [dict(cells(line)) for line in told]
        names = list(dict.fromkeys(name for row in sorted(rows, key=len, reverse=True) for name in row))
        yield from ("", _row(names), _row("---" for _ in names))
        yield from (_row(row.get(name, "") for name in names) for row in rows)
        yield ""


def _row(values: Iterable[str]) -> str:
    return f"| {' | '.join(value.replace('|', '&#124;') for value in values)} |"


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    parser.core.ruler.push("harmless", _harmless)
    return parser


def _harmless(state: StateCore) -> None:
    """Keep of an image its description, and of a link its text with the address behind it, to read and not to follow."""
    for token in state.tokens:
        token.info = ""  # would become a class name
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h4"  # below the page's own headings
        if token.children is not None:
            token.children = _without_links(token.children)


def _without_links(tokens: list[Token]) -> list[Token]:
    kept: list[Token] = []
    addresses: list[str] = []
    for token in tokens:
        if token.type == "image":
            kept.append(_text(token.content))
        elif token.type == "link_open":
            addresses.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            address = addresses.pop()
            shown = kept[-1].content if kept else ""
            if address.startswith(("http://", "https://")) and shown not in address:
                kept.append(_text(f" ({address})"))
        else:
            kept.append(token)
    return kept


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
