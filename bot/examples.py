"""The approved pool: questions with good answers, proposed by people's corrections and transcripts, used only once a lead approved them."""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, or_, select

from bot.alike import Alike, alike
from bot.errors import BadExample
from bot.messages import Example, ExampleState, Split
from bot.records import storable
from bot.tables import examples
from knowledge.documents import Language
from knowledge.language import normalise

EVALUATION = 0.2  # share of customers whose examples evaluate and never train
EDITABLE = ("question", "answer", "language", "evidence", "source", "reasoning", "intent")
LONGEST = 20_000  # characters of any one text


@dataclass(frozen=True, slots=True)
class Added:
    """example: what the pool now has. duplicate: it had a near-duplicate before, and that is `example`; nothing was added."""

    example: Example
    duplicate: bool


def side(key: str) -> Split:
    """Training or evaluation, by a hash of whom an example comes from: the same one for ever, on every machine."""
    return "eval" if int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") < EVALUATION * 2**32 else "train"


def split_of(example: Example, near: Iterable[Split]) -> Split:
    """Where an example belongs, given the splits of those whose questions are near-duplicates of its own.

    All examples of a customer (of a conversation, where there is no customer) are on one side. One that is nobody's takes the side of
    its near-duplicates. One whose customer is on one side and whose near-duplicate is on the other would join both: it takes no part.
    """
    taken = {split for split in near if split != "neither"}
    bound = example.customer or example.conversation
    own = side(bound or normalise(example.question).lower())
    if not taken or taken == {own}:
        return own
    return "neither" if bound or len(taken) > 1 else taken.pop()


class Pool:
    """The examples in the database. Thread-safe; every change is one transaction. Raises `BadExample` for what it cannot keep or find."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.reading = self._read = engine.execution_options(read_only=True).begin

    def list(self, state: ExampleState | None = None, language: Language | None = None, split: Split | None = None) -> tuple[Example, ...]:
        """Examples, oldest first; None means any."""
        query = select(examples).order_by(examples.c.created, examples.c.id)
        for column, wanted in ((examples.c.state, state), (examples.c.language, language), (examples.c.split, split)):
            if wanted is not None:
                query = query.where(column == wanted)
        with self._read() as connection:
            return tuple(map(_example, connection.execute(query)))

    def get(self, id: str) -> Example:  # noqa: A002
        """One example."""
        with self._read() as connection:
            return _found(connection, id)

    def version(self) -> tuple[int, str]:
        """Changes whenever the pool does: how many examples there are, and when one was last touched."""
        with self._read() as connection:
            count, last = connection.execute(select(func.count(), func.max(examples.c.updated))).one()
        return count, str(last)

    def of_customer(self, customer: str, conversations: Collection[str] = ()) -> tuple[Example, ...]:
        """What came from a customer, or from one of these conversations."""
        with self._read() as connection:
            return tuple(map(_example, connection.execute(select(examples).where(_of(customer, conversations)))))

    def flagged(self) -> int:
        """How many that customers did not like wait for a better answer."""
        waits = (examples.c.state == "pending", examples.c.flagged != "", examples.c.flagged == examples.c.answer)
        query = select(func.count()).select_from(examples).where(*waits)
        with self._read() as connection:
            return connection.scalar(query) or 0

    def approved_since(self, moment: datetime | None) -> int:
        """How many examples to train on were approved after a moment; all of them where it is None."""
        query = select(func.count()).select_from(examples).where(examples.c.state == "approved", examples.c.split == "train")
        with self._read() as connection:
            return connection.scalar(query if moment is None else query.where(examples.c.approved > moment)) or 0

    def propose(self, example: Example, author: str = "") -> Added:
        """Take in what somebody suggests: it waits for a lead, whatever state it carries, and without what is personal in it."""
        return self.add(redacted(replace(example, state="pending")), author)

    def add(self, example: Example, author: str = "") -> Added:
        """Take in one example, unless its question and its answer are near-duplicates of one that is there, rejected ones too."""
        return self.add_all([example], author)[0]

    def add_all(self, new: Sequence[Example], author: str = "") -> tuple[Added, ...]:
        """Take in many in one transaction; for each what became of it. An empty id gets one, the split is the pool's own choice."""
        for example in new:
            _check(example)
        with self._write() as connection:
            held = {row.id: _example(row) for row in connection.execute(select(examples))}
            questions = _questions(held.values())
            return tuple(self._add(connection, held, questions, example, author) for example in new)

    def _add(self, connection: Connection, held: dict[str, Example], questions: Alike, example: Example, author: str) -> Added:
        near = tuple(_near(held, questions, example))
        rivals = [other for other in held.values() if other.corrects == example.corrects != "" and other not in near]
        for other in (*near, *rivals):
            if other.id == example.corrects:
                continue  # what it is to take the place of says the same, or is asked the same
            talk = other.conversation == example.conversation != ""
            if alike(other.answer, example.answer) or (talk and example.flagged):
                return Added(other, duplicate=True)
            rival = other.corrects == example.corrects != ""
            if (talk or rival) and other.state == "pending" and other.flagged:
                return Added(self._corrected(connection, held, other, example, author), duplicate=False)
        kept = replace(example, id=example.id or uuid.uuid4().hex, split=split_of(example, (other.split for other in near)))
        if kept.id in held:
            raise BadExample(f"there already is an example {kept.id!r}; leave the id out for a new one, or edit that one")
        now = datetime.now(UTC)
        since = now if kept.state == "approved" else None
        connection.execute(examples.insert().values(**asdict(kept), author=author, why="", created=now, updated=now, approved=since))
        _replace(connection, kept, author, now)
        held[kept.id] = kept
        questions.add(kept.id, kept.question)
        return Added(kept, duplicate=False)

    def _corrected(self, connection: Connection, held: dict[str, Example], old: Example, new: Example, author: str) -> Example:
        """A reply that a customer did not like, with the better answer that somebody gives in its place."""
        given = {name: getattr(new, name) for name in ("answer", "evidence", "source", "reasoning", "intent")}
        held[old.id] = kept = replace(old, **given, state=new.state)
        now = datetime.now(UTC)
        changed = {**given, "state": kept.state, "author": author, "updated": now, "approved": now if kept.state == "approved" else None}
        connection.execute(examples.update().where(examples.c.id == old.id).values(changed))
        return kept

    def approve(self, id: str, author: str) -> Example:  # noqa: A002
        """From now on it may be used, and what it corrects no more. Refused while its answer is the one that a customer did not like."""
        return self._change(id, author, "", state="approved")

    def reject(self, id: str, author: str, why: str) -> Example:  # noqa: A002
        """It is not used (any more), and nothing near to it is taken in again."""
        return self._change(id, author, why, state="rejected")

    def edit(self, id: str, author: str, why: str = "", **texts: str) -> Example:  # noqa: A002
        """Change some of `EDITABLE`; its state stays, its split follows the new question."""
        if unknown := texts.keys() - set(EDITABLE):
            raise BadExample(f"{', '.join(sorted(unknown))} cannot be edited; allowed: {', '.join(EDITABLE)}")
        return self._change(id, author, why, **texts)

    def erase_customer(self, customer: str, conversations: Sequence[str] = ()) -> int:
        """Delete what came from a customer, or from one of these conversations. Returns how many examples that were."""
        if not customer and not conversations:
            return 0
        with self._write() as connection:
            return connection.execute(examples.delete().where(_of(customer, conversations))).rowcount

    def _change(self, id: str, author: str, why: str, **values: Any) -> Example:  # noqa: A002
        with self._write() as connection:
            before = _found(connection, id)
            after = replace(before, **values)
            _check(after)
            if after.state == "approved" and after.flagged and _plain(after.answer) == _plain(after.flagged):
                raise BadExample(
                    f"the answer of {id} is the one that a customer did not like: correct it at the desk, or with "
                    f"`answerdesk examples edit {id} --answer TEXT`, or reject it"
                )
            if after.question != before.question:
                held = {row.id: _example(row) for row in connection.execute(select(examples).where(examples.c.id != id))}
                after = replace(after, split=split_of(after, (other.split for other in _near(held, _questions(held.values()), after))))
            now = datetime.now(UTC)
            changed = {**asdict(after), "author": author, "why": storable(why, "the reason"), "updated": now}
            if after.state != before.state:
                changed["approved"] = now if after.state == "approved" else None
            connection.execute(examples.update().where(examples.c.id == id).values(changed))
            _replace(connection, after, author, now)
            return after

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # SQLite's transactions stand in line anyway
                connection.exec_driver_sql("LOCK TABLE examples IN SHARE ROW EXCLUSIVE MODE")
            yield connection


