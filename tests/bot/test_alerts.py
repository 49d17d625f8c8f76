from datetime import UTC, datetime, timedelta

import pytest

from bot.alerts import AlertLimits, Seen, alerts
from bot.outcomes import Tally

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LIMITS = AlertLimits(waiting_minutes=5, jump=0.1, least=20)


def kinds(**seen: object) -> list[str]:
    return [alert.kind for alert in alerts(Seen(NOW, **seen), LIMITS)]  # type: ignore[arg-type]


def test_nothing_is_wrong_where_nothing_happened():
    assert kinds() == []


@pytest.mark.parametrize(("minutes", "late"), [((4.9,), 0), ((5.0,), 0), ((5.1, 60, 1), 2)])
def test_who_waits_too_long_is_counted(minutes: tuple[float, ...], late: int):
    found = alerts(Seen(NOW, [NOW - timedelta(minutes=each) for each in minutes]), LIMITS)
    assert [(alert.kind, alert.n) for alert in found] == ([("waiting", late)] if late else [])


def test_a_backend_that_rests_is_named():
    (alert,) = alerts(Seen(NOW, resting=["big"]), LIMITS)
    assert (alert.kind, alert.n, alert.names) == ("resting", 1, ("big",))


@pytest.mark.parametrize(
    ("recent", "before", "jumped"),
    [
        ((100, 30), (700, 70), True),
        ((100, 10), (700, 70), False),
        ((100, 19), (700, 70), False),  # more than chance, but less than the limit
        ((20, 5), (700, 70), True),
        ((20, 4), (700, 70), False),  # over the limit, but it may be chance
        ((19, 19), (700, 70), False),
        ((100, 30), (19, 0), False),
        ((100, 5), (700, 350), False),  # it fell
    ],
)
def test_a_share_that_jumped(recent: tuple[int, int], before: tuple[int, int], jumped: bool):
    expected = ["abstained"] if jumped else []
    assert kinds(recent=Tally(*recent), before=Tally(*before)) == expected
    rated = {"recent": Tally(rated=recent[0], down=recent[1]), "before": Tally(rated=before[0], down=before[1])}
    assert kinds(**rated) == (["thumbs_down"] if jumped else [])


def test_the_most_urgent_comes_first():
    bad = {"recent": Tally(100, 50, 100, 50), "before": Tally(100, 5, 100, 5)}
    found = kinds(waiting=[NOW - timedelta(hours=1)], resting=["big"], **bad)
    assert found == ["waiting", "resting", "abstained", "thumbs_down"]
