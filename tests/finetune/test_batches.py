"""Rows as tokens and in batches."""

from hypothesis import given
from hypothesis import strategies as st

from bot.messages import Message
from finetune.batches import Encoded, Lessons, collate, encode, order
from finetune.rows import Row
from tests.finetune.learning import quick, rows
from tests.tiny import tiny_tokenizer


@given(st.lists(st.integers(1, 500), min_size=1, max_size=300), st.integers(1, 9), st.integers(0, 9), st.integers(0, 3))
def test_every_row_is_in_one_batch_of_an_epoch(lengths: list[int], batch: int, seed: int, epoch: int):
    batches = order(lengths, batch, seed, epoch)
    assert sorted(place for some in batches for place in some) == list(range(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch)
    assert batches == order(lengths, batch, seed, epoch)


def test_rows_of_like_lengths_are_together_and_the_epochs_differ():
    lengths = [place % 100 for place in range(400)]
    batches = order(lengths, 8, 0, 0)
    spread = [max(lengths[place] for place in some) - min(lengths[place] for place in some) for some in batches]
    assert sum(spread) / len(spread) < 5
    assert batches != order(lengths, 8, 0, 1)


def test_a_long_row_loses_its_oldest_turns_but_not_the_system_prompt():
    tokenizer = tiny_tokenizer()
    lines = (Message("system", "Be kind."), Message("customer", "x" * 300), Message("bot", "y" * 300), Message("customer", "Why?"))
    row = Row("1", lines, "Because.")
    short = encode(tokenizer, row, 150)
    assert short == encode(tokenizer, Row("1", (lines[0], lines[3]), "Because."), 150)
    assert encode(tokenizer, row, 40) is None


def test_only_the_reply_and_its_end_carry_loss():
    tokenizer = tiny_tokenizer()
    encoded = encode(tokenizer, Row("1", (Message("customer", "Why?"),), "Because."), 100)
    assert encoded
    counted = [token for token, counts in zip(encoded.ids, encoded.loss_mask, strict=True) if counts]
    assert tokenizer.decode(counted) == "Because.<|im_end|>"


def test_batches_are_padded_at_the_right():
    batch = collate([Encoded((5, 6, 7), (False, True, True)), Encoded((8,), (False,))], 0)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["loss_mask"].tolist() == [[False, True, True], [False, False, False]]


def test_a_share_of_the_rows_is_varied_each_epoch_and_the_replies_never():
    found = Lessons(tiny_tokenizer(), rows(60), quick("x", augment=0.5))
    first, second = found.of_epoch(0), found.of_epoch(1)
    assert first == found.of_epoch(0) != second
    changed = sum(one != plain for one, plain in zip(first, found.plain, strict=True))
    assert 15 <= changed <= 45
    assert [reply(one) for one in first] == [reply(one) for one in found.plain]


def reply(encoded: Encoded) -> list[int]:
    return [token for token, counts in zip(encoded.ids, encoded.loss_mask, strict=True) if counts]
