"""Tells another program, e.g. a chat or a pager, that a customer waits for a person: one small POST, far from the customer's path.

It says which conversation and why, never what anybody wrote. The address is a setting, not something that a page can change.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
from sqlalchemy.exc import SQLAlchemyError

from bot.outcomes import Waiting, waiting_for_person

if TYPE_CHECKING:
    from ui.build import App, Desk

logger = logging.getLogger(__name__)
EVERY_S = 3.0
_SETTING = "notified"  # in the database: since when the one waits who was told of last
_TIMEOUT = httpx.Timeout(10, connect=3)
_MOST = 20  # told at once; a desk that was away for a week is not called a thousand times

Post = Callable[[str, dict[str, Any]], None]


def post(url: str, body: dict[str, Any]) -> None:
    """Send it. No redirect is followed, no proxy of the environment used and nothing of the answer read. Raises `httpx.HTTPError`."""
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client, client.stream("POST", url, json=body) as answer:
        if not answer.is_success:
            raise httpx.HTTPStatusError(f"it answered {answer.status_code}", request=answer.request, response=answer)


def notify(app: "App | Desk", send: Post = post) -> int:
    """Tell of everybody who began to wait since the last time; returns how many that were.

    The first time nobody is told of. One that cannot be told is tried again the next time, and so are those after it.
    """
    told_upto = app.store.get_setting(_SETTING)
    if told_upto is None:
        app.store.set_setting(_SETTING, datetime.now(UTC).isoformat())
        return 0
    since = datetime.fromisoformat(told_upto)
    new = [one for one in waiting_for_person(app.engine) if one.since > since]
    for one in new[-_MOST:]:
        send(app.settings.notify_webhook.get_secret_value(), told(one, app.settings.public_url))
        app.store.set_setting(_SETTING, one.since.isoformat())
    return len(new)


def told(one: Waiting, public_url: str) -> dict[str, Any]:
    """What is sent. text: for programs that show that and nothing else."""
    where = f"{public_url}/desk/#tab=inbox&box=waiting&chat={one.conversation}" if public_url else None
    about = {"conversation": one.conversation, "reason": one.reason, "language": one.language, "since": one.since.isoformat()}
    return {"event": "waiting", "text": f"A customer waits for a person. {where or ''}".strip(), **about, "url": where}


def keep_notifying(app: "App | Desk", send: Post = post, every_s: float = EVERY_S) -> threading.Event | None:
    """Do so for as long as this process lives, in a thread of its own. Returns what ends it when set; None where no address is set."""
    if not app.settings.notify_webhook.get_secret_value():
        return None
    over = threading.Event()

    def work() -> None:
        failed = 0
        while not over.is_set():
            try:
                notify(app, send)
                failed = 0
            except (httpx.HTTPError, SQLAlchemyError) as error:
                failed += 1
                logger.warning("nobody could be told that a customer waits: %s", type(error).__name__)  # the address may hold a secret
            over.wait(min(every_s * 2**failed, 300))

    threading.Thread(target=work, name="notify", daemon=True).start()
    return over
