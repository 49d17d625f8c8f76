"""The queue's parts: tokens into whole characters, requests into batches."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.generation import Reply, Words, grouped
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
