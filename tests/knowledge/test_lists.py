"""Numbered lists that were cut into several chunks."""

from knowledge.documents import Chunk, Passage, Unit
from knowledge.lists import with_rest_of_lists

PAGE = ("1. Open it.\n2. Look.", "3. Close it.", "Afterwards all is well.", "1. Another list.")
CHUNKS = [
    Chunk(f"c{n}", "page.md", "Page", ("Steps",), text, tuple(text.split("\n")), "text", "en", n) for n, text in enumerate(PAGE)
]  # fmt: skip


def beside(chunk: Chunk, step: int) -> tuple[Chunk, tuple[Unit, ...]] | None:
    at = chunk.position + step
    return (CHUNKS[at], ()) if 0 <= at < len(CHUNKS) else None


def found(*numbers: int) -> list[int]:
    passages = [Passage(CHUNKS[number], 0.9, named=True) for number in numbers]
    return [passage.chunk.position for passage in with_rest_of_lists(passages, beside)]


def test_what_a_list_goes_on_in_comes_behind_it():
    assert found(0) == [0, 1]
    assert found(1) == [1, 0]  # and what it begins in
    assert found(0, 1) == [0, 1]  # once


def test_what_is_no_list_brings_and_is_brought_nothing():
    assert found(2) == [2]
    assert found(3) == [3]


def test_only_the_first_bring_their_rest():
    assert found(2, 2, 2, 0) == [2, 2, 2, 0]
