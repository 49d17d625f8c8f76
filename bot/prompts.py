"""The words the bot is given and the words it says by itself: versioned templates, filled with values and never with code."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from string import Template

from bot.messages import Cot, Example, Message, Parts, Prompt
from bot.wording import Wording, blanks, named, shipped
from knowledge.documents import Language, Passage

_LANGUAGES: tuple[Language, ...] = ("en", "zh")
_BLOCK = re.compile(r"[<＜﹤](?=\s*[/／]?\s*(?:passages|known|earlier|examples|reasoning|资料|已知|此前|示例))", re.IGNORECASE)
_TAGS = {
    "en": {"passages": "passages", "facts": "known", "summary": "earlier", "examples": "examples"},
    "zh": {"passages": "资料", "facts": "已知", "summary": "此前", "examples": "示例"},
}


@dataclass(frozen=True, slots=True)
class Texts:
    """One language's own sentences: what the bot says without a model, and what stands around the parts of a prompt."""

    replies: Mapping[str, str]
    known: Mapping[str, str]
    tags: Mapping[str, str]

    def reply(self, key: str, **values: object) -> str:
        """One of the bot's own sentences. Raises `KeyError` for a key that replies.*.toml does not have."""
        return self.replies[key].format(**values)


@lru_cache(maxsize=4)
def texts(language: Language) -> Texts:
    """The sentences of a language; a customer of a third language is served in English."""
    code = "zh" if language == "zh" else "en"
    folder = resources.files("bot").joinpath("templates")
    replies, known = (tomllib.loads(folder.joinpath(f"{name}.{code}.toml").read_text("utf-8")) for name in ("replies", "known"))
    return Texts(replies, known, _TAGS[code])


def offers_person(said: str) -> bool:
    """Whether the bot's own words `said` end by offering a person, so that a yes to them is a wish for one."""
    return any(said == texts(language).reply("dont_know") for language in _LANGUAGES)


def build(parts: Parts, *, language: Language, shop: str, today: date, wording: Wording | None = None, cot: Cot = "off") -> Prompt:
    """The very messages a turn sends: system with the passages and what is known from before, what was said, and the question.

    The most relevant passages stand at the ends of the list, not in its middle (Liu et al. 2023, "Lost in the middle"). Examples are
    earlier exchanges, the most fitting last, or stand in the system message: where the template has a place for them, and where the
    model shall reason without having been shown how. With `cot` the reply is to begin with a marked section of reasoning.
    """
    wording, own = wording or shipped(language), texts(language)
    has = blanks(wording.system, "system")
    inside = "examples" in has or cot == "zero"
    values = {
        "shop": named(shop, language),
        "today": today.isoformat(),
        "passages": "\n\n".join(f"[{n}] {_inert(passage.chunk.titled)}" for n, passage in enumerate(_ends_first(parts.passages), 1)) or "-",
        "facts": _block("facts", "\n".join(f"- {fact}" for fact in parts.facts), own),
        "summary": _block("summary", parts.summary, own),
        "examples": _block("examples", "\n\n".join(_told(example, own) for example in parts.examples), own) if inside else "",
        "reasoning": "" if cot == "off" else f"\n{own.known['zero' if cot == 'zero' else 'few']}\n",
        "question": parts.question,
    }
    system = Template(wording.system).substitute(values)
    system += "".join(values[part] for part in ("facts", "summary", "examples", "reasoning") if part not in has)
    exchanges: tuple[Message, ...] = ()
    if parts.examples and not inside:
        exchanges = tuple(line for example in reversed(parts.examples) for line in _exchange(example, own, reasoned=cot != "off"))
        system += f"\n{Template(own.known['exchanges']).substitute(count=len(parts.examples))}\n"
    messages = (Message("system", system), *exchanges, *parts.history, Message("customer", Template(wording.user).substitute(values)))
    return Prompt(messages, parts.question, parts.passages, language, wording.id, reasoned=cot != "off")


def _block(key: str, text: str, own: Texts) -> str:
    """What is known from before, under its heading and between marks of its own; nothing where nothing is known."""
    return f"\n{own.known[key]}\n<{own.tags[key]}>\n{_inert(text)}\n</{own.tags[key]}>\n" if text else ""


def _told(example: Example, own: Texts) -> str:
    """An example as it stands in the system message."""
    lines = {"question": example.question, "evidence": example.evidence, "answer": example.answer}
    return "\n".join(f"{own.known[name]}: {text}" for name, text in lines.items() if text)


def _exchange(example: Example, own: Texts, *, reasoned: bool) -> tuple[Message, Message]:
    """An example as a question and the reply to it."""
    tag = own.tags["passages"]
    evidence = f"\n<{tag}>\n{_inert(example.evidence)}\n</{tag}>" if example.evidence else ""
    thought = f"<reasoning>{_inert(example.reasoning)}</reasoning>\n" if reasoned and example.reasoning else ""
    return Message("customer", f"{example.question}{evidence}"), Message("bot", f"{thought}{example.answer}")


def _ends_first(passages: Sequence[Passage]) -> list[Passage]:
    """Best, third, fifth ... sixth, fourth, second."""
    return [*passages[::2], *reversed(passages[1::2])]


def _inert(text: str) -> str:
    """Retrieved text can neither close nor open the block that it stands in."""
    return _BLOCK.sub("‹", text)
