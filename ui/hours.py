"""Office hours: whether somebody is at the desk now, and when somebody is there again."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"([a-z]{3})(?:\s*-\s*([a-z]{3}))?\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_FORM = 'allowed: parts such as "Mon-Fri 09:00-18:00; Sat 10:00-14:00", each day ending after it begins, at 24:00 at the latest'


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """spans: (day, from, to) with Monday as 0 and minutes of the day, in the office's own time. None at all: nothing is said of hours."""

    spans: tuple[tuple[int, int, int], ...]

    @classmethod
    def read(cls, text: str) -> "OfficeHours":
        """From the setting's text. Raises ValueError with what is allowed."""
        spans = [span for part in text.split(";") if part.strip() for span in _spans(part.strip())]
        return cls(tuple(sorted(spans)))

    def next_opening(self, now: datetime) -> datetime | None:
        """When somebody is there again; None where somebody is there now, or where nothing is said of hours.

        now: aware, in the office's zone; so is what comes back.
        """
        minute = now.hour * 60 + now.minute
        if not self.spans or any(day == now.weekday() and begins <= minute < ends for day, begins, ends in self.spans):
            return None
        ahead = ((day - now.weekday()) % 7 * 1440 + begins - minute for day, begins, _ in self.spans)
        wait = min(minutes if minutes > 0 else minutes + 7 * 1440 for minutes in ahead)
        day, begins = divmod(minute + wait, 1440)
        return datetime.combine(now.date() + timedelta(days=day), time(begins // 60, begins % 60), now.tzinfo)


def zone(name: str) -> ZoneInfo:
    """The time zone of a name. Raises ValueError for one that is not known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; allowed: names such as Europe/Berlin, Asia/Shanghai or UTC") from None


def _spans(part: str) -> list[tuple[int, int, int]]:
    found = _PART.fullmatch(part.lower())
    if found is None:
        raise ValueError(f"{part!r} is no office hours; {_FORM}")
    first, last = found[1], found[2] or found[1]
    begins, ends = int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])
    if first not in _DAYS or last not in _DAYS or not begins < ends <= 1440 or int(found[4]) > 59 or int(found[6]) > 59:
        raise ValueError(f"{part!r} is no office hours; {_FORM}")
    count = (_DAYS.index(last) - _DAYS.index(first)) % 7
    return [((_DAYS.index(first) + step) % 7, begins, ends) for step in range(count + 1)]
