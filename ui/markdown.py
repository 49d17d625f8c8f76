"""A bot's reply as HTML: headings, lists, emphasis, code and tables; never raw HTML, images or links, whatever the text holds."""

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKS = range(0xE000, 0xE064)  # private-use characters that stand for the numbers of sources while the text is rendered


def to_html(text: str, marks: dict[int, int] | None = None) -> str:
    """Render a reply. marks: after how many characters of `text` the number of a source (1 to 100) is set, as a button that opens it."""
    clean = "".join(" " if ord(character) in _MARKS else character for character in text)
    for place in sorted(marks or {}, reverse=True):
        clean = clean[:place] + chr(_MARKS[(marks or {})[place] - 1]) + clean[place:]
    html = _parser().render(clean)
    for number, mark in enumerate(_MARKS, 1):
        html = html.replace(chr(mark), f'<button type="button" class="mark" data-source="{number}">{number}</button>')
    return html


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    parser.disable(["html_block", "html_inline"])
    parser.core.ruler.push("flat", lambda state: [_flatten(token) for token in state.tokens] and None)
    return parser


def _flatten(token: Token) -> None:
    """Turn an image into its description, and a link into its text with the address behind it to read, not to follow."""
    if token.type in {"heading_open", "heading_close"}:
        token.tag = "h4"  # below the page's own headings
    kept: list[Token] = []
    addresses: list[str] = []
    for child in token.children or ():
        if child.type == "image":
            kept.append(_text(child.content))
        elif child.type == "link_open":
            addresses.append(str(child.attrGet("href") or ""))
        elif child.type == "link_close":
            address = addresses.pop()
            if address.startswith(("http://", "https://", "mailto:")) and not (kept and kept[-1].content in address):
                kept.append(_text(f" ({address.removeprefix('mailto:')})"))
        else:
            kept.append(child)
    if token.children is not None:
        token.children = kept


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
