"""What customers did after each of the bot's replies, out of the database: the tallies that an adapter is watched by."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select

from bot.direct import NAME as EXAMPLES
from bot.tables import messages
from finetune.watch import Limits, Tally, Verdict, Watched, judge


@dataclass(frozen=True, slots=True)
class Reply:
    """One of the bot's replies. backend: empty for its own sentences. why: it was this one. handed_over: the next reply gave it up."""

    conversation: str
    at: datetime
    backend: str
    adapter: str
    why: str
    route: str
    thumbs_down: bool
    figures: bool
    handed_over: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """An adapter at work, how it does beside the others, and what should become of it."""

    watched: Watched
    new: Tally
    old: Tally
    verdict: Verdict


def look(engine: Engine, watched: Watched, limits: Limits, now: datetime | None = None) -> Seen:
    """Compare an adapter's conversations with those of the default: beside a canary at the same time, after a promotion before it.

    Turns by a route or by a backend that was asked for by name count on neither side: they are not drawn as the others are.
    """
    now = now or datetime.now(UTC)
    span = timedelta(days=limits.days)
    if watched.share >= 1 and now - watched.since > span:
        done = Verdict("keep", f"it has answered all conversations for more than {limits.days} days; what was before it is too long ago")
        return Seen(watched, Tally(), Tally(), done)
    begin = watched.promoted - span if watched.share >= 1 else watched.promoted
    told = replies(engine, max(begin, now - 2 * span))

    def mine(reply: Reply) -> bool:
        return reply.adapter == watched.label and reply.at >= watched.promoted and reply.why.startswith(("canary", "default"))

    def others(reply: Reply) -> bool:
        beside = watched.share < 1 or reply.at < watched.since  # what stands in for a failing default is nobody to compare with
        return reply.adapter != watched.label and reply.why.startswith("default") and beside

    stage = [reply for reply in told if reply.at >= watched.since]
    new, old = tally(told, mine), tally(told, others)
    return Seen(watched, new, old, judge(watched.share, new, old, (tally(stage, mine), tally(stage, others)), limits))


def replies(engine: Engine, since: datetime) -> list[Reply]:
    """The bot's replies since then, each conversation's in order."""
    answer = messages.c.answer
    query = (
        select(
            messages.c.conversation,
            messages.c.at,
            answer["backend"].as_string().label("backend"),
            answer["adapter"].as_string().label("adapter"),
            answer["why"].as_string().label("why"),
            answer["route"].as_string().label("route"),
            messages.c.rating,
            func.json_array_length(messages.c.provenance["unsupported_figures"]).label("figures"),
        )
        .where(messages.c.role == "bot", messages.c.at >= since)
        .order_by(messages.c.conversation, messages.c.position)
    )
    with engine.execution_options(read_only=True).begin() as connection:
        rows = connection.execute(query).all()
    found = [
        Reply(row.conversation, row.at, row.backend or "", row.adapter or "", row.why or "", row.route or "answer", row.rating == -1,
              bool(row.figures))
        for row in rows
    ]  # fmt: skip
    return given_up(found)


def given_up(said: Sequence[Reply]) -> list[Reply]:
    """The replies, each marked where the next one of its conversation is a hand-over. said: each conversation's in order."""
    after = [*said[1:], None][: len(said)]
    return [
        replace(reply, handed_over=next_ is not None and next_.conversation == reply.conversation and next_.route == "human")
        for reply, next_ in zip(said, after, strict=True)
    ]


def tally(told: Iterable[Reply], which: Callable[[Reply], bool]) -> Tally:
    """How the conversations went that have one of these replies, by these replies alone. The bot's own sentences are nobody's."""
    by: dict[str, list[Reply]] = {}
    for reply in told:
        if reply.backend not in {"", EXAMPLES} and which(reply):
            by.setdefault(reply.conversation, []).append(reply)
    down, over, figures = (
        {name for name, some in by.items() if any(getattr(reply, sign) for reply in some)}
        for sign in ("thumbs_down", "handed_over", "figures")
    )
    return Tally(len(by), len(down | over | figures), len(down), len(over), len(figures))
