"""Mail that tells somebody at the desk that a customer waits, through a mail server that the settings name.

Over TLS from the first byte (`smtps://`) or after STARTTLS (`smtp://`); without either only to this machine, as a password would be read.
"""

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from ui.languages import PageLanguage, page_texts

if TYPE_CHECKING:
    from bot.outcomes import Waiting

_PORTS = {"smtp": 587, "smtps": 465}
_HERE = {"127.0.0.1", "localhost", "::1"}
_TIMEOUT_S = 15


@dataclass(frozen=True, slots=True)
class MailServer:
    """secure: how what is sent stays between the two."""

    host: str
    port: int
    secure: Literal["tls", "starttls", "none"]
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, url: str) -> "MailServer":
        """From smtps://user:password@host:465 or smtp://host:587. Raises ValueError, without showing what it was given."""
        allowed = "allowed: smtps://host:465 or smtp://host:587, with user:password@ before the host where it wants them (percent-encoded)"
        try:
            found = urlsplit(url)
            host, port = found.hostname or "", found.port or _PORTS.get(found.scheme, 0)
        except ValueError:
            raise ValueError(f"it is no mail server; {allowed}") from None
        if found.scheme not in _PORTS or not host or found.path.strip("/") or found.query or found.fragment:
            raise ValueError(f"it is no mail server; {allowed}")
        secure: Literal["tls", "starttls", "none"] = "tls" if found.scheme == "smtps" else "none" if host in _HERE else "starttls"
        return cls(host, port, secure, unquote(found.username or ""), unquote(found.password or ""))

    @contextmanager
    def open(self) -> Iterator[smtplib.SMTP]:
        """A connection, signed in. Raises `smtplib.SMTPException` or OSError."""
        context = ssl.create_default_context()
        made = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT_S, context=context)
            if self.secure == "tls"
            else smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
        )
        with made as connection:
            if self.secure == "starttls":
                connection.starttls(context=context)  # raises where the server has none: nothing goes out in the open
            if self.user:
                connection.login(self.user, self.password)
            yield connection


def letter(one: "Waiting", url: str | None, sender: str, to: Sequence[str], shop: str) -> EmailMessage:
    """What is sent: who waits, why and since when, with nobody's words in it. url: of the conversation at the desk, where that is known."""
    language: PageLanguage = "zh" if one.language == "zh" else "en"
    words = page_texts("desk", language)
    reason = words.get(f"reason_{one.reason}", one.reason)
    lines = [
        words["mail_text"].format(shop=shop, reason=reason, time=f"{one.since:%Y-%m-%d %H:%M} UTC"),
        words["mail_where"].format(url=url) if url else words["mail_desk"],
    ]
    made = EmailMessage()
    made["Subject"] = words["mail_subject"].format(shop=shop)
    made["From"], made["To"] = sender, ", ".join(to)
    made["Date"], made["Message-ID"] = format_datetime(one.since), make_msgid("answerdesk", sender.rpartition("@")[2] or None)
    made["Auto-Submitted"] = "auto-generated"  # so that no absence note answers it
    made.set_content("\n\n".join(lines) + "\n")
    return made


def send(server: MailServer, message: EmailMessage) -> None:
    """Hand a letter to the server. Raises `smtplib.SMTPException` or OSError."""
    with server.open() as connection:
        connection.send_message(message)
