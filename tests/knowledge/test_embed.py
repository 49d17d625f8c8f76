from pathlib import Path

import pytest

from knowledge.embed import HashEmbedder, SentenceTransformerEmbedder
from knowledge.errors import EmbedderError


def test_alike_texts_are_near():
    one, alike, other = HashEmbedder().documents(["refunds take five days", "refunds take two days", "free shipping above fifty"])
    assert one @ alike > 0.5 > one @ other


def test_words_are_counted():
    assert HashEmbedder().count(["one two", "", "three"]) == [2, 0, 1]


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path):
    with pytest.raises(EmbedderError, match=r"cannot be loaded .*Allowed: minilm, .*ANSWERDESK_EMBEDDING_MODEL"):
        SentenceTransformerEmbedder(str(tmp_path))
