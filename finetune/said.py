"""What the gate and the advice say: a sentence that keeps what it is made of, so that a page can say it in the reader's language."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any, Literal

_SINGLE = re.compile(r"\b(1 (?:held-out )?(?:row|conversation))s\b")
Tongue = Literal["en", "zh"]


class Said(str):
    """The English sentence, with the key and the values that it was made from."""

    key: str
    values: dict[str, Any]

    def __new__(cls, text: str, key: str = "", values: Mapping[str, Any] | None = None) -> "Said":
        made = super().__new__(cls, text)
        made.key, made.values = key, dict(values or {})
        return made

    def to_json(self) -> list[Any]:
        """[key, values]; `retold` takes it."""
        return [self.key, self.values]


def said(key: str, **values: Any) -> Said:
    """The sentence of `said.en.toml` with these values."""
    return Said(_one(_texts("en")[key].format(**values)), key, values)


def retold(told: Sequence[Sequence[Any]], language: Tongue) -> list[str]:
    """Sentences of `Said.to_json` in a language. One that a newer version has dropped, or that lacks a value, is left out."""
    known = [(_texts(language).get(key, ""), values) for key, values in told]
    return [_one(text.format(**values)) for text, values in known if text and _blanks(text) <= values.keys()]


def _one(text: str) -> str:
    """English has a word of its own for one."""
    return _SINGLE.sub(r"\1", text)


def label(key: str, language: Tongue) -> str:
    """A text without values."""
    return _texts(language)[key]


def _blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@cache
def _texts(language: Tongue) -> dict[str, str]:
    return tomllib.loads(resources.files("finetune").joinpath(f"said.{language}.toml").read_text(encoding="utf-8"))
