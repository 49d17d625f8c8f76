"""What a person at the desk wrote, as HTML: escaped, with web addresses to follow, since a colleague put them there and not a model."""

import re
from html import escape

_PAGE = re.compile(r"(?<![A-Za-z0-9])https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?", re.IGNORECASE)
_AFTER = ".,;:!?'"  # belongs to the sentence around the address


def linked(text: str) -> str:
    """The text with its http and https addresses as links, which say what they are and lead out of the chat; everything else is text.

    An address with a name before an @ is none: it reads like one site and leads to another.
    """
    html, at = "", 0
    for found in _PAGE.finditer(text):
        address = _without_the_sentences_end(found[0])
        end = found.start() + len(address)
        if text[end : end + 1] == "@" or re.match(r":[^\s/]*@", text[end:]):
            continue
        shown = escape(address)
        html += f'{escape(text[at : found.start()])}<a href="{shown}" target="_blank" rel="noopener noreferrer nofollow">{shown}</a>'
        at = end
    return html + escape(text[at:])


def _without_the_sentences_end(address: str) -> str:
    while address[-1] in _AFTER or (address.endswith(")") and address.count("(") < address.count(")")):
        address = address[:-1]
    return address
