"""Tells somebody who is not at the desk that a customer waits for a person: a small POST to another program, a mail, or both.

Far from the customer's path. It says which conversation and why, never what anybody wrote. Whom it tells is a setting, not something that a
page can change.
"""

import logging
import smtplib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy.exc import SQLAlchemyError

from bot.outcomes import Waiting, waiting_for_person
from ui.mail import MailServer, letter, send
from ui.settings import Settings

if TYPE_CHECKING:
    from ui.build import App, Desk

logger = logging.getLogger(__name__)
EVERY_S = 3.0
_TIMEOUT = httpx.Timeout(10, connect=3)
_MOST = 20  # told at once; a desk that was away for a week is not called a thousand times

Body = dict[str, Any]
Post = Callable[[str, Body], None]


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to tell. kept: the name in the database of since when the one waits who was told of last; each way has its own."""

    kept: str
    tell: Callable[[Waiting], None]


def channels(settings: Settings, post: Post | None = None) -> list[Channel]:
    """Those that the settings name. post: sends what goes to the webhook."""
    found = []
    if hook := settings.notify_webhook.get_secret_value():
        found.append(Channel("notified", lambda one: (post or _post)(hook, told(one, settings.public_url))))
    if settings.notify_mail:
        server, to, shop = MailServer.read(settings.smtp_url.get_secret_value()), settings.notify_mail, settings.shop_name or "Answerdesk"
        sender = settings.mail_from or to[0]
        found.append(Channel("notified_by_mail", lambda one: send(server, letter(one, where(one, settings.public_url), sender, to, shop))))
    return found


def _post(url: str, body: Body) -> None:
    """Send it. No redirect is followed, no proxy of the environment used and nothing of the answer read. Raises `httpx.HTTPError`."""
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client, client.stream("POST", url, json=body) as answer:
        if not answer.is_success:
            raise httpx.HTTPStatusError(f"it answered {answer.status_code}", request=answer.request, response=answer)


def notify(app: "App | Desk", channel: Channel) -> int:
    """Tell of everybody who began to wait since the last time; returns how many that were.

    The first time nobody is told of. One that cannot be told is tried again the next time, and so are those after it.
    """
    told_upto = app.store.get_setting(channel.kept)
    if told_upto is None:
        app.store.set_setting(channel.kept, datetime.now(UTC).isoformat())
        return 0
    since = datetime.fromisoformat(told_upto)
    new = [one for one in waiting_for_person(app.engine) if one.since > since]
    for one in new[-_MOST:]:
        channel.tell(one)
        app.store.set_setting(channel.kept, one.since.isoformat())
    return len(new)


def where(one: Waiting, public_url: str) -> str | None:
    """The conversation at the desk; None where nobody has said how the desk is reached."""
    return f"{public_url}/desk/#tab=inbox&box=waiting&chat={one.conversation}" if public_url else None


def told(one: Waiting, public_url: str) -> Body:
    """What the webhook is sent. text: for programs that show that and nothing else."""
    url = where(one, public_url)
    about = {"conversation": one.conversation, "reason": one.reason, "language": one.language, "since": one.since.isoformat()}
    return {"event": "waiting", "text": f"A customer waits for a person. {url or ''}".strip(), **about, "url": url}


def keep_notifying(app: "App | Desk", found: Sequence[Channel] | None = None, every_s: float = EVERY_S) -> threading.Event:
    """Do so for as long as this process lives, each way in a thread of its own. Setting what it returns ends it.

    found: the ways; those of the settings where they are not given.
    """
    over = threading.Event()

    def work(channel: Channel) -> None:
        failed = 0
        while not over.is_set():
            try:
                notify(app, channel)
                failed = 0
            except (httpx.HTTPError, smtplib.SMTPException, OSError, SQLAlchemyError) as error:
                failed += 1  # neither the address nor what the server says: a secret may be in them
                logger.warning("nobody could be told that a customer waits (%s): %s", channel.kept, type(error).__name__)
            over.wait(min(every_s * 2**failed, 300))

    for channel in channels(app.settings) if found is None else found:
        threading.Thread(target=work, args=(channel,), name=channel.kept, daemon=True).start()
    return over
