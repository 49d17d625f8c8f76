"""Measures what the window keeps: long dialogues replayed turn by turn through the very code that fits and summarizes in a turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args

from bot import prompts
from bot.backends.base import Backend
from bot.context import MARKS, Budget, Count, fit, line_size
from bot.messages import Message, Parts, Prompt, Role
from bot.summarize import overdue
from knowledge.documents import Language
from knowledge.language import detect, normalise
from ui.errors import Failure
from ui.evals import Row, read_rows
from ui.loopback import Emit

Summarize = Callable[[str, Sequence[Message], Budget], str]
_SHOP, _DAY = "the shop", date(2026, 1, 1)  # every prompt has them; that they do not change keeps figures comparable


@dataclass(frozen=True, slots=True)
class Replayed:
    """full, sent: tokens of all prompts of a dialogue. last: the last one's text. longest: tokens of the largest."""

    full: int
    sent: int
    last: str
    longest: int


def context(data: Path, emit: Emit, *, backend: Backend, budget: Budget, summarizer: Summarize | None = None) -> dict[str, Any]:
    """Replay every dialogue. tokens_full: with everything said sent every turn; tokens_sent: as a turn sends it.

    saved: the share that is not sent. facts_kept: the share of planted facts whose normalised text is in the last prompt. windows: how
    many windows long a dialogue is, on average. Nothing is retrieved: prompts hold the rules, the summary, the history and the question.
    """
    rows = [(row, _turns(row, f"{data} row {number}")) for number, row in enumerate(read_rows(data, {"id": str}), 1)]
    if not rows:
        raise Failure(f"{data} has no rows; each is {{id, turns: [{{role, text}}], facts: [text]}}.", 2)
    full = sent = kept = planted = lines = longest = 0
    for number, (row, turns) in enumerate(rows, 1):
        replayed = replay(turns, budget, backend.count, summarizer)
        full, sent, longest = full + replayed.full, sent + replayed.sent, max(longest, replayed.longest)
        lines += sum(line_size(line, backend.count) for line in turns)
        shown = plain(replayed.last)
        kept += sum(plain(fact) in shown for fact in row["facts"])
        planted += len(row["facts"])
        emit({"progress": {"done": number, "total": len(rows), "name": "replaying"}})
    return {
        "dialogues": len(rows),
        "windows": round(lines / len(rows) / budget.window, 2),
        "tokens_full": full,
        "tokens_sent": sent,
        "saved": round(1 - sent / full, 4),
        "facts": planted,
        "facts_kept": round(kept / planted, 4) if planted else None,
        "longest_prompt": longest,
        "window": budget.window,
    }


def replay(turns: Sequence[Message], budget: Budget, count: Count, summarizer: Summarize | None) -> Replayed:
    """One dialogue: at every line of the customer the prompt that a turn would send, and after it what is overdue is summarized.

    Without a summarizer the oldest lines go, in the order that is stated in `bot.context`.
    """
    full = sent = longest = before = begun = 0
    summary, last = "", ""
    language, rules = _language(turns), alone(turns, count)
    for place, line in enumerate(turns):
        if line.role == "customer":
            fitted = fit(Parts(line.text, summary=summary, history=tuple(turns[begun:place])), _maker(language), budget, count)
            used = sum(fitted.tokens.values())
            full, sent, longest = full + rules + before + count(line.text), sent + used, max(longest, used)
            last = "\n".join(message.text for message in fitted.prompt.messages)
        elif summarizer and (older := overdue(turns[begun : place + 1], budget, count)):
            summary, begun = summarizer(summary, turns[begun : begun + older], budget), begun + older
        before += line_size(line, count)
    return Replayed(full, sent, last, longest)


def alone(turns: Sequence[Message], count: Count) -> int:
    """Tokens of a prompt in which nothing was said yet, the marks of the question and of the reply among them."""
    return _tokens(_prompt(Parts(""), _language(turns)), count)


def _language(turns: Sequence[Message]) -> Language:
    return detect(" ".join(line.text for line in turns)) or "en"


def plain(text: str) -> str:
    """Normalised, lower-cased, without white space at all: how a planted fact is looked for."""
    return "".join(normalise(text).casefold().split())


def _maker(language: Language) -> Callable[[Parts], Prompt]:
    return lambda parts: _prompt(parts, language)


def _prompt(parts: Parts, language: Language) -> Prompt:
    return prompts.build(parts, language=language, shop=_SHOP, today=_DAY)


def _tokens(prompt: Prompt, count: Count) -> int:
    return sum(line_size(message, count) for message in prompt.messages) + MARKS


def _turns(row: Row, where: str) -> tuple[Message, ...]:
    """A row's lines. Raises `Failure` when they, or its facts, are not of the right form."""
    said, facts = row.get("turns"), row.setdefault("facts", [])
    right = isinstance(said, list) and all(
        isinstance(line, dict) and line.get("role") in get_args(Role) and isinstance(line.get("text"), str) for line in said
    )
    if not right or not said:
        raise Failure(f"{where}: turns must be a list of {{role, text}}, roles: {', '.join(get_args(Role))}.", 2)
    if not isinstance(facts, list) or not all(isinstance(fact, str) for fact in facts):
        raise Failure(f"{where}: facts is {facts!r}; it must be a list of texts.", 2)
    lines = tuple(Message(line["role"], line["text"]) for line in said if line["role"] in ("customer", "agent", "bot"))
    if not any(line.role == "customer" for line in lines):
        raise Failure(f"{where} has no line of a customer, so there is no turn to replay.", 2)
    return lines
