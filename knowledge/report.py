"""What comes back from the index: how an ingestion went, and what was found on a question."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from knowledge.documents import Gaps, Passage

Progress = Callable[[int, int, str], None]
"""Called with (done, all, name of what is being worked on)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be taken in, and why."""

    path: str
    error: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """documents, chunks: what the collection holds now. added, unchanged, removed: documents; a changed one is removed and added."""

    documents: int
    chunks: int
    added: int
    unchanged: int
    removed: int
    failed: tuple[Failure, ...]
    seconds: float


@dataclass(slots=True)
class Tally:
    """Documents as they are counted while they come in."""

    added: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SubQuestion:
    """One of the things that a message asks. question: as it is read, self-contained; text: as it was written."""

    question: str
    text: str
    passages: tuple[Passage, ...] = ()
    gaps: Gaps = field(default_factory=Gaps)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is on a question, and what of it stays open. parts: where several things are asked at once, what there is on each."""

    passages: tuple[Passage, ...] = ()
    gaps: Gaps = field(default_factory=Gaps)
    parts: tuple[SubQuestion, ...] = ()

    def each(self, change: Callable[[Passage], Passage]) -> "Found":
        """With every passage changed."""
        parts = tuple(replace(part, passages=tuple(map(change, part.passages))) for part in self.parts)
        return replace(self, passages=tuple(map(change, self.passages)), parts=parts)

    def only(self, ids: Collection[str]) -> "Found":
        """Without the passages of other chunks."""
        parts = tuple(replace(part, passages=tuple(one for one in part.passages if one.chunk.id in ids)) for part in self.parts)
        return replace(self, passages=tuple(one for one in self.passages if one.chunk.id in ids), parts=parts)
