"""Facts of customers in the database: learned from what they say, recalled where they bear on a question, each customer's own alone."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, Row, and_, bindparam, delete, select
from sqlalchemy.exc import IntegrityError

from bot.facts import KEPT, Fact, Kind, Read, read
from bot.tables import facts, messages
from knowledge.terms import terms

MOST = 50  # facts of a customer; beyond them those that were said longest ago go
_HELD = select(facts).where(facts.c.customer == bindparam("of"), facts.c.expires > bindparam("now")).order_by(facts.c.at.desc(), facts.c.id)
SHOWN = 8  # facts that a prompt is given at most
# How much each counts without a word in common.
_ALWAYS: dict[Kind, float] = {
    "preference": 0.5,
    "problem": 0.3,
    "order": 0.2,
    "product": 0.1,
}


@dataclass(frozen=True, slots=True)
class Known:
    """A fact with where it comes from: the customer's message that said it last."""

    id: str
    fact: Fact
    conversation: str
    message: str
    at: datetime
    expires: datetime

    @property
    def text(self) -> str:
        """As a prompt shows it, with its day."""
        return f"{self.fact.text} ({self.at.date().isoformat()})"


class Memory:
    """Every query is filtered by the customer. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        """engine: as for `bot.store.Store`."""
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin

    def learn(self, customer: str, conversation: str, message: str, text: str | None = None) -> tuple[Fact, ...]:
        """Read the facts out of a customer's saved message and keep them. Reading it again changes nothing.

        text: what it says, where that is known: most messages tell nothing, and then the database is not asked.
        What is said anew replaces what was said of the same thing; what is corrected or over goes.
        """
        if text is not None and not _tells(read(text)):
            return ()
        said = select(messages.c.text, messages.c.at).where(
            messages.c.conversation == conversation, messages.c.id == message, messages.c.role == "customer"
        )
        with self._read() as connection:
            row = connection.execute(said).one_or_none()
        found = read(row.text) if row else None
        if row is None or found is None or not _tells(found):
            return ()
        try:
            with self._engine.begin() as connection:
                for kind, key in found.gone:
                    _forget(connection, customer, kind, key, row.at)
                for fact in found.facts:
                    _keep(connection, customer, fact, row.at, {"conversation": conversation, "message": message})
                _prune(connection, customer)
        except IntegrityError:  # the message was erased while it was read
            return ()
        return found.facts

    def of(self, customer: str, now: datetime | None = None) -> tuple[Known, ...]:
        """All that holds of a customer, the newest first."""
        with self._read() as connection:
            return tuple(map(_known, connection.execute(_HELD, {"of": customer, "now": now or datetime.now(UTC)})))

    def recall(self, customer: str, question: str, now: datetime | None = None) -> tuple[Known, ...]:
        """The facts that bear on a question, the most relevant first: by words in common, then by kind, then the newest."""
        held = self.of(customer, now)
        if not held:
            return ()
        asked = set(terms(question))
        worth = {one: _ALWAYS[one.fact.kind] + len(asked & set(terms(one.fact.text))) for one in held}
        return tuple(sorted(held, key=lambda one: -worth[one])[:SHOWN])

    def erase(self, customer: str, id: str | None = None) -> int:  # noqa: A002
        """Forget one fact of a customer, or all of them. Returns how many."""
        theirs = delete(facts).where(facts.c.customer == customer)
        with self._engine.begin() as connection:
            return connection.execute(theirs if id is None else theirs.where(facts.c.id == id)).rowcount


def hand_on(connection: Connection, visitor: str, customer: str) -> int:
    """Make a visitor's facts the customer's; of one that both have the later stays. Returns how many there were."""
    rows = connection.execute(select(facts).where(facts.c.customer == visitor).order_by(facts.c.at)).all()
    connection.execute(delete(facts).where(facts.c.customer == visitor))
    for row in rows:
        _keep(connection, customer, Fact(row.kind, row.key, row.text), row.at, {"conversation": row.conversation, "message": row.message})
    if rows:
        _prune(connection, customer)
    return len(rows)


def _tells(found: Read) -> bool:
    return bool(found.facts or found.gone)


def _keep(connection: Connection, customer: str, fact: Fact, at: datetime, source: dict[str, str]) -> None:
    same = and_(facts.c.customer == customer, facts.c.kind == fact.kind, facts.c.key == fact.key)
    held = connection.execute(select(facts.c.id, facts.c.at).where(same)).one_or_none()
    values = {"text": fact.text, "at": at, "expires": at + KEPT[fact.kind], **source}
    if held is None:
        connection.execute(facts.insert().values(id=uuid.uuid4().hex, customer=customer, kind=fact.kind, key=fact.key, **values))
    elif held.at <= at:
        connection.execute(facts.update().where(facts.c.id == held.id).values(values))


def _forget(connection: Connection, customer: str, kind: Kind, key: str, before: datetime) -> None:
    """The fact of that key; without one the newest of its kind that was said before."""
    earlier = select(facts.c.id).where(facts.c.customer == customer, facts.c.kind == kind, facts.c.at < before)
    if key:
        earlier = earlier.where(facts.c.key == key)
    wrong = connection.scalar(earlier.order_by(facts.c.at.desc()).limit(1))
    connection.execute(delete(facts).where(facts.c.customer == customer, facts.c.id == wrong))


def _prune(connection: Connection, customer: str) -> None:
    """What has expired, and the oldest beyond the most that is kept."""
    connection.execute(delete(facts).where(facts.c.customer == customer, facts.c.expires <= datetime.now(UTC)))
    rest = select(facts.c.id).where(facts.c.customer == customer).order_by(facts.c.at.desc(), facts.c.id).offset(MOST)
    for one in list(connection.scalars(rest)):
        connection.execute(delete(facts).where(facts.c.id == one))


def _known(row: Row[tuple[object, ...]]) -> Known:
    return Known(row.id, Fact(row.kind, row.key, row.text), row.conversation, row.message, row.at, row.expires)
