"""What a reply must not hold: another language than the customer's, the bot's own instructions, personal data that nobody here gave."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from bot.personal.patterns import structured
from bot.personal.spans import settled
from knowledge.documents import Language, Passage
from knowledge.language import CJK, detect, normalise

Fault = Literal["language", "prompt_leak", "foreign_data"]
_LONG = 20  # characters from which a reply's language can be told
_RUN = 10  # words, a Chinese character being one, that only somebody who reads the instructions out has in common with them
_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
_PERSONAL = ("MAIL", "PHONE", "CARD", "IBAN", "NATIONAL_ID", "ID", "ACCOUNT", "ORDER")


def faults(reply: str, language: Language, instructions: str, known: Sequence[str]) -> tuple[Fault, ...]:
    """What is wrong with a reply, in the order of the module's first line.

    instructions: the system message without the evidence. known: what may be repeated: the evidence, the customer's words and facts.
    """
    spoken = detect(reply) if len(reply) >= _LONG else None
    found: tuple[tuple[bool, Fault], ...] = (
        ("other" not in (language, spoken or "other") and spoken != language, "language"),
        (leaks(reply, instructions, known), "prompt_leak"),
        (bool(foreign(reply, known)), "foreign_data"),
    )
    return tuple(fault for holds, fault in found if holds)


def leaks(reply: str, instructions: str, known: Sequence[str]) -> bool:
    """Whether the reply reads out the bot's instructions: a run of words of theirs that stands nowhere else."""
    read_out = _runs(reply) & _runs(instructions)
    return bool(read_out and read_out - {run for text in known for run in _runs(text)})


def foreign(reply: str, known: Sequence[str]) -> tuple[str, ...]:
    """Mail addresses, numbers and papers in the reply that nobody here gave, as they are written."""
    spans = [span for span in settled(structured(reply), len(reply)) if span.type in _PERSONAL]
    if not spans:
        return ()
    given = _joined(" ".join(known))
    return tuple(dict.fromkeys(text for span in spans if _joined(text := reply[span.start : span.end]) not in given))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _TOKEN.findall(normalise(text).lower())
    return {tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}


def _joined(text: str) -> str:
    return re.sub(r"[\s()./-]+", "", normalise(text)).lower()


_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules|guidelines|messages?|above|previous|prior)\b"
    r"|\b(?:system prompt|developer message|jailbreak|prompt injection)\b"
    r"|\b(?:as|you are) (?:now )?(?:an? )?(?:ai|assistant|chatbot|language model|bot)\b"
    r"|\b(?:ai|assistant|chatbot|model|bot)[,:] (?:please |you )?(?:reply|respond|answer|say|output|print|write|tell|do|must|should)\b"
    r"|\b(?:reply|respond|answer) (?:only |exactly )?(?:with|by saying)\b"
    r"|\b(?:say|output|print|repeat|write|include) (?:exactly|only|the (?:following|word|phrase|text))\b"
    r"|(?:忽略|无视|忘记|不要理会).{0,12}(?:指令|指示|提示|规则|要求|内容|以上|之前)|系统提示词?|(?:请|必须|只能?)(?:回复|回答|输出|说)[:：“\"「]|你(?:现在)?是(?:一个)?(?:AI|人工智能|助手|机器人)",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)  # the same passages are found again and again
def _orders(sentence: str) -> bool:
    return _ORDERS.search(normalise(sentence)) is not None


def disarmed(passage: Passage) -> Passage:
    """The passage without sentences that speak to the bot instead of to its readers: documents are evidence, and give no orders."""
    chunk = passage.chunk
    kept = tuple(sentence for sentence in chunk.sentences if not _orders(sentence))
    if len(kept) == len(chunk.sentences):
        return passage
    text = chunk.text
    for sentence in chunk.sentences:
        if sentence not in kept:
            text = text.replace(sentence, " ")
    units = tuple(unit for unit in passage.units if unit.text in kept)
    return replace(passage, chunk=replace(chunk, text=text, sentences=kept), units=units)
