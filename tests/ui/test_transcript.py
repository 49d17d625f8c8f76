import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from bot.messages import Answer, Citation
from bot.records import Line
from ui import transcript
from ui.languages import texts
from ui.markdown import plain, to_html
from ui.transcript import Standing

WORDS = texts("en")
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
HARMLESS = re.compile(
    "section|article|div|span|p|h[234]|[uo]l|li|strong|em|code|pre|hr|br|table|thead|tbody|t[rhd]|blockquote|"
    "details|summary|mark|form|button|label|input|i|time"
)
KNOWN = re.compile(
    "class|role|tabindex|title|type|id|for|hidden|maxlength|autocomplete|datetime|aria-(label|hidden|pressed|labelledby)|data-[a-z]+"
)
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'><iframe src=//evil.example>",
    "![x](http://evil.example/p.png)",
    "![x][r]\n\n[r]: http://evil.example/p.png",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<http://evil.example>",
    "[link](http://evil.example 'onmouseover=alert(1)')",
    '```"onmouseover=alert(1)\n</code><img src=x onerror=alert(1)>\n```',
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "<a href=http://evil.example>x</a>",
    "<style>*{display:none}</style>",
    "<base href=http://evil.example>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\ue000\ue001<b>",
    "{{constructor}} ${alert(1)} `x`",
    "<!--><img src=x onerror=alert(1)>-->",
    "<p style=background:url(http://evil.example)>",
]


