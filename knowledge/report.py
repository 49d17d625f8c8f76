"""What comes back from the index: how an ingestion went, and what was found on a question."""

from collections.abc import Callable
from dataclasses import dataclass, field

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
class Found:
    """What there is on a question, and what of it stays open."""

    passages: tuple[Passage, ...] = ()
    gaps: Gaps = field(default_factory=Gaps)
