"""Documents, chunks and fakes that several tests of this folder use."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.chunk import sentences
from knowledge.documents import Chunk, Document, Kind, Language, Section
from knowledge.embed import HashEmbedder, Vectors
from knowledge.errors import StoreError
from knowledge.store import MemoryStore


def piece(id_: str, text: str, title: str = "", kind: Kind = "text", heading: tuple[str, ...] = (), *, language: Language = "en") -> Chunk:
    parts = tuple(text.splitlines()) if kind == "record" else tuple(sentences(text))
    return Chunk(id_, f"{id_}.md", title, heading, text, parts, kind, language, 0)


def page(source: str, text: str, title: str = "Page", sha256: str | None = None) -> Document:
    return Document(source, title, (Section((), text),), sha256 or f"hash of {text}")


def write(folder: Path, **texts: str) -> Path:
    """Files by name, `.md` added; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


class SureEmbedder(HashEmbedder):
    """A fake that is relied on in every language: each question of the probe is the sentence that answers it."""

    def __init__(self, answers: dict[str, str], name: str = "sure", dimension: int = 256) -> None:
        super().__init__(dimension)
        self.name = name
        self._answers = answers
        self.embedded: list[str] = []

    def documents(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return super().documents(texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return super().documents([self._answers.get(text, text) for text in texts])


class ConstantEmbedder(HashEmbedder):
    """A fake that tells nothing from anything."""

    name = "constant"

    def documents(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), self.dimension), self.dimension**-0.5, dtype=np.float32)


class FailingStore(MemoryStore):
    """A store that fails when told to: after that many calls of `add`."""

    def __init__(self) -> None:
        super().__init__()
        self.adds_left: int | None = None
        self.fail_delete = False

    def add(self, space: str, ids: Sequence[str], owners: Sequence[str], vectors: Vectors) -> None:
        if self.adds_left is not None:
            if self.adds_left == 0:
                raise StoreError("the store is gone")
            self.adds_left -= 1
        super().add(space, ids, owners, vectors)

    def delete(self, space: str, owners: Sequence[str]) -> None:
        if self.fail_delete:
            raise StoreError("the store is gone")
        super().delete(space, owners)
