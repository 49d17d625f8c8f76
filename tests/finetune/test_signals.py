"""What customers did, counted by conversation out of real rows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from bot.messages import Answer, Request
from bot.policy import Adapter
from bot.store import Store
from bot.tables import messages
from finetune.signals import Reply, given_up, look, replies, tally
from finetune.watch import Limits, Tally, Watched

pytest_plugins = ("tests.databases",)

ONE = Adapter("one", "/a", "1" * 64)
START = datetime(2026, 3, 1, tzinfo=UTC)
LIMITS = Limits(least=2)


def canary(share: float = 0.2, promoted: datetime = START, since: datetime | None = None) -> Watched:
    return Watched("local", ONE, share, promoted, since or promoted)


@pytest.fixture
def desk(engine: Engine) -> "Talks":
    return Talks(engine)


class Talks:
    """Conversations as turns leave them, each reply at a time of its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.store = engine, Store(engine)

    def say(self, conversation: str, at: datetime = START, rating: int | None = None, figures: int = 0, **answer: object) -> str:
        got = self.store.receive(Request("A question?", conversation.replace(" ", "-"), conversation))
        made = Answer("A reply.", got.conversation, got.message, **answer)  # type: ignore[arg-type]
        reply = self.store.finish(made, {"unsupported_figures": ["9"] * figures})
        if rating:
            self.store.rate(reply, conversation, rating)  # type: ignore[arg-type]
        with self.engine.begin() as connection:
            connection.execute(update(messages).where(messages.c.id == reply).values(at=at))
        return reply

    def mine(self, conversation: str, why: str = "canary", **more: object) -> None:
        self.say(conversation, backend="local", adapter=canary().label, why=why, **more)  # type: ignore[arg-type]

    def other(self, conversation: str, why: str = "default", **more: object) -> None:
        self.say(conversation, backend="extractive", why=why, **more)  # type: ignore[arg-type]


def test_what_counts_as_gone_badly(desk: Talks):
    desk.mine("good", rating=1)
    desk.mine("thumb", rating=-1)
    desk.mine("thumb", figures=2)
    desk.mine("figures", figures=1)
    desk.mine("left")
    desk.say("left", backend="", route="human")
    desk.mine("later left")
    desk.mine("later left")
    desk.say("later left", backend="", route="human")
    desk.other("theirs", rating=-1)
    desk.other("fine")
    seen = look(desk.engine, canary(), LIMITS, START + timedelta(days=1))
    assert seen.new == Tally(5, 4, thumbs_down=1, hand_overs=2, figures=2)
    assert seen.old == Tally(2, 1, thumbs_down=1)


def test_only_what_was_drawn_alike_is_compared(desk: Talks):
    desk.mine("a")
    desk.mine("asked", why="asked for", rating=-1)
    desk.mine("routed", why="route for warranty", rating=-1)
    desk.other("b")
    desk.other("stood in", why="canary, then the next on the ladder", rating=-1)
    desk.other("asked too", why="asked for", rating=-1)
    desk.say("example", backend="examples", why="default", rating=-1)
    desk.say("hello", backend="", why="default", rating=-1)
    desk.mine("earlier", at=START - timedelta(hours=1), rating=-1)
    desk.other("before", at=START - timedelta(hours=1), rating=-1)
    seen = look(desk.engine, canary(), LIMITS, START + timedelta(days=1))
    assert (seen.new, seen.old) == (Tally(1), Tally(1))


def test_one_with_all_conversations_is_compared_with_what_was_before_it(desk: Talks):
    desk.other("before", at=START - timedelta(days=3))
    desk.other("too long ago", at=START - timedelta(days=40))
    desk.other("stands in", at=START + timedelta(hours=1), why="default, then the next on the ladder", rating=-1)
    desk.mine("now", at=START + timedelta(hours=1), why="default")
    everyone = canary(1.0)
    seen = look(desk.engine, everyone, LIMITS, START + timedelta(days=1))
    assert (seen.new, seen.old) == (Tally(1), Tally(1))
    later = look(desk.engine, everyone, LIMITS, START + timedelta(days=31))
    assert (later.verdict.action, "more than 30 days" in later.verdict.why) == ("keep", True)


def test_a_share_is_judged_by_what_happened_under_it(desk: Talks):
    for number in range(60):
        desk.mine(f"m{number}", at=START + timedelta(hours=1))
        desk.other(f"o{number}", at=START + timedelta(hours=1))
    now = START + timedelta(days=1)
    assert look(desk.engine, canary(), Limits(), now).verdict.action == "widen"
    fresh = canary(since=START + timedelta(hours=2))
    assert look(desk.engine, fresh, Limits(), now).verdict.action == "keep"
    assert look(desk.engine, fresh, Limits(), now).new == Tally(60)


def test_a_hand_over_is_of_the_reply_before_it_in_the_same_conversation():
    said = [Reply(conversation, START, "local", "", "canary", route, False, False) for conversation, route in
            (("a", "answer"), ("a", "human"), ("b", "answer"), ("c", "human"), ("c", "answer"))]  # fmt: skip
    assert [reply.handed_over for reply in given_up(said)] == [True, False, False, False, False]
    assert given_up([]) == []
    assert tally(given_up(said), lambda _: True) == Tally(3, 1, hand_overs=1)


def test_an_older_answer_without_these_fields_is_no_obstacle(desk: Talks):
    desk.say("old")
    with desk.engine.begin() as connection:
        connection.execute(update(messages).where(messages.c.role == "bot").values(answer={"text": "x"}, provenance=None))
    assert [(reply.backend, reply.adapter, reply.route, reply.figures) for reply in replies(desk.engine, START)] == [
        ("", "", "answer", False)
    ]
