"""Canned replies: what people at the desk say often, kept once for each language and called by a shortcut."""

import re
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from bot.errors import BadCanned
from bot.records import storable
from bot.tables import canned_replies

LANGUAGES = ("en", "zh")
LONGEST = 4000  # characters of a text, as of what a person says
_SHORTCUT = re.compile(r"[\w-]{1,32}")


@dataclass(frozen=True, slots=True)
class CannedReply:
    """shortcut: what is typed after a slash. author: who wrote or changed it last."""

    id: str
    language: str
    shortcut: str
    text: str
    author: str
    updated: datetime


class Canned:
    """The canned replies in the database. Raises `BadCanned` for what it cannot keep or find."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin

    def list(self, language: str | None = None) -> tuple[CannedReply, ...]:
        """By language and shortcut; None means both languages."""
        query = select(canned_replies).order_by(canned_replies.c.language, canned_replies.c.shortcut)
        if language is not None:
            query = query.where(canned_replies.c.language == _language(language))
        with self._read() as connection:
            return tuple(map(_reply, connection.execute(query)))

    def find(self, shortcut: str, language: str) -> CannedReply:
        """The one that a shortcut calls."""
        query = select(canned_replies).where(canned_replies.c.language == _language(language), canned_replies.c.shortcut == shortcut)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise BadCanned(f"there is no canned reply {shortcut[:80]!r} in {language}; `answerdesk desk canned list` shows them")
        return _reply(row)

    def add(self, language: str, shortcut: str, text: str, author: str) -> CannedReply:
        """Keep a new one."""
        return self._kept(CannedReply(uuid.uuid4().hex, language, shortcut, text, author, datetime.now(UTC)), new=True)

    def edit(self, id: str, language: str, shortcut: str, text: str, author: str) -> CannedReply:  # noqa: A002
        """Change one."""
        return self._kept(CannedReply(id, language, shortcut, text, author, datetime.now(UTC)), new=False)

    def remove(self, id: str) -> None:  # noqa: A002
        """Forget one."""
        with self._engine.begin() as connection:
            if not connection.execute(delete(canned_replies).where(canned_replies.c.id == id)).rowcount:
                raise _gone(id)

    def _kept(self, reply: CannedReply, *, new: bool) -> CannedReply:
        shortcut, text = reply.shortcut.strip().lstrip("/"), reply.text.strip()
        kept = replace(reply, shortcut=shortcut, text=text, language=_language(reply.language))
        if not _SHORTCUT.fullmatch(shortcut):
            raise BadCanned(f"the shortcut is {reply.shortcut[:80]!r}; allowed: 1 to 32 letters, digits, - and _")
        if not 1 <= len(text) <= LONGEST:
            raise BadCanned(f"the text has {len(text)} characters; allowed: 1 to {LONGEST}")
        try:
            storable(text, "the text")
        except ValueError as error:
            raise BadCanned(str(error)) from None
        try:
            with self._engine.begin() as connection:
                if new:
                    connection.execute(canned_replies.insert().values(asdict(kept)))
                elif not connection.execute(update(canned_replies).where(canned_replies.c.id == reply.id).values(asdict(kept))).rowcount:
                    raise _gone(reply.id)
        except IntegrityError:
            raise BadCanned(
                f"there already is a canned reply {shortcut!r} in {reply.language}; edit that one, or choose another shortcut"
            ) from None
        return kept


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise BadCanned(f"language is {code[:80]!r}; allowed: {', '.join(LANGUAGES)}")
    return code


def _gone(id: str) -> BadCanned:  # noqa: A002
    return BadCanned(f"there is no canned reply with the id {id[:80]!r}; somebody may have removed it")


def _reply(row: Row[Any]) -> CannedReply:
    return CannedReply(row.id, row.language, row.shortcut, row.text, row.author, row.updated)
