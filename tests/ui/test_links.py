import re

import pytest

from tests.ui.test_transcript import HOSTILE
from ui.links import linked

LINK = re.compile(r'<a href="(https?://[^"<>\s]+)" target="_blank" rel="noopener noreferrer nofollow">([^<>]+)</a>', re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("See https://shop.example/a?b=1&c=2#d.", ["https://shop.example/a?b=1&amp;c=2#d"]),
        ("(http://shop.example/x_(y)), then HTTPS://SHOP.EXAMPLE:8080!", ["http://shop.example/x_(y)", "HTTPS://SHOP.EXAMPLE:8080"]),
        ("请看https://shop.example/退货。谢谢", ["https://shop.example/"]),
        ("请看 https://shop.example/a，或者https://shop.example/b。", ["https://shop.example/a", "https://shop.example/b"]),
        ("<https://shop.example/a>", ["https://shop.example/a"]),
        ('https://shop.example/"onmouseover="alert(1)', ["https://shop.example/"]),
        ("https://shop.example/'onmouseover='alert(1)", ["https://shop.example/&#x27;onmouseover=&#x27;alert(1)"]),
        ("https://bank.example@evil.example/ https://bank.example:443@evil.example", []),
        ("javascript:alert(1) data:text/html,x ftp://a.example mailto:a@b.example //a.example https:// http://?", []),
        ("xhttp://a.example", []),
    ],
)
def test_web_addresses_alone_are_links(text: str, addresses: list[str]):
    html = linked(text)
    assert [href for href, _ in LINK.findall(html)] == addresses
    assert all(href == shown for href, shown in LINK.findall(html))
    assert not re.search('[<>"]', LINK.sub("", html))


@pytest.mark.parametrize("text", HOSTILE)
def test_everything_else_stays_text(text: str):
    assert not re.search('[<>"]', LINK.sub("", linked(text)))
