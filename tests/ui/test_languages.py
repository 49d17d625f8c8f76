import string
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

import bot
from ui.languages import LANGUAGE_COOKIE, LANGUAGES, language_of, texts

REPLIES = Path(bot.__file__).parent / "templates"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def shapes(words: dict[str, object]) -> dict[str, object]:
    """What must be the same in every language: the keys, how many lines each has, and what is filled in."""
    return {key: len(value) if isinstance(value, (tuple, list)) else placeholders(str(value)) for key, value in words.items()}


def test_every_language_has_the_same_texts():
    english = shapes(asdict(texts("en")))
    assert len(english) > 30
    for language in LANGUAGES:
        assert shapes(asdict(texts(language))) == english
        for value in asdict(texts(language)).values():
            assert all(value if isinstance(value, tuple) else [value])


def test_there_are_four_suggestions():
    assert [len(texts(language).suggestions) for language in LANGUAGES] == [4, 4]


def test_the_bots_own_sentences_are_the_same_in_every_language():
    files = {name: tomllib.loads((REPLIES / f"replies.{name}.toml").read_text(encoding="utf-8")) for name in LANGUAGES}
    assert shapes(files["en"]) == shapes(files["zh"])
    assert set(files["en"]) >= {
        "greeting",
        "thanks",
        "goodbye",
        "dont_know",
        "handover",
        "handover_already",
        "clarify",
        "failed",
        "too_long",
    }
    assert set().union(*(placeholders(line) for line in files["en"].values())) == {"shop", "contact", "limit"}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-HK", "zh"),
        ("ZH", "zh"),
        ("en-GB,en;q=0.9", "en"),
        ("fr-FR,fr;q=0.9,zh;q=0.5,en;q=0.4", "zh"),
        ("en;q=0.5,zh;q=0.8", "zh"),
        ("fr", "en"),
        ("", "en"),
        ("zh;q=much,;;q=,", "en"),
    ],
)
def test_the_browser_says_the_first_language(accept: str, expected: str):
    assert language_of({}, accept) == expected


def test_the_visitors_choice_goes_before_the_browsers():
    assert language_of({LANGUAGE_COOKIE: "en"}, "zh-CN") == "en"
    assert language_of({LANGUAGE_COOKIE: "tlh"}, "zh-CN") == "zh"
