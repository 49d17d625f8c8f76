"""Conversations -> redacted conversations and examples for the pool, with a count of all that was left out and why."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.alike import Alike
from bot.examples import Pool
from bot.messages import Example, ExampleState, Message
from bot.redact import Orders, Pseudonyms, find, redact
from finetune.archive import Archive
from finetune.conversations import Conversation, Loaded
from finetune.quality import exchanges, unfit, unusable
from knowledge.language import detect, normalise

REPEATS = 20  # examples with the same reply, word for word, that are kept; more of them teach nothing but to say it always

Progress = Callable[[int, int, str], None]
"""done, total, what."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """conversations: redacted, those worth keeping. examples: for the pool, each with the id of its conversation.

    turns: of these. dropped: conversations and replies that nothing is learned from, by reason. pii: pieces replaced, by type.
    """

    conversations: tuple[Conversation, ...]
    examples: tuple[Example, ...]
    turns: int
    dropped: dict[str, int]
    pii: dict[str, int]
    duplicates: int


def prepare(
    loaded: Loaded, *, source: str, shop: Iterable[str] = (), orders: Orders = "keep", progress: Progress = lambda *_: None
) -> Prepared:
    """Filter, redact, drop near-duplicates and cut into examples. source: names the file, so that ids of two files do not collide.

    shop: words that are not personal here, such as the shop's name. orders: as `bot.redact.redact` has it. Nothing personal is in what
    comes out, as far as redaction finds it.
    """
    dropped: Counter[str] = Counter()
    pii: Counter[str] = Counter()
    kept: list[Conversation] = []
    known = Alike()
    own = tuple(shop)
    for number, conversation in enumerate(loaded.conversations, 1):
        progress(number, len(loaded.conversations), "redacting")
        if reason := unusable(conversation):
            dropped[reason] += 1
            continue
        clean = _redacted(conversation, source, own, orders, pii)
        text = "\n".join(turn.text for turn in clean.turns)
        if known.find(text):
            dropped["duplicate"] += 1
            continue
        known.add(clean.id, text)
        kept.append(clean)
    examples = _examples(kept, dropped)
    turns = sum(len(conversation.turns) for conversation in kept)
    return Prepared(tuple(kept), examples, turns, dict(dropped), dict(pii), dropped["duplicate"])


def _redacted(conversation: Conversation, source: str, keep: tuple[str, ...], orders: Orders, pii: Counter[str]) -> Conversation:
    """One conversation is one document: the same person has the same pseudonym in all its lines."""
    names = Pseudonyms()
    turns = []
    for turn in conversation.turns:
        clean = redact(turn.text, orders=orders, keep=keep, pseudonyms=names)
        pii.update(span.type for span in clean.spans)
        turns.append(Message(turn.role, clean.text))
    name = hashlib.sha256(f"{source}\n{conversation.id}".encode()).hexdigest()[:32]
    return replace(conversation, id=name, customer=customer_key(conversation.customer), turns=tuple(turns))


def customer_key(customer: str) -> str:
    """The id under which a customer's examples are kept: as it is, or a hash of one that is itself personal, such as a mail address."""
    opaque = len(customer) <= 64 and customer.isascii() and not find(customer)
    return customer if opaque else f"c-{hashlib.sha256(customer.encode()).hexdigest()[:32]}"


def _examples(conversations: Sequence[Conversation], dropped: Counter[str]) -> tuple[Example, ...]:
    said: Counter[str] = Counter()
    made = []
    for conversation in conversations:
        for place, question, answer in exchanges(conversation.turns):
            if reason := unfit(question, answer):
                dropped[reason] += 1
                continue
            said[spoken := normalise(answer).casefold()] += 1
            if said[spoken] > REPEATS:
                dropped["boilerplate"] += 1
                continue
            made.append(
                Example(
                    id=f"{conversation.id}-{place}",
                    question=question,
                    answer=answer,
                    language=detect(question) or detect(answer) or "en",
                    conversation=conversation.id,
                    customer=conversation.customer,
                    at=conversation.at,
                )
            )
    return tuple(made)


def keep(prepared: Prepared, pool: Pool, archive: Archive, author: str, *, approve: bool = False) -> int:
    """Keep the conversations, and propose the examples to the pool, where they wait for a lead. Returns how many it had already.

    The same file again changes nothing. approve: the examples are used at once, unread.
    """
    archive.add_all(prepared.conversations)
    known = {example.id for example in pool.list()}
    state: ExampleState = "approved" if approve else "pending"
    new = [replace(example, state=state) for example in prepared.examples if example.id not in known]
    added = pool.add_all(new, author)
    return len(prepared.examples) - sum(not one.duplicate for one in added)


def report(loaded: Loaded, prepared: Prepared, duplicates: int = 0) -> dict[str, Any]:
    """What `transcripts import` prints. duplicates: examples that the pool had before, so that they are not new."""
    return {
        "conversations": len(prepared.conversations),
        "turns": prepared.turns,
        "examples": len(prepared.examples) - duplicates,
        "dropped": dict(sorted(prepared.dropped.items())),
        "pii": dict(sorted(prepared.pii.items())),
        "duplicates": prepared.duplicates + duplicates,
        "rows": [{"row": problem.row, "error": problem.error} for problem in loaded.problems],
        "format": loaded.format,
        "columns": loaded.columns,
    }
