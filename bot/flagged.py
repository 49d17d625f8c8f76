"""Answers that customers did not like, on their way into the pool: each once, as a proposal that a lead corrects or rejects."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, Row, or_, select, update

from bot.direct import NAME
from bot.examples import LONGEST, Pool, redacted
from bot.lines import answer_of
from bot.messages import Answer, Example
from bot.tables import conversations, messages

AUTHOR = "customers"
MOST = 200  # at a time

_asked = messages.alias("asked")


def propose_flagged(engine: Engine, most: int = MOST) -> int:
    """Propose what got a thumbs down and was not proposed yet, at most so many; returns how many proposals that made.

    Each has the id of its conversation, and the reply itself as its answer until somebody gives a better one. What the pool knows of the
    conversation already, as a correction for instance, is left alone. The bot's own sentences are not proposed, "I do not know" is.
    """
    found, pool = _flagged(engine, most), Pool(engine)
    made = [example for row in found if (example := _example(row)) is not None]
    known = {example.id for example in pool.list()} if made else set()
    new = [redacted(example) for example in made if example.id not in known]
    added = pool.add_all(new, AUTHOR) if new else ()
    with engine.begin() as connection:
        for row in found:
            this = (messages.c.conversation == row.conversation) & (messages.c.id == row.id)
            connection.execute(update(messages).where(this).values(proposed=True))
    return sum(not each.duplicate for each in added)


def _flagged(engine: Engine, most: int) -> list[Row[tuple[object, ...]]]:
    query = (
        select(messages, conversations.c.customer, _asked.c.text.label("question"))
        .join(conversations, conversations.c.id == messages.c.conversation)
        .join(_asked, (_asked.c.conversation == messages.c.conversation) & (_asked.c.id == messages.c.in_reply_to))
        .where(messages.c.role == "bot", messages.c.rating == -1, or_(messages.c.proposed.is_(None), messages.c.proposed.is_(False)))
        .order_by(messages.c.at)
        .limit(most)
    )
    with engine.execution_options(read_only=True).begin() as connection:
        return list(connection.execute(query))


def _example(row: Row[tuple[object, ...]]) -> Example | None:
    answer = answer_of(row)
    if answer is None or not _teaches(answer) or not all(0 < len(text.strip()) <= LONGEST for text in (row.text, row.question)):
        return None
    best = answer.citations[0] if answer.citations else None
    return Example(
        id=_id(row.conversation, row.id),
        question=row.question,
        answer=row.text,
        language=answer.language,
        evidence=best.text if best else "",
        source=best.source if best else "",
        intent=answer.intent or "",
        conversation=row.conversation,
        customer=row.customer,
        at=row.at.isoformat(),
        flagged=row.text,
        corrects=given_by(answer, row.provenance),
    )


def given_by(answer: Answer, provenance: Mapping[str, Any] | None) -> str:
    """The id of the approved example that gave a reply word for word, empty where none did."""
    return str(((provenance or {}).get("direct") or {}).get("example", "")) if answer.backend == NAME else ""


def _id(conversation: str, reply: str) -> str:
    return f"flag-{hashlib.sha256(f'{conversation} {reply}'.encode()).hexdigest()[:32]}"


def _teaches(answer: Answer) -> bool:
    """Whether a better answer could be given: not to a greeting, nor where a person was called."""
    return answer.route == "answer" and bool(answer.backend or answer.abstained)
