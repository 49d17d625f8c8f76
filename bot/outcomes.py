"""How finished turns ended, read from the database: what reports and alerts count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, case, func, or_, select

from bot.messages import Tokens
from bot.tables import conversations, messages, notes

_answer = messages.c.answer
_abstained = _answer["abstained"].as_boolean().is_(True)
_by_backend = func.coalesce(_answer["backend"].as_string(), "") != ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reply of the bot. backend: empty for its own sentences. rating: 1, -1 or None. first_ms, total_ms: None where unknown."""

    at: datetime
    conversation: str
    backend: str = ""
    adapter: str | None = None
    route: str = "answer"
    reason: str = ""
    abstained: bool = False
    interrupted: bool = False
    rating: int | None = None
    first_ms: float | None = None
    total_ms: float | None = None
    tokens: Tokens = field(default_factory=Tokens)


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the replies of a time: questions, how many of them were left unanswered; ratings, how many of them were thumbs down."""

    questions: int = 0
    abstained: int = 0
    rated: int = 0
    down: int = 0


def outcomes(engine: Engine, since: datetime, until: datetime) -> list[Outcome]:
    """The bot's replies of that time, in any order."""
    query = select(
        messages.c.at,
        messages.c.conversation,
        messages.c.rating,
        messages.c.interrupted,
        _answer["backend"].as_string().label("backend"),
        _answer["adapter"].as_string().label("adapter"),
        _answer["route"].as_string().label("route"),
        _answer["reason"].as_string().label("reason"),
        _answer["abstained"].as_boolean().label("abstained"),
        _answer[("latency_ms", "first_token")].as_float().label("first_ms"),
        _answer[("latency_ms", "total")].as_float().label("total_ms"),
        _answer[("tokens", "prompt")].as_integer().label("prompt"),
        _answer[("tokens", "completion")].as_integer().label("completion"),
    ).where(_within(since, until))
    with engine.execution_options(read_only=True).begin() as connection:
        return [
            Outcome(
                row.at, row.conversation, row.backend or "", row.adapter or None, row.route or "answer", row.reason or "",
                bool(row.abstained), row.interrupted, row.rating, row.first_ms, row.total_ms, Tokens(row.prompt or 0, row.completion or 0),
            )
            for row in connection.execute(query)
        ]  # fmt: skip


def takeovers(engine: Engine, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
    """When a person took over which conversation."""
    query = select(notes.c.at, notes.c.conversation).where(notes.c.kind == "taken", notes.c.at >= since, notes.c.at < until)
    with engine.execution_options(read_only=True).begin() as connection:
        return [(row.at, row.conversation) for row in connection.execute(query)]


def tally(engine: Engine, since: datetime, until: datetime) -> Tally:
    """Counted in the database, without reading the replies."""
    counted: Mapping[str, ColumnElement[bool]] = {
        "questions": or_(_by_backend, _abstained),
        "abstained": _abstained,
        "rated": messages.c.rating.is_not(None),
        "down": messages.c.rating == -1,
    }
    query = select(*(func.coalesce(func.sum(case((holds, 1), else_=0)), 0).label(name) for name, holds in counted.items()))
    with engine.execution_options(read_only=True).begin() as connection:
        return Tally(**connection.execute(query.where(_within(since, until))).one()._mapping)  # noqa: SLF001  (SQLAlchemy's public name)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation whose customer waits for a person."""

    conversation: str
    since: datetime
    reason: str
    language: str


def waiting_for_person(engine: Engine) -> list[Waiting]:
    """Who waits for a person, the longest first."""
    row = conversations.c
    query = select(row.id, row.handover_at, row.handover_reason, row.language)
    query = query.where(row.state == "waiting", row.handover_at.is_not(None)).order_by(row.handover_at)
    with engine.execution_options(read_only=True).begin() as connection:
        return [Waiting(id_, since, reason or "", language or "other") for id_, since, reason, language in connection.execute(query)]


def waiting_since(engine: Engine) -> list[datetime]:
    """Since when each customer waits who waits for a person, the longest first."""
    query = select(conversations.c.handover_at).where(conversations.c.state == "waiting", conversations.c.handover_at.is_not(None))
    with engine.execution_options(read_only=True).begin() as connection:
        return list(connection.scalars(query.order_by(conversations.c.handover_at)))


def _within(since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(messages.c.role == "bot", messages.c.at >= since, messages.c.at < until)
