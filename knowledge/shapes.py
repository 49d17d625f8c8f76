"""Models and error codes that are not there though others of their shape are: "Nova S9" beside a Nova S5, "E12" beside E1 to E9."""

import re
from collections.abc import Container, Iterable

from knowledge.cells import cells
from knowledge.documents import Chunk
from knowledge.terms import models, words

Shapes = frozenset[tuple[str, str]]
"""Of models the name and the mark's shape (nova, a0); of codes the letters and `code`."""

_ERROR = re.compile(r"\b(?:error|fault)s?\b|\bcode\b|错误|代码|故障码|报错", re.IGNORECASE)
_SHOWN = re.compile(
    r"\b(?:shows?|showing|says?|saying|displays?|displaying|blinks?|blinking|flash(?:es|ing)?|reads)\b|报|显示|提示|出现|闪", re.IGNORECASE
)
_ALONE = 2  # words of a message that is no more than a code
_CODE = "code"


def shapes(chunks: Iterable[Chunk], called: Iterable[str]) -> Shapes:
    """Those of the things that names call, and of the codes that begin the rows of tables. called: the terms of all names."""
    rows = (sentence for chunk in chunks if chunk.kind != "record" for sentence in chunk.sentences if cells(sentence))
    named = (_shape(piece) for piece in called if "·" in piece and not piece.endswith("·"))
    return frozenset((*named, *(_shape(piece) for row in rows for piece in models(cells(row)[0][1]) if piece.endswith("·"))))


def strange(question: str, known: Container[str], there: Shapes) -> bool:
    """Whether a question names a model or a code that is not known, of a shape that is there; where it speaks of errors, any such code.

    What looks like a code is one where it is shown, has a dash, or is all that is said: an E14 lamp is no error of a shop with an E1.
    """
    errors = bool(_ERROR.search(question))
    for piece in models(question):
        if piece in known:
            continue
        if not piece.endswith("·"):
            if _shape(piece) in there:
                return True
        elif (errors and _coded(there)) or (
            _shape(piece) in there and ("-" in piece or _SHOWN.search(question) or len(words(question)) <= _ALONE)
        ):
            return True
    return False


def _shape(piece: str) -> tuple[str, str]:
    """`a` stands for letters and `0` for digits: Nova S9 is of the shape of Nova S5. Of a code the letters alone tell."""
    name, _, mark = piece.partition("·")
    if not mark:
        return re.sub(r"[^a-z]", "", name), _CODE
    return name, re.sub(r"\d+", "0", re.sub(r"[^\W\d_]+", "a", mark))


def _coded(there: Shapes) -> bool:
    return any(kind == _CODE for _, kind in there)
