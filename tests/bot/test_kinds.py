"""Kinds of backends from other packages."""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bot.backends.base import Backend, Options
from bot.kinds import GROUP, kinds, setup_of
from tests.bot.climbing import PROMPT

PAGE = Path(__file__).parents[2] / "docs/backends.md"


@pytest.fixture
def parrot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The page's own example, as a package would bring it."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "parrot_backend.py").write_text(next(block for block in blocks if "PARROT" in block), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module("parrot_backend")
    del sys.modules["parrot_backend"]


def points(*named: tuple[str, str]) -> Any:
    return EntryPoints(EntryPoint(name, value, GROUP) for name, value in named)


def test_the_documented_example_is_a_kind_like_any_other(parrot: ModuleType):
    found = kinds(points(("parrot", "parrot_backend:PARROT")))["parrot"]
    backend = found.open("polly", setup_of(found, {"greeting": "Ahoy"}), None)
    assert isinstance(backend, Backend)
    assert "".join(backend.stream(PROMPT, Options())) == "Ahoy. You said: Hello"


def test_a_package_that_cannot_be_loaded_or_takes_our_names_harms_nobody(parrot: ModuleType):
    parrot.__dict__["HOSTED"] = type(parrot.PARROT)("hosted", parrot.Setup, parrot.PARROT.open)
    found = kinds(points(("lost", "no_such_module:KIND"), ("taken", "parrot_backend:HOSTED")))
    assert found == kinds(points())
