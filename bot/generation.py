"""Generating with one model for many at once: a queue, micro-batches, and one token for every running reply in turn.

Requests that wait together and want the same adapter become one batch, which goes through the model as a whole. Batches take turns, a token
each, so that a long reply holds nobody up and a cancelled one is gone within a token. A reply that has begun to say the same thing over and
over ends there, and the customer sees it said once (`bot.circles`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event
from typing import Any

from bot.causal import filled_cache
from bot.circles import Circles
from bot.errors import BackendError

HALF = "\ufffd"  # what a tokenizer makes of bytes that are no character, or not yet


@dataclass(eq=False, slots=True)
class Reply:
    """One reply in the making. prompt: token ids, at least one. limit: most tokens of the reply. adapter: its key, None for the bare base.

    stops: any of them set ends it within one token. out: its tokens, one at a time, then None or the error that ended it.
    """

    prompt: Sequence[int]
    limit: int
    temperature: float
    adapter: str | None
    stops: tuple[Event, ...]
    out: SimpleQueue[int | BackendError | None] = field(default_factory=SimpleQueue)
    made: int = 0
    circles: Circles = field(default_factory=Circles)

    def take(self, token: int) -> bool:
        """Pass on what is certain to be said now that this token came; True when the reply goes round in a circle and is over."""
        self.made += 1
        for certain in self.circles.push(token):
            self.out.put(certain)
        return self.circles.closed

    def end(self) -> None:
        """Pass on what was held back, and that this is all."""
        for certain in self.circles.rest():
            self.out.put(certain)
        self.out.put(None)

    @property
    def stopped(self) -> bool:
        return any(stop.is_set() for stop in self.stops)


@dataclass(frozen=True, slots=True)
class Before:
    """What an adapter sets before every prompt; it takes `length` tokens of the window. One of the two is there.

    tokens: trained embeddings, shape (length, width). cache: trained keys and values of each layer, shape (heads, length, head width).
    """

    length: int
    tokens: Any = None
    cache: tuple[tuple[Any, Any], ...] = ()


class Batch:
    """Replies that go through the model together, each until its own end."""

    def __init__(self, model: Any, ends: frozenset[int], pad: int, replies: Sequence[Reply], before: Before | None = None) -> None:
        """ends: tokens that end a reply. All replies have the same adapter, which is switched on and sets `before` before them."""
        self.replies = list(replies)
        self._model = model
        self._ends = ends
        self._before = before
        self._cache: Any = None
        held = [pad] * before.length if before and not before.cache else []  # places, which the trained tokens take
        self._tokens, self._mask = _left_padded([[*held, *reply.prompt] for reply in replies], pad, model.device)

    def step(self) -> int:
        """One token more for every reply, and how many that were; those that are over leave the batch."""
        import torch

        self._keep([not reply.stopped for reply in self.replies])
        if not self.replies:
            return 0
        logits = self.logits()
        with torch.inference_mode():
            chosen = [_chosen(row, reply.temperature) for row, reply in zip(logits, self.replies, strict=True)]
            self._tokens = torch.tensor(chosen, device=self._tokens.device)[:, None]
            self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], dim=1)
        over = [token in self._ends or reply.take(token) for reply, token in zip(self.replies, chosen, strict=True)]
        self._keep([not done and reply.made < reply.limit for reply, done in zip(self.replies, over, strict=True)])
        return len(chosen)

    def logits(self) -> Any:
        """Of the next token of each reply, shape (replies, vocabulary); what is in the cache then is not read again."""
        import torch

        with torch.inference_mode():
            given = self._begun(self._before) if self._cache is None and self._before else {"input_ids": self._tokens}
            output = self._model(
                **given,
                attention_mask=self._mask,
                position_ids=(self._mask.cumsum(1) - 1).clamp(min=0)[:, -self._tokens.shape[1] :],
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
            self._cache = output.past_key_values
        return output.logits[:, -1]

    def _begun(self, before: Before) -> dict[str, Any]:
        """The model's first input, with what comes before the prompts in its place."""
        import torch

        rows = len(self.replies)
        if before.cache:
            self._cache = filled_cache(self._model, before.cache, rows)
            self._mask = torch.cat([self._mask.new_ones(rows, before.length), self._mask], dim=1)
            return {"input_ids": self._tokens}
        embedded = self._model.get_input_embeddings()(self._tokens).clone()
        for row, start in zip(embedded, self._mask.argmax(1).tolist(), strict=True):
            row[start : start + before.length] = before.tokens.to(row.dtype)
        return {"inputs_embeds": embedded}

    def fail(self, error: BackendError) -> None:
        """End all replies with the error."""
        for reply in self.replies:
            reply.out.put(error)
        self.replies = []

    def _keep(self, kept: Sequence[bool]) -> None:
        """End the other replies and free what they hold."""
        import torch

        if all(kept):
            return
        for reply, stays in zip(self.replies, kept, strict=True):
            if not stays:
                reply.end()
        self.replies = [reply for reply, stays in zip(self.replies, kept, strict=True) if stays]
        rows = torch.tensor([row for row, stays in enumerate(kept) if stays], dtype=torch.long, device=self._tokens.device)
        self._tokens, self._mask = self._tokens[rows], self._mask[rows]
        if self._cache is not None and self.replies:
            self._cache.batch_select_indices(rows)


def grouped(waiting: Iterable[Reply], most: int) -> list[list[Reply]]:
    """Replies with the same adapter together, at most so many, in the order of their coming."""
    groups: list[list[Reply]] = []
    for reply in waiting:
        fitting = (group for group in groups if group[0].adapter == reply.adapter and len(group) < most)
        if group := next(fitting, None):
            group.append(reply)
        else:
            groups.append([reply])
    return groups


class Words:
    """Tokens into text as they come: nothing is said before it is whole, so that no character comes in halves."""

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._before = self._said = 0  # the tokens of which the text is known, and those from which on it is decoded

    def push(self, token: int) -> str:
        """What can be said now, perhaps nothing. Decoded together with the tokens before it: some tokenizers drop a leading blank."""
        self._tokens.append(token)
        known = self._decode(self._tokens[self._before : self._said])
        text = self._decode(self._tokens[self._before :])
        if len(text) <= len(known) or text.endswith(HALF):
            return ""
        self._before, self._said = self._said, len(self._tokens)
        return text[len(known) :].replace(HALF, "")

    def rest(self) -> str:
        """What is left at the end, without a half character."""
        known = self._decode(self._tokens[self._before : self._said])
        return self._decode(self._tokens[self._before :])[len(known) :].replace(HALF, "")


def _left_padded(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Any, Any]:
    """Token ids and attention mask, each of shape (rows, longest)."""
    import torch

    longest = max(map(len, rows))
    ids = [[pad] * (longest - len(row)) + list(row) for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _chosen(logits: Any, temperature: float) -> int:
    """The likeliest token, or one drawn by softmax(logits / temperature). logits: shape (vocabulary,)."""
    import torch

    if temperature == 0:
        return int(logits.argmax())
    return int(torch.multinomial(torch.softmax(logits.float() / temperature, dim=-1), 1))
