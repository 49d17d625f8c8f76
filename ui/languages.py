"""The texts people see, in each language, and which language a visitor gets."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from knowledge.language import detect

PageLanguage = Literal["en", "zh"]
LANGUAGES: tuple[PageLanguage, ...] = get_args(PageLanguage)
_SUGGESTIONS = 4
LANGUAGE_COOKIE = "answerdesk_language"  # set by the page when the visitor chooses; not secret, so readable by its script


@dataclass(frozen=True, slots=True)
class Texts:
    """Every text of the customer's page; `texts/<language>.toml` has one line for each field."""

    title: str
    title_plain: str
    status_ready: str
    status_waiting: str
    status_person: str
    other_language: str
    talk: str
    talk_request: str
    new_chat: str
    greeting_title: str
    greeting_text: str
    suggestions_label: str
    suggestions: tuple[str, ...]
    message_label: str
    placeholder: str
    send: str
    stop: str
    footnote: str
    log_label: str
    you: str
    assistant: str
    person: str
    typing: str
    latest: str
    sources: str
    source_n: str
    copy: str
    copied: str
    again: str
    helpful: str
    not_helpful: str
    rating_thanks: str
    why_title: str
    why_reasons: tuple[str, ...]
    why_label: str
    why_send: str
    why_close: str
    stopped: str
    waiting_title: str
    waiting_text: str
    waiting_contact: str
    waiting_away: str
    person_here: str
    person_left: str
    ask_bot: str
    closed: str
    unanswered: str
    try_again: str
    busy: str
    wait: str
    lost: str
    offline: str
    too_long: str
    products: str
    end: str
    score_title: str
    scores: tuple[str, ...]
    score_n: str
    score_why: str
    score_send: str
    score_thanks: str
    elsewhere: str
    elsewhere_said: str
    elsewhere_open: str
    data: str
    data_title: str
    data_text: str
    data_download: str
    data_erase: str
    data_sure_title: str
    data_sure_text: str
    data_sure: str
    data_keep: str
    data_close: str
    erased: str
    erase_failed: str

    def titled(self, shop: str) -> str:
        """The page's title. shop: its name, empty where it has none."""
        return self.title.format(shop=shop) if shop else self.title_plain


@cache
def texts(language: PageLanguage) -> Texts:
    """The texts of a language. Raises `ValueError` when its file lacks a line or has one too many."""
    path = Path(__file__).parent / "texts" / f"{language}.toml"
    lines = tomllib.loads(path.read_text(encoding="utf-8"))
    wanted = {field.name for field in fields(Texts)}
    if wanted != set(lines):
        raise ValueError(f"{path.name} lacks {sorted(wanted - set(lines))} and has unknown {sorted(set(lines) - wanted)}; correct the file")
    values: dict[str, Any] = {key: tuple(line) if isinstance(line, list) else line for key, line in lines.items()}
    return Texts(**values)


def with_suggestions(words: Texts, language: PageLanguage, questions: Sequence[str]) -> Texts:
    """The texts with the shop's own questions to begin with, as far as it has some in that language."""
    own = tuple(question for question in questions if (detect(question) == "zh") == (language == "zh"))
    return replace(words, suggestions=own[:_SUGGESTIONS]) if own else words


def language_of(cookies: Mapping[str, str], accept: str) -> PageLanguage:
    """The visitor's own choice, else the first language of the browser's Accept-Language that we speak, else English."""
    for language in LANGUAGES:
        if cookies.get(LANGUAGE_COOKIE) == language:
            return language
    ranked = []
    for position, entry in enumerate(accept.split(",")[:20]):
        tag, _, quality = entry.partition(";q=")
        try:
            ranked.append((-float(quality or 1), position, tag.strip().lower()[:2]))
        except ValueError:
            continue
    for _, _, tag in sorted(ranked):
        for language in LANGUAGES:
            if tag == language:
                return language
    return "en"


@cache
def page_texts(page: str, language: PageLanguage) -> Mapping[str, str]:
    """The texts of a page of the staff, by key: `texts/<page>.<language>.toml`. Every language has the same keys, which a test holds."""
    path = Path(__file__).parent / "texts" / f"{page}.{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))
