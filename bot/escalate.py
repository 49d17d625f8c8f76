"""When the bot should not just answer: a calm hand-over with its reason, or one question back. An ordinary question is answered."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.alike import alike
from bot.labels import Labels
from bot.messages import Message
from bot.prompts import texts
from bot.triage import Kind
from knowledge.documents import Language

Reason = Literal[
    "customer_request", "missing_knowledge", "unsupported_request", "policy_restriction", "tool_failure", "pending_clarification",
    "usage_limit",
]  # fmt: skip
_LANGUAGES: tuple[Language, ...] = ("en", "zh")

_FURIOUS = re.compile(
    r"\b(?:unacceptable|outrageous|ridiculous|disgrace(?:ful)?|disgusting|furious|so angry|sick of|fed up|incompetent|useless|rubbish"
    r"|garbage|liars?"
    r"|thie(?:f|ves)|scam(?:mers?)?|fraud|rip-?off|shame on you|worst|idiots?|stupid|hell|damn|lawyer|sue you|wtf|bullshit|crap)\b"
    r"|骗子|骗人|诈骗|欺诈|垃圾|投诉|气死|太过分|无耻|不要脸|恶心|黑心|坑人|坑爹|脑子有病|离谱|无能|律师|起诉|消协|破玩意|破东西|什么服务|太差劲|忍无可忍",
    re.IGNORECASE,
)
_LOUD = re.compile(r"[!！]{2,}|[?？][!！]")
_SURE = 0.4  # the share that the sentiment must have
_SAID_BEFORE = re.compile(
    r"\b(?:already (?:asked|told|said)|i (?:just )?asked|repeat|same question"
    r"|(?:did ?n[o']?t|does ?n[o']?t|not) (?:really )?answer(?:ed)?)\b"
    r"|再说一遍|又问|问过了|说过了|我问的是|答非所问|没有?回答|重复",
    re.IGNORECASE,
)
_UNCLEAR = re.compile(
    r"(?:and |so |but |ok(?:ay)? )?(?:how (?:much|long|many|come)|when|where|why|which(?: one)?|what|who|how)"
    r"(?: (?:is|are|does|do|will|would|can)(?: (?:it|that|this|they))?(?: (?:cost|take|be|work|mean))?)?"
    r"|(?:can you |please )*help(?: me)?(?: please)?|i(?: have|'ve got| got) an? (?:question|problem|issue)|(?:a )?(?:question|problem)"
    r"|(?:(?:it|this|that)(?: (?:does ?n[o']?t|is ?n[o']?t|won'?t) work(?:ing)?| is broken))|not working|broken"
    r"|(?:is|does|can|will) (?:it|this|that)"
    r"|(?:请问|那|这个|它|你好|[,，])*(?:多少钱|多久|几天|什么时候|在哪里?|怎么(?:办|弄|用|样)|为什么|哪个|哪款|可以吗|行吗|好吗|有吗|呢)(?:啊|呢|呀)?"
    r"|我?有个?问题(?:想问)?|请?帮(?:帮我|帮忙|我一?下|我|忙)|不行|坏了|不能用|用不了",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What to do with a message. kind: as triage says, or `clarify`. reason: why, for a hand-over or a question back."""

    kind: Kind | Literal["clarify"]
    reason: Reason | None = None


def next_step(text: str, kind: Kind, labels: Labels, history: Sequence[Message], *, waiting: bool = False, spent: bool = False) -> Step:
    """What to do with a message of a kind.

    waiting: a person has been asked for already, so that only the customer's own wish is said again. spent: the conversation has had all
    the messages that one is for.
    """
    if kind == "person":
        return Step("person", "customer_request")
    if kind != "question" or waiting:
        return Step(kind)
    if reason := _beyond_a_bot(text, labels, history, spent=spent):
        return Step("person", reason)
    told = any(line.role == "customer" and not unclear(line.text) for line in history)
    return Step("question") if told or not unclear(text) else Step("clarify", "pending_clarification")


def _beyond_a_bot(text: str, labels: Labels, history: Sequence[Message], *, spent: bool) -> Reason | None:
    asked_back = any(_is(line.text, "clarify") for line in history[-1:])
    found: tuple[tuple[bool, Reason], ...] = (
        (spent, "usage_limit"),
        (furious(text, labels), "unsupported_request"),
        (repeated(text, history), "missing_knowledge"),
        (asked_back and unclear(text), "pending_clarification"),
    )
    return next((reason for holds, reason in found if holds), None)


def unclear(text: str) -> bool:
    """Whether a message names nothing that it could be about."""
    return bool(_UNCLEAR.fullmatch(re.sub(r"[\s.!?~,、。…:;！？，；：]+$", "", " ".join(text.split())).lower()))


def furious(text: str, labels: Labels) -> bool:
    """Whether the customer is beyond what a bot can calm: two strong words or a loud one, or one that the sentiment bears out."""
    strong = {found.lower() for found in _FURIOUS.findall(text)}
    if not strong:
        return False
    return len(strong) > 1 or bool(_LOUD.search(text)) or (labels.sentiment == "angry" and labels.sentiment_share >= _SURE)


def repeated(text: str, history: Sequence[Message]) -> bool:
    """Whether the same was asked before and the answers did not help: three times in a row, or again with a word of complaint."""
    asked = [line.text for line in history if line.role == "customer"][-2:]
    bare = _SAID_BEFORE.sub(" ", text)
    same = [alike(bare, other) or alike(text, other) for other in asked]
    return (len(same) == 2 and all(same)) or (any(same) and bare != text)


def said_again(key: str, history: Sequence[Message]) -> bool:
    """Whether the bot's last reply was the same one of its own sentences, so that saying it again helps nobody."""
    replies = [line.text for line in history if line.role in ("bot", "agent")]
    return bool(replies) and _is(replies[-1], key)


def _is(said: str, key: str) -> bool:
    return any(said.startswith(texts(language).reply(key)) for language in _LANGUAGES)
