from datetime import datetime

import pytest

from ui.hours import OfficeHours, zone
from ui.settings import SettingsError, load_settings

WEEK = "Mon-Fri 09:00-18:00; Sat 10:00-14:00"
BERLIN = zone("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("now", "back"),
    [
        ("2026-11-25T09:00", None),  # a Wednesday
        ("2026-11-25T17:59", None),
        ("2026-11-25T08:59", "2026-11-25T09:00"),
        ("2026-11-25T18:00", "2026-11-26T09:00"),
        ("2026-11-27T20:00", "2026-11-28T10:00"),
        ("2026-11-28T14:00", "2026-11-30T09:00"),
        ("2026-12-31T23:59", "2027-01-01T09:00"),
        ("2026-10-24T20:00", "2026-10-26T09:00"),  # the clocks go back in between
    ],
)
def test_when_somebody_is_there_again(now: str, back: str | None):
    assert OfficeHours.read(WEEK).next_opening(at(now)) == (back and at(back))


def test_a_single_span_comes_again_in_a_week():
    hours = OfficeHours.read("Sun 00:00-24:00")
    assert hours.next_opening(at("2026-11-29T23:59")) is None
    assert hours.next_opening(at("2026-11-30T00:00")) == at("2026-12-06T00:00")


def test_days_may_go_over_the_weekend_and_nothing_is_said_without_hours():
    assert {day for day, _, _ in OfficeHours.read("Fri-Mon 08:00-9:30").spans} == {4, 5, 6, 0}
    assert OfficeHours.read(" ").next_opening(at("2026-11-29T03:00")) is None


@pytest.mark.parametrize("text", ["9-5", "Mon 18:00-09:00", "Mon 09:00-25:00", "Foo 09:00-10:00", "Mon 09:70-10:00", "Mon-Fri"])
def test_what_is_no_hours_is_refused_with_what_is_allowed(text: str):
    with pytest.raises(SettingsError, match="Mon-Fri 09:00-18:00"):
        load_settings(office_hours=text)


def test_a_zone_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="Asia/Shanghai"):
        load_settings(office_zone="Mars/Olympus")
