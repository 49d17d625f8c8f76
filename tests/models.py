"""The real embedding model, loaded once in a test run."""

from functools import lru_cache

from knowledge.embed import Embedder
from knowledge.gloss import open_embedder


@lru_cache(maxsize=1)
def minilm() -> Embedder:
    return open_embedder("minilm")
