"""What is looked at once a reply is there: which passages its sentences rest on, and whether its figures stand in them."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter

from bot.messages import Citation
from knowledge.cells import cells
from knowledge.chunk import sentences
from knowledge.documents import Passage
from knowledge.language import normalise
from knowledge.retrieve import name_of
from knowledge.terms import terms

_MOST, _IN_ALL = 4, 8
_ENOUGH = 0.5  # of a sentence's terms that a passage must hold to have said it
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_LIST_NUMBER = re.compile(r"\(?\d{1,3}[.)、）]|[-*+•·]")


def cite(reply: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """The passages that the reply's sentences rest on, in the order of the reply, at most four for a paragraph, and eight in all.

    Attribution after generation works for every backend, tuned ones too. A sentence that stands word for word in a passage rests on it;
    any other on the passage that holds most of its terms, if that is at least half. Sentences without a passage are left uncited.
    """
    held = [(passage, _flat(passage.chunk.titled), _terms(passage.chunk.titled)[0]) for passage in passages]
    found: dict[str, Citation] = {}
    cited = Counter[int]()
    names = {name_of(passage.chunk) for passage in passages if passage.chunk.kind == "record"}
    for paragraph, sentence in _sentences(reply, names):
        flat, meant = _flat(sentence), _terms(sentence)[0]
        if not meant or not held or list_number(sentence):
            continue
        # Word for word counts more than any share of terms; of equals the first is taken, which is the most relevant.
        share, best = max(((_said(flat, passage, text) or _share(meant, has), passage) for passage, text, has in held), key=itemgetter(0))
        if share >= _ENOUGH and best.chunk.id not in found and cited[paragraph] < _MOST:
            found[best.chunk.id] = citation(best, quote_of(sentence, best))
            cited[paragraph] += 1
    return tuple(found.values())[:_IN_ALL]


def _sentences(reply: str, names: Collection[str]) -> Iterator[tuple[int, str]]:
    """The sentences, each with the number of its paragraph."""
    paragraph = 0
    for line in reply.splitlines():
        paragraph += not line.strip()
        yield from ((paragraph, sentence) for sentence in _told(line, names))


def _told(line: str, names: Collection[str]) -> list[str]:
    """The sentences of a line; of a row with several records side by side, what it tells of each."""
    beside = [f"{name}: {value}" for name, value in cells(line) if name in names]
    return beside if len(beside) > 1 else sentences(line)


def _said(flat: str, passage: Passage, text: str) -> float:
    """Whether a passage has a sentence word for word: 2, else 0. A record's field may be said under the record's name."""
    if flat in text:
        return 2.0
    name = _flat(name_of(passage.chunk)) if passage.chunk.kind == "record" else ""
    return 2.0 if name and flat.startswith(f"{name}:") and flat[len(name) + 1 :] in text else 0.0


def citation(passage: Passage, quote: str = "") -> Citation:
    """A passage as it is cited; `quote` is the sentence of it that counts."""
    chunk = passage.chunk
    title = " > ".join(dict.fromkeys((chunk.title, *chunk.heading))) if chunk.title else chunk.source
    return Citation(chunk.id, chunk.source, title, chunk.text, round(passage.score, 4), quote)


def quote_of(sentence: str, passage: Passage) -> str:
    """The sentence of the passage that says most of what `sentence` says."""
    meant, _ = _terms(sentence)

    def agreement(held: str) -> float:
        has, count = _terms(held)
        return float(len(meant & has) / (1 + count) ** 0.5)

    return max((held for held in passage.chunk.sentences if not list_number(held)), key=agreement, default="")


def list_number(sentence: str) -> bool:
    """Whether it is only the number or the dot that an item of a list begins with, which is cut off as a sentence and says nothing."""
    return bool(_LIST_NUMBER.fullmatch(sentence.strip()))


def unsupported_figures(reply: str, evidence: str) -> tuple[str, ...]:
    """Figures of the reply that the evidence does not hold, as they are written.

    `30`, `30.00` and `30,0` are told apart, `1,299` and `1299` not.
    """
    known = {_figure(figure) for figure in _FIGURE.findall(normalise(evidence))}
    return tuple(figure for figure in dict.fromkeys(_FIGURE.findall(normalise(reply))) if _figure(figure) not in known)


def _figure(text: str) -> str:
    return re.sub(r",(?=\d{3}(?:\D|$))", "", text)


@lru_cache(maxsize=4096)  # the same passages are cited again and again
def _terms(text: str) -> tuple[frozenset[str], int]:
    """The terms of a text, and how many they are with those that come twice."""
    found = terms(text)
    return frozenset(found), len(found)


@lru_cache(maxsize=1024)
def _flat(text: str) -> str:
    return "".join(normalise(text).split()).lower()


def _share(meant: frozenset[str], held: frozenset[str]) -> float:
    return len(meant & held) / len(meant)
