"""What long conversations cost and keep: plain truncation, LangChain's SummarizationMiddleware and Answerdesk, side by side.

    python benchmarks/context.py long.jsonl [more.jsonl ...] [--window 2048]

Rows as `benchmarks/dialogues.py` writes them. All at the same budget and in the same tokens. LangChain's middleware is given the same rules
to summarize by, or the same model with --backend, so that what differs is when it summarizes, what of, and what it keeps.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage

from bot.backends.base import Backend
from bot.context import Budget, Count, line_size
from bot.messages import Message
from bot.summaries import summarized
from bot.summarize import FULL, NEWEST
from ui.build import open_desk
from ui.evals import read_rows
from ui.evals_context import Replayed, alone, plain, replay
from ui.settings import load_settings


def middleware(backend: Backend, budget: Budget) -> Callable[[list[AnyMessage]], list[AnyMessage]]:
    """LangChain's middleware as a function of the messages, at the budget that summary and history have together."""
    history, summary = budget.of("history"), budget.of("summary")

    def count(messages: Any) -> int:
        return sum(line_size(_line(message), backend.count) for message in messages)

    def by_same_means(messages: Sequence[AnyMessage]) -> str:
        return summarized(backend, "", [_line(message) for message in messages], budget)[0]

    made = SummarizationMiddleware(
        "",
        trigger=("tokens", int(FULL * history) + summary),
        keep=("tokens", int(NEWEST * history)),
        token_counter=count,
        summarizer=by_same_means,
    )

    def before(messages: list[AnyMessage]) -> list[AnyMessage]:
        changed: Any = made.before_model({"messages": messages}, None)  # type: ignore[arg-type, typeddict-item]
        return [one for one in changed["messages"] if not isinstance(one, RemoveMessage)] if changed else messages

    return before


def replay_langchain(turns: Sequence[Message], before: Callable[[list[AnyMessage]], list[AnyMessage]], count: Count) -> Replayed:
    """A dialogue with the middleware before every reply; the rules of the prompt count as they do for the others."""
    rules = alone(turns, count)
    held: list[AnyMessage] = []
    full = sent = longest = so_far = 0
    last = ""
    for line in turns:
        if line.role == "customer":
            held = before([*held, HumanMessage(line.text)])
            used = rules + sum(line_size(_line(message), count) for message in held)
            full, sent, longest = full + rules + so_far + line_size(line, count), sent + used, max(longest, used)
            last = "\n".join(message.text for message in held)
        else:
            held.append(AIMessage(line.text))
        so_far += line_size(line, count)
    return Replayed(full, sent, last, longest)


def _line(message: AnyMessage) -> Message:
    return Message("customer" if message.type == "human" else "agent", str(message.text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--window", type=int, default=2048)
    parser.add_argument("--backend", default="extractive", help="a model also writes the summaries")
    given = parser.parse_args()
    settings = load_settings()
    backend, budget = open_desk(settings).backends[given.backend], Budget(given.window, settings.max_tokens)
    before = middleware(backend, budget)
    print(f"| dialogues | way | tokens saved | facts kept | longest prompt (window {given.window}) |\n|---|---|---|---|---|")
    for path in given.files:
        rows = [(tuple(Message(line["role"], line["text"]) for line in row["turns"]), row["facts"]) for row in read_rows(path, {"id": str})]
        ways: dict[str, Callable[[Sequence[Message]], Replayed]] = {
            "truncation": lambda turns: replay(turns, budget, backend.count, None),
            "LangChain": lambda turns: replay_langchain(turns, before, backend.count),
            "Answerdesk": lambda turns: replay(turns, budget, backend.count, lambda *given: summarized(backend, *given)[0]),
        }
        for name, way in ways.items():
            found = [(way(turns), facts) for turns, facts in rows]
            saved = 1 - sum(one.sent for one, _ in found) / sum(one.full for one, _ in found)
            kept = sum(plain(fact) in plain(one.last) for one, facts in found for fact in facts)
            longest = max(one.longest for one, _ in found)
            print(f"| {path.stem} | {name} | {saved:.1%} | {kept / sum(len(facts) for _, facts in found):.1%} | {longest} |", flush=True)


if __name__ == "__main__":
    main()