def _replace(connection: Connection, example: Example, author: str, now: datetime) -> None:
    """Once an example is approved, the one that it corrects is used no more."""
    if example.corrects and example.state == "approved":
        old = (examples.c.id == example.corrects) & (examples.c.state == "approved")
        told = {"state": "rejected", "approved": None, "author": author, "why": f"corrected by {example.id}", "updated": now}
        connection.execute(examples.update().where(old).values(told))


def _plain(text: str) -> str:
    return " ".join(normalise(text).casefold().split())


def redacted(example: Example) -> Example:
    """An example without what is personal in its texts. The evidence stays as it is: it is the shop's own page."""
    from bot.redact import Pseudonyms, redact  # with its lists of names

    own = Pseudonyms()
    texts = (example.question, example.answer, example.reasoning, example.flagged)
    question, answer, reasoning, flagged = (redact(text, pseudonyms=own).text for text in texts)
    return replace(example, question=question, answer=answer, reasoning=reasoning, flagged=flagged)


def _of(customer: str, conversations: Collection[str]) -> ColumnElement[bool]:
    return or_(examples.c.conversation.in_(conversations), (examples.c.customer == customer) & (examples.c.customer != ""))


def _questions(held: Iterable[Example]) -> Alike:
    questions = Alike()
    for example in held:
        questions.add(example.id, example.question)
    return questions


def _near(held: dict[str, Example], questions: Alike, example: Example) -> Iterator[Example]:
    """Those whose question says nearly the same."""
    return (held[cast("str", key)] for key in questions.find(example.question))


def _found(connection: Connection, id: str) -> Example:  # noqa: A002
    row = connection.execute(select(examples).where(examples.c.id == id)).one_or_none()
    if row is None:
        raise BadExample(f"there is no example {id[:80]!r}; `answerdesk examples list` shows them with their ids")
    return _example(row)


def _example(row: Row[Any]) -> Example:
    found = {name: getattr(row, name) for name in Example.__dataclass_fields__}
    return Example(**found | {name: found[name] or "" for name in ("flagged", "corrects")})  # columns that came later


def _check(example: Example) -> None:
    for name in ("question", "answer"):
        if not getattr(example, name).strip():
            raise BadExample(f"the example's {name} is empty; an example is a question with a good answer: give both")
    for name in EDITABLE:
        text = getattr(example, name)
        if len(text) > (LONGEST if name != "intent" else 128):
            raise BadExample(
                f"the example's {name} has {len(text)} characters; allowed: {LONGEST if name != 'intent' else 128}; shorten it"
            )
        try:
            storable(text, f"the example's {name}")
        except ValueError as error:
            raise BadExample(str(error)) from None
    if example.language not in ("en", "zh", "other"):
        raise BadExample(f"the example's language is {example.language!r}; allowed: en, zh, other")
