"""The queue's parts: tokens into whole characters, requests into batches."""

from collections.abc import Callable
from itertools import cycle
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.generation import Batch, Reply, Words, grouped
from tests.tiny import tiny_tokenizer


@pytest.fixture(scope="module")
def decode() -> Callable[[list[int]], str]:
    tokenizer = tiny_tokenizer()
    return lambda tokens: str(tokenizer.decode(tokens, skip_special_tokens=True))


@given(text=st.text(st.sampled_from("aZ 1,。退货é😀\n"), max_size=30))
def test_no_character_comes_in_halves_and_none_is_lost(decode: Callable[[list[int]], str], text: str):
    words = Words(decode)
    pieces = [words.push(token) for token in tiny_tokenizer()(text)["input_ids"]]
    assert "".join([*pieces, words.rest()]) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_a_reply_cut_inside_a_character_ends_before_it(decode: Callable[[list[int]], str]):
    words = Words(decode)
    tokens = tiny_tokenizer()("退货")["input_ids"][:-1]
    assert "".join([*(words.push(token) for token in tokens), words.rest()]) == "退"


def test_those_who_wait_together_are_batched_by_adapter_and_in_order():
    replies = [Reply([1], 1, 0.0, adapter, ()) for adapter in ("a", None, "a", "a", None)]
    first, second, third, _, fifth = replies
    assert grouped(replies, 2) == [[first, third], [second, fifth], [replies[3]]]


class Scripted:
    """A model that says the tokens of a script, the next one at each call, to every reply; it knows 10 tokens."""

    device = "cpu"

    def __init__(self, script: Any) -> None:
        self._script = iter(script)

    def __call__(self, input_ids: Any, **_: Any) -> Any:
        import torch

        logits = torch.zeros(len(input_ids), 1, 10)
        logits[:, :, next(self._script)] = 1
        return SimpleNamespace(logits=logits, past_key_values=None)


def said(script: Any, limit: int) -> tuple[list[int | None], int]:
    """What comes out of a reply to the end, and how many tokens were made for it."""
    reply = Reply([1], limit, 0.0, None, ())
    batch = Batch(Scripted(script), frozenset({9}), 0, [reply])
    while batch.replies:
        batch.step()
    return [reply.out.get_nowait() for _ in range(reply.out.qsize())], reply.made


def test_a_reply_that_goes_round_in_a_circle_ends_with_one_copy():
    tokens, made = said(cycle([3, 4, 5]), 500)
    assert tokens == [3, 4, 5, None]
    assert made < 40


def test_what_only_looked_like_a_circle_is_whole_at_the_end_and_at_the_limit():
    assert said([3, 4, 3, 4, 3, 4, 9], 500)[0] == [3, 4, 3, 4, 3, 4, None]
    assert said([3, 4, 3, 4, 3, 4, 9], 5)[0] == [3, 4, 3, 4, 3, None]
