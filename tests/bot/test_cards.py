"""Numbers of payment cards are masked whatever stands around them, and nothing else is."""

import pytest

from bot.personal.cards import masked


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I paid with 4111 1111 1111 1111 twice", "I paid with •••• •••• •••• 1111 twice"),
        ("4111 1111 1111 1111 12/26 123", "•••• •••• •••• 1111 12/26 123"),
        ("5555-5555-5555-4444, then 378282246310005.", "••••-••••-••••-4444, then •••••••••••0005."),
        ("3782 822463 10005", "•••• •••••• •0005"),
        ("请退款到4111111111111111，谢谢", "请退款到••••••••••••1111，谢谢"),
        ("卡号４１１１１１１１１１１１１１１１", "卡号••••••••••••１１１１"),
        ("4111\u00a01111\u00a01111\u00a01111 or 4111–1111–1111–1111", "••••\u00a0••••\u00a0••••\u00a01111 or ••••–••••–••••–1111"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "• • • • • • • • • • • • 1 1 1 1"),
        ("T2 4111 1111 1111 1111", "T2 •••• •••• •••• 1111"),
        ("for my order 4111 1111 1111 1111", "for my order •••• •••• •••• 1111"),
        ("6200 0000 0000 0000 000", "•••• •••• •••• •••0 000"),
    ],
)
def test_a_card_is_masked_but_for_its_last_four_digits(text: str, wanted: str):
    assert masked(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "my order is 4111111111111111",
        "订单号4111111111111111没到",
        "serial SN4111111111111111",
        "IMEI 356938035643809",
        "4111 1111 1111 1112",
        "call +86 138 0013 8000 about order 20240301123456",
        "IBAN DE89 3704 0044 0532 0130 00",
        "12 Baker Street, Apt. 4, London 10115",
        "1, 2, 3 and 4111",
        "",
    ],
)
def test_all_else_stays_as_it_is(text: str):
    assert masked(text) == text
