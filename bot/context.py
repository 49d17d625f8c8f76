"""How much of everything fits a backend's window: a budget for each part of a prompt, and one order in which they give way."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from bot.errors import ContextOverflow
from bot.messages import Message, Parts, Prompt

Count = Callable[[str], int]
Make = Callable[[Parts], Prompt]
Kept = dict[str, int]

SPARE = 0.02  # of every window, for what a chat template writes of its own accord
MARKS = 6  # tokens that a chat template sets around a message; ChatML and Llama 3 take five

# What goes when a prompt does not fit: (part, the least of it that stays, only as long as the part is over its own budget). Of the history
# the oldest exchanges go, of everything else what is last: the least relevant. The newest exchange and the best passage outlast the rest.
_ORDER = (
    ("history", 2, True),
    ("examples", 0, True),
    ("facts", 0, True),
    ("summary", 0, True),
    ("passages", 1, True),
    ("examples", 0, False),
    ("history", 2, False),
    ("passages", 1, False),
    ("facts", 0, False),
    ("summary", 0, False),
    ("history", 0, False),
    ("passages", 0, False),
)


@dataclass(frozen=True)
class Budget:
    """How a window of tokens is shared out: shares of what the reply and the template's own words leave, 0..1, together 1.

    A part may have more as long as others leave room. Where they do not, what is over its own budget goes first.
    window, reply: tokens; a reply is given half of the window at most.
    """

    window: int
    reply: int
    system: float = 0.16
    facts: float = 0.06
    summary: float = 0.34
    passages: float = 0.20
    examples: float = 0.05
    history: float = 0.15
    question: float = 0.04

    def __post_init__(self) -> None:
        object.__setattr__(self, "reply", max(1, min(self.reply, self.window // 2)))

    @cached_property
    def room(self) -> int:
        """Tokens for the whole prompt, marks included."""
        return int(self.window * (1 - SPARE)) - self.reply

    def of(self, part: str) -> int:
        """Tokens of one part, by its name."""
        return int(self.room * float(getattr(self, part)))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits. tokens: by part, the template's marks with their messages. saved: tokens that were left out."""

    prompt: Prompt
    parts: Parts
    tokens: Mapping[str, int]
    saved: int


def fit(parts: Parts, make: Make, budget: Budget, count: Count) -> Fitted:
    """As much of `parts` as the window holds, as `make` writes it out. Raises `ContextOverflow` where not even the question fits.

    First each part is cut to its own budget, in the order history, examples, facts, summary, passages; then the examples go, the turns
    before the last exchange, all passages but the best, the facts, the summary, the rest. At the very end the question itself is cut.
    """
    count = cache(count)
    sizes = _sizes(parts, count)
    cuts = _cuts(sizes, budget, len(parts.question))

    @cache
    def made(cut: int) -> tuple[Prompt, int]:
        prompt = make(_cut(parts, cuts[cut]))
        return prompt, size(prompt, count) + MARKS * (len(prompt.messages) + 1)  # one more for the reply that is asked for

    # Mostly all of it fits. Else, as each cut is shorter than the one before, the first that fits is found by halving: a conversation may
    # be thousands of lines long.
    fits = made(0)[1] <= budget.room
    first = 0 if fits else bisect_left(range(len(cuts) - 1), True, key=lambda cut: made(cut)[1] <= budget.room)
    prompt, tokens = made(first)
    if tokens > budget.room:
        raise ContextOverflow(
            f"a window of {budget.window} tokens, {budget.reply} of them for the reply, holds no prompt: the rules alone take {tokens}; "
            "choose a model with a larger window"
        )
    by_part = {part: sum(sizes[part][: cuts[first][part]]) for part in sizes}
    by_part["question"] = count(prompt.messages[-1].text) + MARKS
    return Fitted(prompt, _cut(parts, cuts[first]), {"system": tokens - sum(by_part.values()), **by_part}, made(0)[1] - tokens)


def size(prompt: Prompt, count: Count) -> int:
    """Tokens of all messages of a prompt."""
    return sum(count(message.text) for message in prompt.messages)


def line_size(line: Message, count: Count) -> int:
    """Tokens of one line of the history, with the marks that a chat template sets around it."""
    return count(line.text) + MARKS


def shrink(prompt: Prompt) -> Prompt | None:
    """The prompt with the older half of its history gone, for a model that refused it as too long; None when nothing is left to drop."""
    system, *turns, question = prompt.messages
    kept = len(turns) // 4 * 2  # exchanges go whole
    return replace(prompt, messages=(system, *turns[len(turns) - kept :], question)) if turns else None


def _sizes(parts: Parts, count: Count) -> dict[str, list[int]]:
    """Tokens of every piece of a part that can go, what stays longest first."""
    return {
        "facts": [count(fact) for fact in parts.facts],
        "summary": [count(line) for line in parts.summary.splitlines()],
        "passages": [count(passage.chunk.titled) for passage in parts.passages],
        "examples": [count(f"{one.evidence}\n{one.question}\n{one.reasoning}\n{one.answer}") for one in parts.examples],
        "history": [line_size(line, count) for line in reversed(parts.history)],
    }


def _cuts(sizes: Mapping[str, Sequence[int]], budget: Budget, question: int) -> list[Kept]:
    """From everything to nothing: how many pieces of each part are kept, and how many characters of the question."""
    kept: Kept = {**{part: len(pieces) for part, pieces in sizes.items()}, "question": question}
    used = {part: sum(pieces) for part, pieces in sizes.items()}
    cuts = [dict(kept)]
    for part, least, over in _ORDER:
        while kept[part] > least and (not over or used[part] > budget.of(part)):
            fewer = max(least, kept[part] - 2) if part == "history" else kept[part] - 1  # exchanges go whole: a question with its answer
            used[part] -= sum(sizes[part][fewer : kept[part]])
            kept[part] = fewer
            cuts.append(dict(kept))
    while kept["question"] > 1:
        kept["question"] //= 2
        cuts.append(dict(kept))
    return cuts


def _cut(parts: Parts, kept: Kept) -> Parts:
    return Parts(
        question=middle_out(parts.question, kept["question"]),
        passages=parts.passages[: kept["passages"]],
        examples=parts.examples[: kept["examples"]],
        facts=parts.facts[: kept["facts"]],
        summary="\n".join(parts.summary.splitlines()[: kept["summary"]]),
        history=parts.history[len(parts.history) - kept["history"] :],
    )


def middle_out(text: str, kept: int) -> str:
    """The text's two ends, `kept` characters together; the whole of it where it has no more."""
    return text if len(text) <= kept else f"{text[: kept // 2]} … {text[len(text) - (kept - kept // 2) :]}"
