"""Markdown, plain text and HTML, in any encoding."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import LoadError
from knowledge.loaders.plain import parse_plain
from tests.knowledge.files import Load, only, parts


def test_markdown_headings_are_paths_and_the_first_h1_the_title(put: Load):
    text = (
        "---\ntitle: From the front\n---\nIntro.\n\n# Returns\n\nAll of it.\n\n## Window {#window}\n\n30 days.\n\n"
        "### 例外\n\n礼品卡不退。\n\n## Fees ##\n\nNone.\n"
    )
    assert only(put("a.md", text)).title == "Returns"
    assert parts(put("a.md", text)) == [
        ((), "Intro.", "text"),
        ((), "All of it.", "text"),
        (("Window",), "30 days.", "text"),
        (("Window", "例外"), "礼品卡不退。", "text"),
        (("Fees",), "None.", "text"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("return-window.md", "Text.", "Return window"),
        ("退货_政策.md", "文本。", "退货 政策"),
        ("a.md", '---\ntitle: "Shipping"\ntags: [x]\n---\nText.', "Shipping"),
        ("a.md", "+++\ntitle = '配送'\n+++\nText.", "配送"),
        ("a.md", "Underlined\n==========\n\nText.", "Underlined"),
        ("a.md", "# C# and **more**\n\nText.", "C# and more"),
        ("FAQ v2.txt", "Text.", "FAQ v2"),
    ],
)
def test_titles(put: Load, name: str, text: str, title: str):
    assert only(put(name, text)).title == title


def test_plain_text_has_headings_where_a_short_line_stands_above_prose_or_a_list(put: Load):
    text = "FREE SHIPPING\n\nFree over $50.\n\nGOLD MEMBERS\n\n- Always.\n\nDO I NEED A CODE?\n\nNo code\nis needed\n\nwhy\n"
    (document,) = put("free-shipping.txt", text)
    assert document.title == "Free shipping"
    assert [(section.heading, section.text) for section in document.sections] == [
        ((), "Free over $50."),
        (("GOLD MEMBERS",), "- Always."),
        (("DO I NEED A CODE?",), "No code\nis needed\n\nwhy"),
    ]
    assert only(put("a.txt", "退货须知\n\n期限\n\n收到后 7 天内可退。")).title == "退货须知"


@pytest.mark.parametrize(
    "text", ["Opening hours\n\nMon-Fri 9-17\n\nSat 10-14", "Dear Ann,\n\nwe write.\n\nBest regards\n\nBob", "a\nb\n\nc"]
)
def test_short_lines_of_plain_text_above_short_lines_are_its_text(put: Load, text: str):
    assert parts(put("a.txt", text)) == [((), text, "text")]


@given(st.lists(st.sampled_from(["", "A heading", "Some prose that ends.", "- item", "  two words", "长标题", "正文。"]), min_size=1))
def test_nothing_of_plain_text_is_lost(lines: list[str]):
    parsed = parse_plain("\n".join(lines))
    kept = [parsed.title, *(part for section in parsed.sections for part in (*section.heading, *section.text.split("\n")))]
    assert [line.strip() for line in kept if line.strip()] == [line.strip() for line in lines if line.strip()]


def test_a_question_in_bold_on_a_line_of_its_own_stands_over_its_answer(put: Load):
    faq = "## FAQ\n\n**It drops. Why?**\nRestart it.\n\n**怎么办？**\n\n重启。"
    text = f"# Wi-Fi\n\n{faq}\n\n## More\n\nSee **this?**\n**and this?** there."
    assert parts(put("a.md", text)) == [
        (("FAQ", "It drops. Why?"), "Restart it.", "text"),
        (("FAQ", "怎么办？"), "重启。", "text"),
        (("More",), "See this?\nand this? there.", "text"),
    ]
    assert parts(put("b.md", "A line\n**that goes on?**\nand ends")) == [((), "A line\nthat goes on?\nand ends", "text")]


def test_code_is_kept_and_a_hash_in_it_is_no_heading(put: Load):
    code = "```py\n# comment\n\n\n    x = **1**  \n```"
    tilde = "~~~~\n# other\n~~~\n```\n~~~~"
    text = f"# T\n\nRun:\n\n{code}\n\nthen\n\n{tilde}\n\n    # indented\n"
    assert parts(put("a.md", text)) == [((), f"Run:\n\n{code}\n\nthen\n\n{tilde}\n\n    # indented", "text")]


def test_a_fence_that_is_never_closed_keeps_its_text(put: Load):
    assert parts(put("a.md", "a\n```\n# b")) == [((), "a\n\n```\n# b", "text")]


def test_tables_become_readable_lines(put: Load):
    text = (
        "Prices:\n\n| Plan | Price<br>a month |\n|:---|---:|\n| Pro | $20 \\| €18 |\n| Free | |\n\n"
        "|套餐|价格|\n|-|-|\n|专业|20元|\n\na | b\n"
    )
    assert parts(put("a.md", text)) == [
        ((), "Prices:\n\nPlan: Pro; Price a month: $20 | €18\nPlan: Free\n\n套餐：专业；价格：20元\n\na | b", "text")
    ]


def test_inline_marks_are_read_as_a_reader_sees_them(put: Load):
    text = (
        "**Free** *returns*, see [the form](../form.md) or [our page](https://shop.example/r). ![photo](x.png) "
        "`a **b**` 2 * 3 * 4 &amp; 1\\.\n"
        "<!-- hidden\n# x --><details>open</details><br>next <order-id> snake_case_name\n\n:::note\nMind.\n:::\n"
    )
    assert parts(put("a.md", text)) == [
        (
            (),
            "Free returns, see the form or our page (https://shop.example/r). photo `a **b**` 2 * 3 * 4 & 1.\n"
            "open\nnext <order-id> snake_case_name\n\nMind.",
            "text",
        )
    ]


@pytest.mark.parametrize("hostile", ["**a ", "[" * 50, "<!--", "<a ", "# " + " " * 298, "|-" * 20, "`x", "\\", "![a](", "*a", "| "])
def test_patterns_stay_fast_on_hostile_text(put: Load, hostile: str):
    began = time.monotonic()
    put("a.md", "x|y\n" + hostile * (900_000 // len(hostile)))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"])
@pytest.mark.parametrize("text", ["您可以在收到商品后7天内退货，运费由我们承担。", "Returns 退货 are free within 30 days, 谢谢。"])
def test_chinese_in_any_usual_encoding(put: Load, text: str, encoding: str):
    assert parts(put("a.txt", text.encode(encoding))) == [((), text, "text")]


@pytest.mark.parametrize("text", ["Café réservé à l'été", "größere Geräte", "El señor Núñez llamará mañana. ¿Sí?", "Preis: 20 °C – „gut“"])
def test_western_text_in_its_old_encoding(put: Load, text: str):
    assert parts(put("a.txt", text.encode("cp1252"))) == [((), text, "text")]


def test_line_ends_and_stray_control_characters(put: Load):
    assert parts(put("a.txt", "one\r\ntwo\rthree\x00 " + "x" * 300)) == [((), "one\ntwo\nthree " + "x" * 300, "text")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (bytes(range(256)) * 20, "binary"),
        ("退货政策说明".encode()[:-1], "damaged at byte 15"),
        ("您好".encode("utf-16")[:-1], "utf-16 but is damaged"),
        (b"\x89PNG\r\n\x1a\n....", "PNG"),
        (b"PK\x03\x04....", "zip"),
        (b"%PDF-1.4 ...", "a PDF"),
        (b"\0\0\0\1\0\0\0\2", "binary"),
    ],
)
def test_never_mojibake(put: Load, data: bytes, says: str):
    with pytest.raises(LoadError, match=says):
        put("a.txt", data)


PAGE = """<!DOCTYPE html><html><head><title>Shop | Returns</title><style>p {}</style></head><body>
<nav><a href="/">Home</a><a href="/cart">Cart</a></nav><main><h1>Returns</h1>
<p>You can return <b>any</b> item within 30 days. <a href="/f">Form</a></p><h2>退款 &amp; 费用</h2><p>退款将在五个工作日内到账。</p>
<ul><li>one_a</li></ul><table><tr><th>Plan</th><th>Price</th></tr><tr><td>Pro</td><td>$2</td></tr></table>
<pre><code># no heading
x = 1</code></pre></main><script>alert(1)</script><footer>Imprint</footer></body></html>"""


def test_html_keeps_the_content_and_drops_the_frame(put: Load):
    assert only(put("a.html", PAGE)).title == "Returns"
    assert parts(put("a.htm", PAGE)) == [
        ((), "You can return any item within 30 days. Form", "text"),
        (("退款 & 费用",), "退款将在五个工作日内到账。\n\n- one_a\n\nPlan: Pro; Price: $2\n\n```\n# no heading\nx = 1\n```", "text"),
    ]


def test_html_in_the_encoding_it_declares(put: Load):
    document = only(
        put("a.html", '<html><head><meta charset="gbk"><title>退货</title></head><body><p>七天</p></body></html>'.encode("gbk"))
    )
    assert (document.title, document.sections[0].text) == ("退货", "七天")


def test_html_that_extraction_finds_little_in_is_read_whole(put: Load):
    answers = "".join(f"<div class='comment'><h3>Item {i}?</h3><span>Within {i} days.</span></div>" for i in range(20))
    text = "\n".join(section.text for section in only(put("a.html", f"<body>{answers}</body>")).sections)
    assert all(f"Within {i} days." in text for i in range(20))


def test_a_page_of_many_list_items_is_read_in_time(put: Load):
    assert only(put("a.html", "<body>" + "<li>Item number." * 10_000)).sections


@pytest.mark.parametrize("text", ["<div>" * 50_000 + "x", "<html></html>", "<script>x</script>", "<!ENTITY a 'b'>", "<" * 10_000])
def test_odd_html_loads_or_is_refused(put: Load, text: str):
    try:
        assert put("a.html", text)
    except LoadError as error:
        assert str(error)  # noqa: PT017  (either outcome is right)
