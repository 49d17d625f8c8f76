"""How many tokens a text is to a hosted model: by the model's own tokenizer where that is at hand, else an upper estimate."""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from bot.errors import BackendRejected

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger(__name__)
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)


def estimate(text: str) -> int:
    """An upper estimate, since no chat model counts offline (ChatOpenAI would download tables, others ask their server).

    A digit, punctuation mark or line break is one token; 3.5 Latin letters or blanks are one; anything else is 2.4 UTF-8
    bytes a token, which makes a Chinese character 1.25. Some way above what common tokenizers give, never below in prose.
    """
    plain = sum(map(len, re.findall(r"[A-Za-z ]+", text)))
    marks = len(text.encode("ascii", "ignore")) - plain
    others = len(text.encode("utf-8", "surrogatepass")) - plain - marks
    return math.ceil(plain / 3.5 + marks + others / 2.4)


class TokenCount:
    """Counts the tokens of texts. Thread-safe.

    A tokenizer is opened in the background when it is first asked, as a hub may be slow or away: a count meanwhile, and
    when it cannot be opened, is an estimate. wrong: why it could not be.
    """

    def __init__(self, source: str = "") -> None:
        """source: a folder with a tokenizer.json, that file, or a name on the model hub; empty: estimates.

        Raises `BackendRejected` for what can be none of them.
        """
        self._source = source.strip()
        self.wrong = ""
        self._tokenizer: Tokenizer | None = None
        self._opening: Thread | None = None
        self._lock = Lock()
        self._file = _file(self._source) if self._source else None

    def __call__(self, text: str) -> int:
        if self._source:
            self.begin()
        if (tokenizer := self._tokenizer) is None:
            return estimate(text)
        whole = text.encode("utf-8", "replace").decode()  # halves of surrogate pairs are nothing that a tokenizer takes
        return len(tokenizer.encode(whole, add_special_tokens=False).ids)

    def begin(self) -> Thread:
        """Open the tokenizer, unless that was begun before."""
        with self._lock:
            if self._opening is None:
                self._opening = Thread(target=self._open, name="tokenizer", daemon=True)
                self._opening.start()
            return self._opening

    def _open(self) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(self._file)) if self._file else Tokenizer.from_pretrained(self._source)
        except Exception as error:  # noqa: BLE001  (the library raises bare exceptions)
            self.wrong = " ".join(str(error).split())[:300] or type(error).__name__
            logger.warning("the tokenizer %s cannot be opened, tokens are estimated: %s", self._source, self.wrong)


def _file(source: str) -> Path | None:
    """The tokenizer.json at a path; nothing for a name on the hub."""
    path = Path(source).expanduser()
    file = path / "tokenizer.json" if path.is_dir() else path
    if file.is_file():
        return file
    if path.exists() or not _HUB_NAME.fullmatch(source):
        raise BackendRejected(
            f"the tokenizer is {source[:200]!r}; it must be a folder that holds a tokenizer.json, that file, or a name on the model hub"
        )
    return None
