"""Rows into batches of tokens: rendered as they are served, cut to a length, grouped with others of their length."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages import Message
from bot.render import Tokenizer, render
from finetune.augment import augment
from finetune.config import TrainConfig
from finetune.rows import Row

_POOL = 50  # batches that are sorted by length together: enough to save padding, few enough to stay in a random order


@dataclass(frozen=True, slots=True)
class Encoded:
    """ids: token ids. loss_mask: as long, True where the loss counts."""

    ids: tuple[int, ...]
    loss_mask: tuple[bool, ...]


def encode(tokenizer: Tokenizer, row: Row, max_length: int) -> Encoded | None:
    """The row's tokens without its oldest turns where they would be too many; None when even its last turn is too long."""
    messages = row.messages
    while True:
        rendered = render(tokenizer, messages, row.reply)
        if len(rendered.ids) <= max_length:
            return Encoded(rendered.ids, rendered.loss_mask)
        oldest = next((place for place, line in enumerate(messages[:-1]) if line.role != "system"), None)
        if oldest is None:
            return None
        messages = without(messages, oldest)


def without(messages: tuple[Message, ...], place: int) -> tuple[Message, ...]:
    """All of them but one."""
    return messages[:place] + messages[place + 1 :]


class Lessons:
    """The rows of a run as tokens. rows: those that fit into the longest length; skipped: how many do not."""

    def __init__(self, tokenizer: Tokenizer, rows: Sequence[Row], config: TrainConfig) -> None:
        self._tokenizer, self._config = tokenizer, config
        found = [(row, encoded) for row in rows if (encoded := encode(tokenizer, row, config.max_length))]
        self.rows = [row for row, _ in found]
        self.plain = [encoded for _, encoded in found]
        self.skipped = len(rows) - len(found)

    def of_epoch(self, epoch: int) -> list[Encoded]:
        """All of them, a share of their questions in other words: which ones and how depends on the seed, the epoch and the row alone."""
        if not self._config.augment:
            return self.plain
        return [self._varied(row, plain, epoch) for row, plain in zip(self.rows, self.plain, strict=True)]

    def _varied(self, row: Row, plain: Encoded, epoch: int) -> Encoded:
        chance = random.Random(f"{self._config.seed}/{epoch}/{row.id}")
        if chance.random() >= self._config.augment:
            return plain
        return encode(self._tokenizer, augment(row, chance), self._config.max_length) or plain


def order(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """The places of all rows in batches for one epoch: at random, but rows of like lengths together. The same for the same arguments."""
    chance = random.Random(f"{seed}/{epoch}")
    places = list(range(len(lengths)))
    chance.shuffle(places)
    pool = batch * _POOL
    pools = [sorted(places[start : start + pool], key=lengths.__getitem__) for start in range(0, len(places), pool)]
    ordered = [place for some in pools for place in some]
    batches = [ordered[start : start + batch] for start in range(0, len(ordered), batch)]
    chance.shuffle(batches)
    return batches


def collate(rows: Sequence[Encoded], pad: int) -> dict[str, Any]:
    """Tensors of shape (rows, longest), padded at the right: `input_ids`, `attention_mask`, `loss_mask`."""
    import torch

    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), pad)
    attention = torch.zeros((len(rows), longest), dtype=torch.long)
    counted = torch.zeros((len(rows), longest), dtype=torch.bool)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = torch.tensor(row.ids)
        attention[place, : len(row.ids)] = 1
        counted[place, : len(row.ids)] = torch.tensor(row.loss_mask)
    return {"input_ids": ids, "attention_mask": attention, "loss_mask": counted}


def loader(rows: Sequence[Encoded], batches: Sequence[list[int]], pad: int) -> Any:
    """A DataLoader over just these batches."""
    from torch.utils.data import DataLoader

    return DataLoader(rows, batch_sampler=batches, collate_fn=lambda some: collate(some, pad))