class Tags(HTMLParser):
    """Fails on any tag or attribute the page does not make itself."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":  # of what a person wrote
            assert dict(attrs) == {"href": dict(attrs)["href"], "target": "_blank", "rel": "noopener noreferrer nofollow"}
            assert re.match("https?://", dict(attrs)["href"] or "")
            return
        assert HARMLESS.fullmatch(tag), tag
        for name, _ in attrs:
            assert KNOWN.fullmatch(name), (tag, name)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def check(html: str) -> None:
    parser = Tags()
    parser.feed(html)
    parser.close()


def bot_line(**more: object) -> Line:
    answer = Answer("Yes.", "c", "m1", **more)  # type: ignore[arg-type]
    return Line("r1", "bot", answer.text, NOW, answer)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_others_wrote_becomes_html(text: str):
    citation = Citation(text, text, text, f"before {text} after", 1.0, text)
    answer = Answer(f"{text}\n\n{text}", "c", text, (citation,), abstained=True, suggestions=(text,), interrupted=True)
    lines = [
        Line(text, "customer", text, NOW),
        Line(text, "bot", answer.text, NOW, answer, -1),
        Line(text, "agent", text, NOW),
        Line("last", "bot", answer.text, NOW, answer),
    ]
    shown = transcript.items(lines, Standing("waiting", contact=text), WORDS)
    shown += [transcript.partial(text, text, WORDS), transcript.unanswered(text, WORDS)]
    shown += [transcript.waiting(NOW, Standing(contact=text), WORDS)]
    for item in shown:
        check(item["html"])


@pytest.mark.parametrize("text", HOSTILE)
def test_every_cut_of_a_stream_is_harmless(text: str):
    for end in range(len(text)):
        check(to_html(text[:end], {}))


def test_markdown_is_set_and_links_are_to_read_not_to_follow():
    html = to_html("**bold**\n- one\n- two\n\n# Title\n[terms](https://shop.example/t) and ![logo](http://x/y.png)", {})
    for part in ("<strong>bold</strong>", "<li>one</li>", "<h4>Title</h4>", "terms (https://shop.example/t)", "and logo"):
        assert part in html


def test_a_persons_links_are_to_follow_and_nobody_elses():
    said = "See https://shop.example/a"
    lines = [
        Line("m", "customer", said, NOW),
        Line("l", "agent", said, NOW, author="Mei"),
        Line("b", "bot", said, NOW, Answer(said, "c", "m")),
    ]
    links = {item["key"]: item["html"].count('<a href="https://shop.example/a"') for item in transcript.items(lines, Standing(), WORDS)}
    assert (links["q:m"], links["l:l"], links["a:m"]) == (0, 1, 0)


def test_rows_of_a_table_are_shown_as_one():
    told = "Three ways:\nMethod: Express; Price: $14 | up; Time: 1 day\nMethod: Standard; Time: 5 days\nAsk us."
    html = to_html(told, {told.index("\nAsk"): 2})
    assert re.findall(r"<th>(.*?)</th>", html) == ["Method", "Price", "Time"]
    cells = re.findall(r"<td>(.*?)</td>", html)
    assert cells[:5] == ["Express", "$14 | up", "1 day", "Standard", ""]
    assert cells[5].startswith("5 days")
    assert 'data-source="2"' in cells[5]
    assert "<p>Three ways:</p>" in html
    assert "<p>Ask us.</p>" in html
    for text in (
        "Method: Express; Price: $14",
        "One: a; two\nOne: b; three",
        "Name: a\nName: b",
        told[:40],
        "- A: 1; B: 2\n- A: 3; B: 4",
        "```\na: 1; b: 2\na: 3; b: 4\n```",
    ):
        assert "<table>" not in to_html(text, {})


def test_a_sentence_taken_word_for_word_carries_the_number_of_its_source():
    quote = "Returns take 30 days."
    line = Line(
        "r",
        "bot",
        "",
        NOW,
        Answer(f"Yes. {quote}", "c", "m", (Citation("1", "a.md", "", "Nothing.", 0.5), Citation("2", "b.md", "B", quote, 1, quote))),
    )
    html = transcript.reply(line, WORDS, last=True)["html"]
    assert f'{quote}\u2060<span class="mark" role="button" tabindex="0" data-source="2">2</span>' in html


def test_the_cited_sentence_is_marked_whatever_the_line_breaks():
    assert (
        transcript.highlighted("a < b.\nIt is\n  5 & more. End", "It is 5 & more.") == "a &lt; b.\n<mark>It is\n  5 &amp; more.</mark> End"
    )
    assert transcript.highlighted("a < b", "not there") == "a &lt; b"
    assert transcript.highlighted("a < b", "") == "a &lt; b"


def test_sources_are_numbered_and_closed_and_say_where_they_are_from():
    citations = (
        Citation("1", "returns/window.md", "Return window", "30 days.", 0.9, "30 days."),
        Citation("2", "faq.md", "", "Ask us.", 0.5),
        Citation("3", "talks.csv", "talks.csv", "Ask them.", 0.5),  # as an approved answer's
    )
    html = transcript.reply(bot_line(citations=citations), WORDS, last=True)["html"]
    assert html.count("<details data-number=") == 3
    assert "<details open" not in html
    assert "Return window" in html
    assert "returns/window.md" in html
    assert html.count("faq.md") == html.count("talks.csv") == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("**Returns** are easy:\n\n1. You can return `it`.\n- Pack it.", "Returns are easy: 1. You can return it. Pack it."),
        ("# Title\n> said", "Title said"),
        ("2 * 3 ** 4 and a_b__c", "2 * 3 ** 4 and a_b__c"),
    ],
)
def test_a_list_shows_a_reply_without_its_marks(said: str, shown: str):
    assert plain(said) == shown


def test_an_answer_that_was_not_found_offers_a_person_once():
    html = transcript.reply(bot_line(abstained=True), WORDS, last=True)["html"]
    assert f'data-ask="{WORDS.talk_request}"' in html
    assert "data-ask" not in transcript.reply(bot_line(abstained=True), WORDS, last=False)["html"]


@pytest.mark.parametrize("state", ["bot", "closed", "waiting", "agent"])
def test_nobody_who_waits_for_a_person_or_has_one_is_offered_one(state: Any):
    lines = [Line("m1", "customer", "Hello?", NOW), bot_line(abstained=True, suggestions=("And now?",))]
    shown = "".join(item["html"] for item in transcript.items(lines, Standing(state), WORDS))
    assert (f'data-ask="{WORDS.talk_request}"' in shown) == (state in {"bot", "closed"})
    assert 'data-ask="And now?"' in shown


def test_what_was_cut_short_says_so():
    assert WORDS.stopped in transcript.reply(bot_line(interrupted=True), WORDS, last=True)["html"]
    assert WORDS.stopped not in transcript.reply(bot_line(), WORDS, last=True)["html"]


def test_a_message_without_a_reply_can_be_tried_again_unless_a_person_has_it():
    lines = [Line("m1", "customer", "Hello?", NOW)]
    assert 'data-retry="m1"' in transcript.items(lines, Standing("bot"), WORDS)[-1]["html"]
    assert "data-retry" not in transcript.items(lines, Standing("waiting"), WORDS)[-1]["html"]
    assert transcript.items(lines, Standing("bot"), WORDS, answering=transcript.typing("m1", WORDS))[-1]["key"] == "a:m1"


def test_waiting_says_since_when_and_where_else_to_turn():
    lines = [Line("m1", "customer", "A person!", NOW), bot_line(route="human")]
    shown = transcript.items(lines, Standing("waiting", contact="+1 555"), WORDS)[-1]
    assert shown["key"] == "waiting"
    assert 'datetime="2026-01-02T03:04:00+00:00"' in shown["html"]
    assert "+1 555" in shown["html"]
    assert transcript.items(lines, Standing("bot", contact="+1 555"), WORDS)[-1]["key"] == "a:m1"


def test_the_suggestions_are_there_until_something_was_said():
    assert transcript.items([], Standing("bot"), WORDS)[0]["html"].count("data-ask") == 4
    assert "data-ask" not in transcript.items([Line("m", "customer", "Hi", NOW)], Standing("bot"), WORDS)[0]["html"]
