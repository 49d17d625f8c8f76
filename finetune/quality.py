"""Which conversations and which replies are worth learning from; for all others, the reason why not."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from bot.examples import LONGEST
from bot.messages import Message
from bot.triage import triage
from finetune.conversations import Conversation

Reason = Literal["empty", "no_agent", "abusive", "unresolved", "small_talk", "too_short", "too_long", "automatic", "personal"]

_PSEUDONYM = re.compile(r"\[[A-Z_]+_\d+\]")
_CLOSING = re.compile(
    r"(?:is there )?any(?:thing|\s?one) else .{0,40}\?|(?:thank you|thanks)(?: and|,)? (?:good\s?)?bye.*|(?:you.{2,4} )?welcome[.!]*"
    r"|(?:还有|请问还有)(?:什么|其他|别的).{0,15}|感谢您的(?:咨询|来电).*|祝您.{1,15}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Patterns:
    abuse: re.Pattern[str]
    unresolved: re.Pattern[str]
    automatic: re.Pattern[str]
    open: frozenset[str]


@cache
def _patterns() -> _Patterns:
    read = tomllib.loads(resources.files("finetune").joinpath("quality.toml").read_text("utf-8"))
    made = {name: re.compile("|".join(read[name]), re.IGNORECASE) for name in ("abuse", "unresolved", "automatic")}
    return _Patterns(**made, open=frozenset(read["open"]))


def unusable(conversation: Conversation) -> Reason | None:
    """Why nothing is learned from a conversation; None when it may be."""
    turns, patterns = conversation.turns, _patterns()
    asked = [turn.text for turn in turns if turn.role == "customer"]
    answered = [turn.text for turn in turns if turn.role == "agent"]
    if not any(asked):
        return "empty"
    if not any(answered):
        return "no_agent"
    if patterns.abuse.search("\n".join(answered)) or len(patterns.abuse.findall("\n".join(asked))) > 1:
        return "abusive"
    last = next(turn for turn in reversed(turns) if turn.role in ("customer", "agent"))
    unanswered = last.role == "customer" and last.text.rstrip().endswith(("?", "？"))
    if conversation.status in patterns.open or unanswered or patterns.unresolved.search(asked[-1]):
        return "unresolved"
    return None


def unfit(question: str, answer: str) -> Reason | None:
    """Why an agent's reply to what the customer said is no example, None when it is one. Both are redacted."""
    if len(re.sub(r"\W", "", answer)) < 2:
        return "too_short"
    if max(len(question), len(answer)) > LONGEST:
        return "too_long"
    if _patterns().automatic.search(answer):
        return "automatic"
    if triage(question).kind in ("greeting", "thanks", "goodbye") or _CLOSING.fullmatch(answer.strip()):
        return "small_talk"
    if 2 * len(re.sub(r"\W", "", _PSEUDONYM.sub("", answer))) < len(re.sub(r"\W", "", answer)):
        return "personal"  # more pseudonym than reply
    return None


def exchanges(turns: tuple[Message, ...]) -> list[tuple[int, str, str]]:
    """Where an agent answers a customer: (place of the agent's first line in `turns`, what was asked, what the agent said).

    Lines of one side in a row are one. A reply of a bot is nobody's to learn from: what was asked before it counts as answered.
    """
    found: list[tuple[int, str, str]] = []
    asked: list[str] = []
    place = 0
    while place < len(turns):
        role = turns[place].role
        run = place
        while run < len(turns) and turns[run].role == role:
            run += 1
        text = "\n".join(turn.text for turn in turns[place:run] if turn.text)
        if role == "customer":
            asked.append(text)
        elif role == "agent" and any(asked):
            found.append((place, "\n".join(filter(None, asked)), text))
            asked = []
        elif role == "bot":
            asked = []
        place = run
    return found
