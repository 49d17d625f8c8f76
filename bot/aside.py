"""After a turn, beside the customer's path: its tokens are counted, and the backend in the shadow answers too, on record and unseen."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import Any

from sqlalchemy import Connection, Engine, select

from bot.backends.base import Backend
from bot.dispatch import Dispatch
from bot.ladder import Ask
from bot.messages import Answer
from bot.policy import LAST, Limits, Plan
from bot.records import plain_json
from bot.sides import Side, side
from bot.tables import shadow_answers
from bot.usage import Usage

AT_ONCE = 4  # shadows being made; a turn that ends meanwhile has none, since customers' answers need the machine more

logger = logging.getLogger(__name__)


class Aside:
    """What follows a turn. Thread-safe."""

    def __init__(self, engine: Engine, dispatch: Dispatch, usage: Usage) -> None:
        self._engine = engine
        self._dispatch = dispatch
        self._usage = usage
        self._lock = Lock()
        self._running: set[Thread] = set()

    def counting(self, answer: Answer) -> Callable[[Connection], None] | None:
        """Counts the tokens of a reply, in the transaction that saves it; None where they cost nothing."""
        if answer.backend in {"", LAST} or not answer.text:
            return None
        return lambda connection: self._usage.add(answer.backend, answer.tokens, connection)

    def finished(self, answer: Answer, plan: Plan, ask: Ask) -> None:
        """Take note of a turn that is saved and counted. ask: what a backend is asked in it. Returns at once and raises nothing."""
        shadow = self._dispatch.backends.get(plan.shadow) if plan.shadow and answer.text and not answer.interrupted else None
        if shadow:
            self._start(lambda: self._cast(answer, shadow, ask, plan.limits))

    def wait(self) -> None:
        """Until the shadows that were begun are on record."""
        with self._lock:
            running = list(self._running)
        for thread in running:
            thread.join()

    def of(self, conversation: str, message: str) -> list[dict[str, Any]]:
        """What was said in the shadow of a turn."""
        query = select(shadow_answers).where(shadow_answers.c.conversation == conversation, shadow_answers.c.message == message)
        with self._engine.execution_options(read_only=True).begin() as connection:
            return [{"backend": row.backend, "text": row.text, "error": row.error, **row.details} for row in connection.execute(query)]

    def _start(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except Exception:
                logger.exception("a shadow was lost")
            finally:
                with self._lock:
                    self._running.discard(thread)

        thread = Thread(
            target=run, name="shadow"
        )  # no daemon: a command waits for its shadow, which the policy's limits bound, before it ends
        with self._lock:
            if len(self._running) >= AT_ONCE:
                logger.info("a shadow was left out: %d are being made", AT_ONCE)
                return
            self._running.add(thread)
            thread.start()

    def _cast(self, answer: Answer, backend: Backend, ask: Ask, limits: Limits) -> None:
        said = side(self._dispatch, backend, ask, limits)
        if backend.kind != LAST and said.text:
            self._usage.add(backend.name, said.tokens)
        row = {
            "conversation": answer.conversation, "message": answer.message, "backend": said.backend, "text": said.text,
            "error": said.error, "details": plain_json(_details(said), "a shadow"), "at": datetime.now(UTC),
        }  # fmt: skip
        with self._engine.begin() as connection:
            connection.execute(shadow_answers.insert().values(row))


def _details(said: Side) -> dict[str, Any]:
    return {name: value for name, value in asdict(said).items() if name not in {"backend", "text", "error"}}
