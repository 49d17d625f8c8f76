import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.figures import Figure, figures


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.12 kg", [Figure(1120, "mass")]),
        ("482 g", [Figure(482, "mass")]),
        ("1.38 千克", [Figure(1380, "mass")]),
        ("Up to 10 days, 22 hours", [Figure(240, "time"), Figure(22, "time")]),
        ("27-inch IPS, 2560 x 1440", [Figure(27, "inches"), Figure(2560, ""), Figure(1440, "")]),
        ("$1,299", [Figure(1299, "")]),
        ("1,149.00", [Figure(1149, "")]),
        ("1.149,00", [Figure(1149, "")]),
        ("18,90", [Figure(18.9, "")]),
        ("1 TB SSD", [Figure(1000, "data")]),
        ("3 movies", [Figure(3, "")]),
        ("Wi-Fi6", []),
    ],
)
def test_numbers_in_units_that_compare(text: str, found: list[Figure]):
    assert [Figure(round(one.value, 3), one.unit) for one in figures(text)] == found


@given(st.text(alphabet=st.characters() | st.sampled_from("0123456789.,gk克寸 "), max_size=40))
def test_any_text_is_read(text: str):
    assert all(one.value >= 0 for one in figures(text))
