"""What kind of figure a question asks for, and whether a sentence has one.

A question for a price is not answered by a sentence without a price. The kinds are answer types of question answering (Li and Roth 2002,
"Learning question classifiers"), cut down to what a shop is asked, in English and Chinese; their signs stand in `expect.toml`.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources


def asked(question: str) -> str | None:
    """The kind of figure that a question asks for (price, duration, weight ...); None when it asks for none."""
    return next((kind for kind, pattern in _signs("asks").items() if pattern.search(question)), None)


def has(kind: str, sentence: str) -> bool:
    """Whether `sentence` holds a figure of that kind. Raises `KeyError` for a kind that there is not."""
    return bool(_signs("has")[kind].search(sentence))


def troubled(text: str) -> bool:
    """Whether a question, or what stands over a page, speaks of something that is wrong."""
    return bool(_signs("trouble")["any"].search(text))


def kinds() -> tuple[str, ...]:
    """All kinds that `has` knows."""
    return tuple(_signs("has"))


@lru_cache(maxsize=3)
def _signs(table: str) -> Mapping[str, re.Pattern[str]]:
    tables = tomllib.loads(resources.files("bot").joinpath("expect.toml").read_text("utf-8"))
    return {kind: re.compile("|".join(alternatives), re.IGNORECASE) for kind, alternatives in tables[table].items()}
