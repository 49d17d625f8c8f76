"""HTML to Markdown to sections: the main content by trafilatura, or all visible text where that finds little."""

import re
import warnings

from knowledge.loaders.encoding import decode
from knowledge.loaders.markdown import parse_markdown
from knowledge.loaders.parsed import Parsed

_CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?([\w-]{1,40})", re.IGNORECASE)
_BOILERPLATE = ("head", "script", "style", "noscript", "template", "svg", "nav", "header", "footer", "aside", "form", "iframe", "button")


def parse_page(data: bytes) -> Parsed:
    """Headings become sections; the title is the first `<h1>`, else `<title>`. Raises `LoadError` when it cannot be decoded."""
    declared = _CHARSET.search(data[:4096])
    return _parse_html(decode(data, declared[1].decode("ascii", "ignore") if declared else ""))


def _parse_html(text: str) -> Parsed:
    import trafilatura
    from bs4 import BeautifulSoup, UnusualUsageWarning
    from markdownify import MarkdownConverter
    from trafilatura.settings import use_config

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusualUsageWarning)  # about XML and bare addresses, which are read all the same
        soup = BeautifulSoup(text, "lxml")
    title = next((tag.get_text(" ", strip=True) for tag in (soup.h1, soup.title) if tag and tag.get_text(strip=True)), "")
    for tag in soup(_BOILERPLATE):
        tag.decompose()
    visible = MarkdownConverter(heading_style="ATX", strip=["img"], escape_underscores=False).convert_soup(soup)
    config = use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", "1")  # Chinese pages and short answers are under the default of 250 characters
    # `fast`: without its own fallbacks, one of which takes minutes on a page of 10,000 list items; ours follows.
    article = trafilatura.extract(text, output_format="markdown", include_formatting=True, include_comments=False, fast=True, config=config)
    # Losing an answer is worse than keeping a sidebar: lists of short questions are what extraction likes to drop.
    main = article if article and _letters(article) >= _letters(visible) / 2 else visible
    parsed = parse_markdown(main)
    return Parsed(" ".join(title.split()) or parsed.title, parsed.sections)


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)
