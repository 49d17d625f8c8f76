import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.personal.spans import Span, settled
from bot.redact import Pseudonyms, find, redact

ROWS = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/redaction_zh.py"))["rows"]


def _found(text: str, **options: object) -> list[tuple[str, str]]:
    return [(span.type, text[span.start : span.end]) for span in find(text, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("write to ann.lee+shop@mail.example.co.uk, please", "MAIL", "ann.lee+shop@mail.example.co.uk"),
        ("邮箱zhang_3@qq.com谢谢", "MAIL", "zhang_3@qq.com"),
        ("电话13812345678找我", "PHONE", "13812345678"),
        ("电话１３８１２３４５６７８找我", "PHONE", "１３８１２３４５６７８"),
        ("call me at (212) 555-0110 x12", "PHONE", "(212) 555-0110 x12"),
        ("座机021-65551234没人接", "PHONE", "021-65551234"),
        ("I paid with 4111 1111 1111 1111 twice", "CARD", "4111 1111 1111 1111"),
        ("卡号6222021234567890123扣款", "CARD", "6222021234567890123"),
        ("my IBAN is DE89 3704 0044 0532 0130 00", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("身份证11010519491231002X是我的", "NATIONAL_ID", "11010519491231002X"),
        ("SSN 536-22-1234", "NATIONAL_ID", "536-22-1234"),
        ("from 192.168.12.7 yesterday", "IP", "192.168.12.7"),
        ("from 2001:db8:85a3::8a2e:370:7334 yesterday", "IP", "2001:db8:85a3::8a2e:370:7334"),
        ("log in at https://ann:pw1@shop.example/a?b=c.", "URL", "https://ann:pw1@shop.example/a?b=c"),
        ("护照号E12345678", "ID", "E12345678"),
        ("she was born on 2/16/1942", "BIRTH_DATE", "2/16/1942"),
        ("生日1990年3月5日", "BIRTH_DATE", "1990年3月5日"),
        ("my password is hunter2", "SECRET", "hunter2"),
        ("My name is Mark Baker", "NAME", "Mark Baker"),
        ("please ask Dr. Wells about it", "NAME", "Wells"),
        ("我叫欧阳娜娜，想退货", "NAME", "欧阳娜娜"),
        ("麻烦让陈建国签收", "NAME", "陈建国"),
        ("李女士您好", "NAME", "李"),
        ("I moved here from Portugal", "PLACE", "Portugal"),
        ("It left our Chicago warehouse today", "PLACE", "Chicago"),
        ("广州发货吗", "PLACE", "广州"),
        ("Send it to 12 Baker Street, Apt. 4, London 10115 please", "ADDRESS", "12 Baker Street, Apt. 4, London 10115"),
        ("住在上海市浦东新区张江路100号3栋502室，谢谢", "ADDRESS", "上海市浦东新区张江路100号3栋502室"),
    ],
)
def test_what_is_personal_is_found_whole(text: str, kind: str, what: str):
    assert (kind, what) in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "It costs $1,299.00, or 1 299 EUR, and 20 % less from 3 pieces on.",
        "Model KT-2400, SKU 4006381333931, firmware 1.2.3.4, 1920x1080 at 144 Hz",
        "The warranty is 24 months from 2024-03-01. Can I return it in May?",
        "Open 9:00-18:00, Monday to Friday. How do I reset my password?",
        "Does Windows 11 work on it? I use an iPhone 15 Pro and Wi-Fi 6.",
        "这款水壶1.7升，功率1850瓦，售价129元，型号KT-2400",
        "已退到尾号8821的卡，3到5天到账，订单金额1,299.00元",
        "黄色的有货吗？马上发货吗？我是会员，给我看看",
        "CAN I SPEAK TO SOMEBODY ABOUT MY ORDER?!",
    ],
)
def test_what_is_not_personal_stays(text: str):
    assert redact(text).text == text


def test_one_thing_has_one_pseudonym_all_through():
    text = "Anna Baker (anna@b.example) wrote. Ms Baker lives in Portugal; anna@b.example. Not Tom Hill."
    assert redact(text).text == "[NAME_1] ([MAIL_1]) wrote. Ms [NAME_1] lives in [PLACE_1]; [MAIL_1]. Not [NAME_2]."
    shared = Pseudonyms()
    assert redact("mail me: a@b.example", pseudonyms=shared).text == "mail me: [MAIL_1]"
    assert redact("c@d.example or A@B.example", pseudonyms=shared).text == "[MAIL_2] or [MAIL_1]"


def test_order_numbers_are_kept_or_masked():
    text = "My order #20241105123 and 订单202411051234567还没到"
    assert redact(text).text == text
    assert redact(text, orders="mask").text == "My order #[ORDER_1] and 订单[ORDER_2]还没到"


def test_kept_names_are_not_personal():
    text = "The Lumo Kettle is sold by help@lumo.example"
    assert redact(text).text == "The [NAME_1] Kettle is sold by [MAIL_1]"
    assert redact(text, keep=("Lumo Kettle", "help@lumo.example")).text == text


def test_generated_chinese_rows_are_covered():
    marked: dict[str, list[int]] = {}
    ours = right = 0
    for row in ROWS(96):
        text, spans = row["text"], find(row["text"])
        hit = {at for span in spans for at in range(span.start, span.end)}
        held = {at for mark in row["spans"] for at in range(mark["start"], mark["end"])}
        ours, right = ours + len(hit), right + len(hit & held)
        for mark in row["spans"]:
            marked.setdefault(mark["type"], []).extend(at in hit for at in range(mark["start"], mark["end"]))
        assert all(0 <= span.start < span.end <= len(text) for span in spans)
    recall = {kind: sum(hits) / len(hits) for kind, hits in marked.items()}
    loose = {"NAME", "PLACE", "ADDRESS"}
    assert min(share for kind, share in recall.items() if kind not in loose) >= 0.99, recall
    assert min(recall[kind] for kind in loose) >= 0.9, recall
    assert right / ours >= 0.9


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_spans_are_in_order_apart_and_inside(text: str):
    spans = find(text, orders="mask")
    places = [0, *(place for span in spans for place in (span.start, span.end)), len(text)]
    assert places == sorted(places)
    assert all(span.start < span.end for span in spans)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8))
def test_settled_spans_cover_the_same_characters_once(pairs: list[tuple[int, int]]):
    spans = [Span(min(pair), max(pair), "NAME") for pair in pairs]
    covered = sorted(at for span in settled(spans, 30) for at in range(span.start, span.end))
    assert covered == sorted({at for span in spans for at in range(span.start, span.end)})


@pytest.mark.parametrize(
    "piece", ["a@", "1 ", "12-", "+1-", "card 4 ", "Anna ", "Ann's ", ":a", "王", "路号市区", "1号", "先生", "地址:", "(", "GB12 "]
)
def test_time_grows_with_the_length_alone(piece: str):
    """A pattern that tries every pair of places would need hours for this."""
    redact(piece * (60_000 // len(piece)))
