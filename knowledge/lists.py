"""Numbered lists that were cut into several chunks: the steps of one thing to do are of no use in part."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from knowledge.documents import Chunk, Passage, Unit

Beside = Callable[[Chunk, int], tuple[Chunk, tuple[Unit, ...]] | None]
"""The chunk that many after another in its document, with its sentences; None where there is none."""

_ITEM = re.compile(r"\s*\d{1,2}[.)、．]\s*\S")
_FIRST = 3  # of the best passages, whose lists come whole


def with_rest_of_lists(passages: Sequence[Passage], beside: Beside) -> list[Passage]:
    """The passages, each of the first with what its numbered list goes on in, under the same heading, behind it."""
    held, found = {passage.chunk.id for passage in passages}, list[Passage]()
    for rank, passage in enumerate(passages):
        found.append(passage)
        for step in (-1, 1) if rank < _FIRST and _is_list(passage.chunk) else ():
            piece = beside(passage.chunk, step)
            if piece is None or piece[0].id in held or piece[0].heading != passage.chunk.heading or not _is_list(piece[0]):
                continue
            held.add(piece[0].id)
            found.append(replace(passage, chunk=piece[0], units=piece[1], named=False))
    return found


def _is_list(chunk: Chunk) -> bool:
    return chunk.kind == "text" and any(_ITEM.match(sentence) for sentence in chunk.sentences)
