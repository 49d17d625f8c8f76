import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.language import detect, normalise


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I return it?", "en"),
        ("refund", "en"),
        ("运费多少钱？", "zh"),
        ("Product A 多少钱", "zh"),
        ("Nova S5 Pro Max 的电池能用多久", "zh"),
        ("The label says 退货 but I want to exchange the whole order", "en"),
        ("返品できますか", "other"),
        ("반품할 수 있나요", "other"),
        ("Как вернуть товар", "other"),
        ("wie kann ich das zurückgeben, und wo?", "other"),
        ("¿cuánto cuesta el envío para mi país?", "other"),
        ("123", None),
        ("E-07", None),
        ("?!", None),
        ("", None),
    ],
)
def test_language_of_a_message(text: str, language: str | None):
    assert detect(text) == language


def test_full_width_becomes_plain_and_control_characters_go():
    assert normalise("Ｎｏｖａ　Ｓ５") == "Nova S5"
    assert normalise("a\0b\u200bc\ud800d\te\nf") == "a b c d\te\nf"


@given(st.text())
def test_any_text_has_a_language_or_none_and_normalising_is_final(text: str):
    assert detect(text) in {"zh", "en", "other", None}
    clean = normalise(text)
    assert normalise(clean) == clean
    clean.encode()
