"""Figures from rows: each checked against what can be counted by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, update

from bot import desk
from bot.messages import Answer, Request, Tokens
from bot.outcomes import Outcome, Tally, outcomes, takeovers, tally, waiting_since
from bot.reports import figures, period, share, spread
from bot.store import Store
from bot.tables import messages

pytest_plugins = ("tests.databases",)
NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
WEEK = period(7, NOW, UTC)


def row(conversation: str, backend: str = "big", hours: float = 1, **more: object) -> Outcome:
    return Outcome(NOW - timedelta(hours=hours), conversation, backend, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (84, 100, 0.7558, 0.8990)]
)
def test_wilsons_interval(hits: int, of: int, low: float, high: float):
    found = share(hits, of)
    assert (found.low, found.high) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))
    assert found.value == hits / of


def test_nothing_to_divide_by_is_no_share():
    assert share(0, 0).value is None
    assert spread([]).p95 is None


def test_median_and_percentile():
    found = spread([float(value) for value in range(1, 101)])
    assert (found.median, found.p95) == (50.5, pytest.approx(95.05))
    assert spread([7.0]) == spread([7.0, 7.0]).__class__(1, 7.0, 7.0)


def test_who_needed_a_person():
    rows = [row("a"), row("b"), row("b", "", route="human", reason="customer_request"), row("c"), row("d", "", route="human", reason="x")]
    found = figures(rows, [(NOW, "c"), (NOW, "b")], WEEK)
    assert (found.overall.alone.hits, found.overall.alone.of) == (1, 4)
    assert dict(found.reasons) == {"customer_request": 1, "x": 1, "taken_over": 1}  # b was asked for before somebody took it


def test_the_same_wish_twice_is_one_reason():
    rows = [row("b", "", route="human", reason="customer_request") for _ in range(3)]
    assert figures(rows, [], WEEK).reasons == (("customer_request", 1),)


def test_a_reply_that_a_person_cut_off_is_no_reason_of_its_own():
    assert figures([row("a", route="human", reason="with_person")], [(NOW, "a")], WEEK).reasons == (("taken_over", 1),)


def test_shares_have_their_own_wholes():
    rows = [row("a"), row("a", "", abstained=True), row("a", ""), row("a", rating=1), row("a", rating=-1), row("b", rating=1)]
    found = figures(rows, [], WEEK).overall
    assert (found.replies, found.conversations) == (6, 2)
    assert (found.abstained.hits, found.abstained.of) == (1, 5)  # small talk in its own words is no question
    assert (found.liked.hits, found.liked.of) == (2, 3)


def test_by_backend_and_adapter():
    rows = [
        row("a", "big", tokens=Tokens(100, 10), first_ms=100, total_ms=1000),
        row("b", "small", adapter="shop@1234", tokens=Tokens(50, 5), first_ms=10, total_ms=100),
        row("c", "small", adapter="shop@1234", tokens=Tokens(50, 5), first_ms=30, total_ms=5000, interrupted=True),
        row("c", "small", tokens=Tokens(1, 1)),
        row("c", "", first_ms=1, total_ms=1, route="human", reason="customer_request"),
    ]
    prices = {"big": 0.01, "small": 0.001}
    found = figures(rows, [], WEEK, lambda name, used: prices[name] * (used.prompt + used.completion))
    assert [(group.backend, group.adapter, group.replies) for group in found.groups] == [
        ("small", "shop@1234", 2),
        ("big", None, 1),
        ("small", None, 1),
    ]
    tuned = found.groups[0]
    assert (tuned.alone.hits, tuned.alone.of, tuned.tokens) == (1, 2, Tokens(100, 10))
    assert (tuned.first_ms.median, tuned.total_ms.median, tuned.total_ms.n) == (20, 100, 1)  # a reply that broke off has no whole time
    assert found.overall.cost == pytest.approx(1.1 + 0.11 + 0.002)
    assert found.overall.first_ms.n == 3  # its own sentences need no model


def test_every_day_has_its_place_also_an_empty_one():
    found = figures([row("a", hours=1), row("b", hours=30, abstained=True)], [(NOW - timedelta(hours=29), "b")], WEEK)
    assert [(slot.start.day, slot.conversations, slot.person, slot.abstained) for slot in found.slots] == [
        (4, 0, 0, 0),
        (5, 0, 0, 0),
        (6, 0, 0, 0),
        (7, 0, 0, 0),
        (8, 0, 0, 0),
        (9, 1, 1, 1),
        (10, 1, 0, 0),
    ]


def test_a_single_day_comes_in_hours():
    found = figures([row("a", hours=0.25)], [], period(1, NOW, UTC))
    assert len(found.slots) == 16
    assert found.slots[-1].replies == 1


def test_days_are_those_of_the_zone():
    shanghai = period(2, NOW, ZoneInfo("Asia/Shanghai"))
    assert shanghai.since.isoformat() == "2026-03-09T00:00:00+08:00"
    slots = figures([row("a", hours=0), row("b", hours=17)], [], period(2, NOW + timedelta(minutes=1), ZoneInfo("Asia/Shanghai"))).slots
    assert [slot.replies for slot in slots] == [0, 2]  # by UTC's days it were one each


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_a_day_on_which_the_clock_is_changed(day: tuple[int, int, int], hours: int):
    berlin = ZoneInfo("Europe/Berlin")
    assert len(list(period(1, datetime(*day, 23, 59, tzinfo=berlin), berlin).starts())) == hours
    starts = list(period(3, datetime(*day, 23, 59, tzinfo=berlin) + timedelta(days=1), berlin).starts())
    assert [start.hour for start in starts] == [0, 0, 0]


def test_a_period_that_cannot_be():
    with pytest.raises(ValueError, match="days is 0; allowed: 1 to 366"):
        period(0, NOW, UTC)


def test_rows_are_read_as_they_were_saved(engine: Engine, store: Store):
    def asked(text: str, conversation: str, **answer: object) -> str:
        received = store.receive(Request(text, conversation, f"customer-{conversation}"))
        return store.finish(Answer("an answer", conversation, received.message, **answer), {})  # type: ignore[arg-type]

    took = {"first_token": 12.5, "total": 80.0}
    reply = asked("how long?", "c1", backend="local", adapter="shop@12", tokens=Tokens(9, 4), latency_ms=took, interrupted=True)
    store.rate(reply, "customer-c1", -1, "wrong")
    asked("what?", "c2", abstained=True, reason="missing_knowledge", backend="extractive")
    asked("a person", "c2", route="human", reason="customer_request")
    store.hand_over("c2", "customer_request")
    since, until = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    first, second, third = sorted(outcomes(engine, since, until), key=lambda found: found.at)
    assert (first.backend, first.adapter, first.tokens, first.rating) == ("local", "shop@12", Tokens(9, 4), -1)
    assert (first.first_ms, first.total_ms, first.interrupted) == (12.5, 80.0, True)
    assert (second.abstained, second.backend, second.reason) == (True, "extractive", "missing_knowledge")
    assert (third.route, third.backend, third.adapter) == ("human", "", None)
    assert tally(engine, since, until) == Tally(questions=2, abstained=1, rated=1, down=1)
    assert len(waiting_since(engine)) == 1
    desk.take_over(engine, "c2", "anna", "Anna")
    assert [talk for _, talk in takeovers(engine, since, until)] == ["c2"]
    assert waiting_since(engine) == []
    with engine.begin() as connection:
        connection.execute(update(messages).values(at=since - timedelta(days=1)))
    assert outcomes(engine, since, until) == []
    assert tally(engine, since, until) == Tally()
