"""Fixtures of this folder."""

from pathlib import Path

import pytest

from knowledge.documents import Document
from knowledge.load import load
from tests.knowledge.files import MB, Load


@pytest.fixture
def put(tmp_path: Path) -> Load:
    """Write a file and load it."""

    def write_and_load(name: str, content: str | bytes, max_bytes: int = 10 * MB) -> list[Document]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(path, name, max_bytes)

    return write_and_load
