"""The embeddings of approved questions in the database, so that a process that starts does not make those of thousands anew."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import IntegrityError

from bot.tables import question_vectors
from knowledge.embed import Embedder, Vectors

_AT_ONCE = 256  # texts embedded and written together: what is cut off loses no more
_FEW = 64  # that a running process embeds faster than it reads the table


class Kept:
    """Embeddings by model and text. Thread-safe; several processes may write the same."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read = engine.execution_options(read_only=True).begin

    def embedded(self, texts: Sequence[str], embedder: Embedder) -> Vectors:
        """The texts' embeddings as questions, shape (n, dimension): those that are kept, and the rest made and kept."""
        keys = list(map(key_of, texts))
        rows = self._of(embedder.name, keys, embedder.dimension)
        lacking = {key: text for key, text in zip(keys, texts, strict=True) if key not in rows}
        for start in range(0, len(lacking), _AT_ONCE):
            some = list(lacking)[start : start + _AT_ONCE]
            made = np.asarray(embedder.queries([lacking[key] for key in some]), dtype=np.float32)
            new = dict(zip(some, made, strict=True))
            self._keep(embedder.name, new)
            rows |= new
        return np.stack([rows[key] for key in keys]) if keys else np.zeros((0, embedder.dimension), dtype=np.float32)

    def only(self, texts: Collection[str]) -> None:
        """Forget all but these texts, of every model."""
        keep = set(map(key_of, texts))
        with self._read() as connection:
            gone = [key for key in connection.scalars(select(question_vectors.c.text).distinct()) if key not in keep]
        for start in range(0, len(gone), _AT_ONCE):
            with self._engine.begin() as connection:
                connection.execute(delete(question_vectors).where(question_vectors.c.text.in_(gone[start : start + _AT_ONCE])))

    def _of(self, model: str, keys: Sequence[str], dimension: int) -> dict[str, Vectors]:
        """What is kept of these; a row of another length is of a model that has changed, and is none."""
        query = select(question_vectors.c.text, question_vectors.c.vector).where(question_vectors.c.model == model)
        if len(keys) <= _FEW:
            query = query.where(question_vectors.c.text.in_(keys))
        wanted = set(keys)
        with self._read() as connection:
            found = {key: np.frombuffer(vector, dtype="<f4") for key, vector in connection.execute(query) if key in wanted}
        return {key: row for key, row in found.items() if row.shape == (dimension,)}

    def _keep(self, model: str, new: Mapping[str, Vectors]) -> None:
        rows = [{"text": key, "model": model, "vector": row.astype("<f4").tobytes()} for key, row in new.items()]
        try:
            with self._engine.begin() as connection:
                connection.execute(
                    delete(question_vectors).where(question_vectors.c.model == model, question_vectors.c.text.in_(list(new)))
                )
                connection.execute(question_vectors.insert(), rows)
        except IntegrityError:
            pass  # another process has made the same ones meanwhile


def key_of(text: str) -> str:
    """By which a text's embedding is kept: the texts themselves are in the pool alone."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
