"""A collection as it stands in memory, ready to be searched."""

from dataclasses import dataclass
from datetime import datetime

from knowledge.nearest import Nearest
from knowledge.retrieve import Searcher
from knowledge.vectors import CollectionVectors


@dataclass(frozen=True, slots=True)
class Loaded:
    """at: when the collection last changed. trust: in the embedder, by language. near: its vectors, in memory or in their store."""

    at: datetime
    trust: dict[str, float]
    searcher: Searcher
    near: CollectionVectors | Nearest
