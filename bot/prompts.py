"""The words the bot is given and the words it says by itself: versioned templates in files, filled with values and never with code."""

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from string import Template

from bot.messages import Message, Parts, Prompt
from knowledge.documents import Language, Passage

_LANGUAGES: tuple[Language, ...] = ("en", "zh")
_BLOCK = re.compile(r"[<＜﹤](?=\s*[/／]?\s*(?:passages|known|earlier|资料|已知|此前))", re.IGNORECASE)
_TAGS = {"en": {"facts": "known", "summary": "earlier"}, "zh": {"facts": "已知", "summary": "此前"}}


@dataclass(frozen=True, slots=True)
class Texts:
    """One language's templates. version: the first letters of the hash of the system template, saved with every answer made by it."""

    system: str
    replies: dict[str, str]
    known: dict[str, str]
    version: str

    def reply(self, key: str, **values: object) -> str:
        """One of the bot's own sentences. Raises `KeyError` for a key that replies.*.toml does not have."""
        return self.replies[key].format(**values)


@lru_cache(maxsize=4)
def texts(language: Language) -> Texts:
    """The templates for a language; a customer of a third language is served in English."""
    code = "zh" if language == "zh" else "en"
    folder = resources.files("bot").joinpath("templates")
    system = folder.joinpath(f"system.{code}.txt").read_text("utf-8")
    replies, known = (tomllib.loads(folder.joinpath(f"{name}.{code}.toml").read_text("utf-8")) for name in ("replies", "known"))
    return Texts(system, replies, known, f"system.{code}@{hashlib.sha256(system.encode()).hexdigest()[:10]}")


def offers_person(said: str) -> bool:
    """Whether the bot's own words `said` end by offering a person, so that a yes to them is a wish for one."""
    return any(said == texts(language).reply("dont_know") for language in _LANGUAGES)


def build(parts: Parts, *, language: Language, shop: str, today: date) -> Prompt:
    """The very messages a turn sends: system with the passages and what is known from before, what was said, and the question.

    The most relevant passages stand at the ends of the list, not in its middle (Liu et al. 2023, "Lost in the middle").
    """
    templates = texts(language)
    numbered = "\n\n".join(f"[{n}] {_inert(passage.chunk.titled)}" for n, passage in enumerate(_ends_first(parts.passages), 1))
    system = Template(templates.system).substitute(shop=shop, today=today.isoformat(), passages=numbered or "-")
    system += _block("facts", "\n".join(f"- {fact}" for fact in parts.facts), language) + _block("summary", parts.summary, language)
    messages = (Message("system", system), *parts.history, Message("customer", parts.question))
    return Prompt(messages, parts.question, parts.passages, language, templates.version)


def _block(key: str, text: str, language: Language) -> str:
    """What is known from before, under its heading and between marks of its own; nothing where nothing is known."""
    tag = _TAGS["zh" if language == "zh" else "en"][key]
    return f"\n{texts(language).known[key]}\n<{tag}>\n{_inert(text)}\n</{tag}>\n" if text else ""


def _ends_first(passages: Sequence[Passage]) -> list[Passage]:
    """Best, third, fifth ... sixth, fourth, second."""
    return [*passages[::2], *reversed(passages[1::2])]


def _inert(text: str) -> str:
    """Retrieved text can neither close nor open the block that it stands in."""
    return _BLOCK.sub("‹", text)
