"""What somebody wrote, without what their mail program or help desk put around it."""

import re

from bot.triage import cleaned

_TAGS = re.compile(r"</?(?:p|br|div|span|a|b|i|u|em|strong|ul|ol|li|table|tr|td|img|html|body|blockquote|h[1-6])\b[^<>]*>", re.IGNORECASE)
_QUOTED = re.compile(
    r"^(?:On .{6,120} wrote:|.{0,10}-{2,} ?(?:Original Message|Forwarded message|原始邮件|转发邮件).*|在 ?.{4,80}写道[:：])$", re.MULTILINE
)
_SIGNATURE = re.compile(r"^(?:-- ?|_{5,}|Sent from my .{2,40}|发自我的.{2,20})$", re.MULTILINE)


def plain(text: str) -> str:
    """`text` without HTML, quoted earlier mail and signature."""
    if _TAGS.search(text):
        from bs4 import BeautifulSoup

        soup = BeautifulSoup(text, "html.parser")
        for line_end in soup.find_all(["br", "p", "div", "li", "tr"]):
            line_end.append("\n")
        text = soup.get_text()
    text = cleaned(text)
    for mark in (_QUOTED, _SIGNATURE):
        if (found := mark.search(text)) and text[: found.start()].strip():
            text = text[: found.start()]
    lines = [line for line in text.split("\n") if not line.startswith(">")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
