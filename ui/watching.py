"""Promoted adapters, looked at again and again: taken back in one step when conversations go badly, widened when a canary does well."""

import logging
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from bot.errors import BotError
from bot.flagged import propose_flagged
from bot.store import Store
from finetune.errors import FinetuneError
from finetune.registry import Registry
from finetune.signals import Seen, look
from finetune.watch import Limits
from ui import audit
from ui.database import DatabaseError
from ui.loopback import Emit
from ui.settings import Settings

if TYPE_CHECKING:
    from ui.build import App, Desk

logger = logging.getLogger(__name__)
AUTHOR = "watch"  # of what is done without a person
_SETTING = "watch"  # in the database: the last look


def limits_of(settings: Settings) -> Limits:
    """As the settings have them."""
    return Limits(settings.watch_least, settings.watch_margin, days=settings.watch_days)


def seen(app: "App | Desk") -> list[Seen]:
    """How every adapter that answers customers does; nothing is changed."""
    limits = limits_of(app.settings)
    return [look(app.engine, one, limits) for one in Registry(app.engine, app.policies).watched()]


def watch_adapters(app: "App | Desk", emit: Emit) -> dict[str, Any]:  # noqa: ARG001
    """Look at every adapter that answers customers, and do what the settings allow. Returns what was seen and what was done."""
    found = [{**seen_json(one), "done": _act(app, one)} for one in seen(app)]
    if found or last_look(app.store):
        app.store.set_setting(_SETTING, found)
    return {"watched": found, "watch": app.settings.watch}


def last_look(store: Store) -> list[dict[str, Any]]:
    """What was seen and done when the adapters were last looked at: for pages, which ask often."""
    return store.get_setting(_SETTING) or []


def keep_watching(app: "App | Desk") -> threading.Event:
    """Do so, and take disliked answers into the pool, now and for as long as this process lives, in a thread of its own.

    Returns what ends it when it is set.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            try:
                propose_flagged(app.engine)
                if app.settings.watch != "off":
                    watch_adapters(app, lambda _: None)
            except (DatabaseError, SQLAlchemyError, BotError, FinetuneError, ValueError):
                logger.exception("what customers did could not be looked at")
            over.wait(60 * app.settings.watch_minutes)

    threading.Thread(target=watch, name="watch", daemon=True).start()
    return over


def seen_json(one: Seen) -> dict[str, Any]:
    """As the shell and the pages show it."""
    about = {"backend": one.watched.backend, "adapter": one.watched.adapter.name, "share": one.watched.share}
    since = {"promoted": one.watched.promoted.isoformat(timespec="seconds"), "since": one.watched.since.isoformat(timespec="seconds")}
    return {**about, **since, "new": asdict(one.new), "old": asdict(one.old), **one.verdict.to_json()}


def _act(app: "App | Desk", one: Seen) -> str | None:
    """Carry a verdict out; says what was done. Whoever changed the policy in the meantime goes first."""
    registry, watched, verdict = Registry(app.engine, app.policies), one.watched, one.verdict
    name = watched.adapter.name
    try:
        if verdict.action == "take back" and app.settings.watch != "off":
            registry.rollback(watched.backend, AUTHOR, verdict.why, only=name)
            what, done = "finetune.rollback", f"taken back from {watched.backend}"
        elif verdict.action == "widen" and app.settings.watch == "on" and verdict.share is not None:
            registry.widen(watched.backend, watched.adapter, verdict.share, AUTHOR, verdict.why)
            what, done = "finetune.widen", f"asked first in {verdict.share:.0%} of the conversations"
        else:
            return None
    except (BotError, FinetuneError) as error:
        logger.info("%s was left as it is: %s", name, error)
        return None
    logger.warning("%s: %s, since %s", name, done, verdict.why)
    audit.record(app.engine, AUTHOR, what, name, f"{done}: {verdict.why}")
    return done


DESK_OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {"watch_adapters": watch_adapters}
