"""Numbers and days as people of a language write them."""

from datetime import date

from ui.languages import PageLanguage, page_texts

_STEPS: dict[PageLanguage, tuple[tuple[float, str], ...]] = {"en": ((1e6, "M"), (1e4, "k")), "zh": ((1e8, "亿"), (1e4, "万"))}
_UNITS = {"M": 1e6, "k": 1e3, "亿": 1e8, "万": 1e4}


def percent(share: float | None) -> str:
    """A share of 0..1; a dash where there is none."""
    return "—" if share is None else f"{100 * share:.0f}%"


def short(n: int, language: PageLanguage) -> str:
    """A count in few letters: 9,999, 22.6k, 1.2M; 9,999, 2.3万, 1.2亿."""
    for least, unit in _STEPS[language]:
        if n >= least:
            return f"{n / _UNITS[unit]:.1f}{unit}"
    return f"{n:,}"


def day(when: date, language: PageLanguage) -> str:
    """A day of this year: 23 Nov; 11月23日."""
    words = page_texts("desk", language)
    return words["day_of"].format(month=words["months"].split()[when.month - 1], day=when.day)
