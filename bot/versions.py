"""The prompts' versions in the database: only ever added to, so that every answer's prompt can be shown again."""

import difflib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Row, func, select
from sqlalchemy.exc import IntegrityError

from bot.errors import BadPrompt
from bot.records import storable
from bot.tables import prompts
from bot.wording import Wording, shipped
from knowledge.documents import Language


@dataclass(frozen=True, slots=True)
class Version:
    """A wording and who wrote it. at: None for version 0, which came with the product."""

    wording: Wording
    author: str = ""
    comment: str = "comes with the product"
    at: datetime | None = None


class PromptVersions:
    """Reads and adds versions. The newest of a language and tone is in use; a tone without any is served by the default one's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin

    def current(self, language: Language, tone: str = "default") -> Wording:
        """What a turn in this language is told now; languages other than Chinese are served in English."""
        code: Language = "zh" if language == "zh" else "en"
        query = select(prompts).where(prompts.c.language == code, prompts.c.tone.in_((tone, "default")))
        query = query.order_by(prompts.c.tone != tone, prompts.c.version.desc()).limit(1)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        return _version(row).wording if row else shipped(code)

    def get(self, name: str, language: Language = "en", tone: str = "default") -> Version:
        """A version by its number in that language and tone, or by the id that an answer carries. Raises `BadPrompt` for an unknown one."""
        code: str = "zh" if language == "zh" else "en"
        number = name.partition("@")[0]
        if "." in number:
            code, _, rest = number.partition(".")
            tone, _, number = rest.rpartition(".")
        if number == "0" and code in ("en", "zh") and tone == "default":
            return Version(shipped(code))
        key = (prompts.c.language == code, prompts.c.tone == tone, prompts.c.version == (int(number) if number.isdecimal() else -1))
        with self._read() as connection:
            row = connection.execute(select(prompts).where(*key)).one_or_none()
        if row is None:
            raise BadPrompt(
                f"there is no prompt {name[:80]!r} for {code} in the tone {tone!r}; `answerdesk prompts list` shows what there is"
            )
        return _version(row)

    def history(self, language: Language | None = None, tone: str | None = None) -> tuple[Version, ...]:
        """All versions, by language and tone, newest first; those in the files last of their language."""
        query = select(prompts).order_by(prompts.c.language, prompts.c.tone, prompts.c.version.desc())
        with self._read() as connection:
            found = [_version(row) for row in connection.execute(query)]
        found += [Version(shipped(code)) for code in ("en", "zh")]
        fits = [v for v in found if language in (None, v.wording.language) and tone in (None, v.wording.tone)]
        return tuple(sorted(fits, key=lambda v: (v.wording.language, v.wording.tone)))

    def add(self, wording: Wording, author: str, comment: str = "", expected: int | None = None) -> Wording:
        """Make it the newest version of its language and tone, and so the one in use; its number is given here.

        expected: the number it is meant to follow. Raises `BadPrompt` where another version came in between.
        """
        storable(comment, "the comment")
        key = (prompts.c.language == wording.language, prompts.c.tone == wording.tone)
        try:
            with self._engine.begin() as connection:
                last = connection.scalar(select(func.max(prompts.c.version)).where(*key)) or 0
                if expected is not None and expected != last:
                    raise BadPrompt(f"the newest version is {last}, not {expected}: somebody changed it; look at the difference first")
                new = Wording(wording.system, wording.user, wording.language, wording.tone, last + 1)
                row = {name: getattr(new, name) for name in ("language", "tone", "version", "system", "user")}
                connection.execute(prompts.insert().values(**row, author=author, comment=comment, at=datetime.now(UTC)))
        except IntegrityError:  # two at once
            raise BadPrompt("somebody added a version at the same moment; look at the difference first, then set it again") from None
        return new

    def rollback(self, to: str, author: str, comment: str = "", *, language: Language = "en", tone: str = "default") -> Wording:
        """Put an earlier version in use again, as a new one with its text."""
        old = self.get(to, language, tone).wording
        return self.add(old, author, comment or f"back to {old.version}")


def difference(old: Wording, new: Wording) -> str:
    """What changed from one to the other, as a unified diff of both templates; empty where nothing did."""
    pieces: list[str] = []
    for name in ("system", "user"):
        before, after = (f"{getattr(wording, name)}\n".splitlines(keepends=True) for wording in (old, new))
        pieces += difflib.unified_diff(before, after, f"{name} {old.id}", f"{name} {new.id}")
    return "".join(pieces)


def _version(row: Row[Any]) -> Version:
    return Version(Wording(row.system, row.user, row.language, row.tone, row.version), row.author, row.comment, row.at)
