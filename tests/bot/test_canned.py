import pytest
from sqlalchemy import Engine

from bot.canned import Canned
from bot.errors import BadCanned

pytest_plugins = ("tests.databases",)


@pytest.fixture
def canned(engine: Engine) -> Canned:
    return Canned(engine)


def test_kept_found_changed_and_removed(canned: Canned):
    made = canned.add("en", " /greet ", " Hello! ", "anna")
    assert (made.shortcut, made.text) == ("greet", "Hello!")
    canned.add("zh", "退款", "五个工作日内到账。", "anna")
    canned.add("zh", "greet", "您好！", "anna")  # each language has its own
    assert canned.find("greet", "en") == canned.list("en")[0]
    assert [(reply.language, reply.shortcut) for reply in canned.list()] == [("en", "greet"), ("zh", "greet"), ("zh", "退款")]
    canned.edit(made.id, "en", "hi", "Hi!", "ben")
    assert [(reply.shortcut, reply.text, reply.author) for reply in canned.list("en")] == [("hi", "Hi!", "ben")]
    canned.remove(made.id)
    assert canned.list("en") == ()


@pytest.mark.parametrize(
    ("language", "shortcut", "text", "told"),
    [
        ("de", "x", "x", "en, zh"),
        ("en", "", "x", "1 to 32"),
        ("en", "two words", "x", "1 to 32"),
        ("en", "x" * 33, "x", "1 to 32"),
        ("en", "x", "  ", "0 characters; allowed: 1 to 4000"),
        ("en", "x", "x" * 4001, "4001 characters"),
        ("en", "x", "a\0b", "strip it"),
        ("en", "taken", "x", "already is"),
    ],
)
def test_what_cannot_be_kept(canned: Canned, language: str, shortcut: str, text: str, told: str):
    other = canned.add("en", "taken", "There.", "anna")
    with pytest.raises(BadCanned, match=told):
        canned.add(language, shortcut, text, "ben")
    mine = canned.add("en", "mine", "Here.", "ben")
    with pytest.raises(BadCanned, match=told):
        canned.edit(mine.id, language, shortcut, text, "ben")
    assert set(canned.list()) == {other, mine}


def test_what_is_gone_is_told(canned: Canned):
    for act in (lambda: canned.remove("no"), lambda: canned.edit("no", "en", "x", "x", "ben"), lambda: canned.find("no", "en")):
        with pytest.raises(BadCanned, match="there is no canned reply"):
            act()
