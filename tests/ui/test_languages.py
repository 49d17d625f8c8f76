import string
import tomllib
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

import bot
from bot.messages import Parts
from bot.own import OwnWords
from bot.prompts import build
from bot.turn import Rules
from ui.build import open_desk
from ui.languages import LANGUAGE_COOKIE, LANGUAGES, language_of, texts, with_suggestions
from ui.settings import load_settings
from ui.widget import _words

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


def test_a_shop_has_its_own_suggestions_in_the_languages_that_it_wrote_some_in():
    own = [f"Question {n}?" for n in range(6)]
    assert with_suggestions(texts("en"), "en", own).suggestions == tuple(own[:4])
    assert with_suggestions(texts("zh"), "zh", own) == texts("zh")
    assert with_suggestions(texts("zh"), "zh", [*own, "怎么退货？"]).suggestions == ("怎么退货？",)
    assert with_suggestions(texts("en"), "en", []) == texts("en")


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
    assert set().union(*(placeholders(line) for line in files["en"].values())) == {"shop", "contact", "limit", "question"}


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


def test_a_shop_without_a_name_is_called_nothing():
    assert [texts(language).titled("") for language in ("en", "zh")] == ["Customer support", "在线客服"]
    assert texts("en").titled("Lumen") == "Lumen support"
    told = {language: OwnWords(cast("Any", None), Rules()).reply(language, "greeting") for language in ("en", "zh")}
    assert told["en"].startswith("Hello, and welcome to our shop!")
    assert told["zh"].startswith("您好，欢迎光临本店！")
    for language in ("en", "zh"):
        prompt = build(Parts("Q?"), language=language, shop="", today=date(2026, 1, 2)).messages[0].text
        assert ("our shop" if language == "en" else "本店") in prompt
        assert _words(language, "").keys() == _words(language, "Lumen").keys() == {"title", "open", "close", "unread"}
        assert not any("{shop}" in text or "Lumen" in text for text in _words(language, "").values())
        assert "Lumen" in _words(language, "Lumen")["title"]


def test_the_sample_shops_name_stands_only_where_that_was_loaded(tmp_path: Path):
    for shop, name in (("", "TechCorp"), ("Lumen", "Lumen")):
        settings = load_settings(data_dir=tmp_path / (shop or "none"), shop_name=shop)
        desk = open_desk(settings)
        assert desk.settings.shop_name == shop
        desk.store.set_setting("sample", value=True)
        assert open_desk(settings).settings.shop_name == name
