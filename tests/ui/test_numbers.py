from datetime import date

import pytest

from ui.languages import PageLanguage
from ui.numbers import day, percent, short


@pytest.mark.parametrize(
    ("n", "language", "said"),
    [
        (0, "en", "0"),
        (9999, "en", "9,999"),
        (22_600, "en", "22.6k"),
        (1_250_000, "en", "1.2M"),
        (22_600, "zh", "2.3万"),
        (300_000_000, "zh", "3.0亿"),
    ],
)
def test_counts_in_few_letters(n: int, language: PageLanguage, said: str):
    assert short(n, language) == said


def test_shares_and_days():
    assert (percent(0.804), percent(None)) == ("80%", "—")
    assert (day(date(2026, 11, 3), "en"), day(date(2026, 11, 3), "zh")) == ("3 Nov", "11月3日")
