"""BM25 over the chunks: words for English, words and character pairs for Chinese, misspelled words put right first."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.language import CJK, normalise

_TOKEN = re.compile(rf"[{CJK}]+|\d+(?:[.,]\d+)*|[^\W\d_{CJK}]+(?:'[a-z]+)?|\d+")
_HAN_RUN = re.compile(f"[{CJK}]+")
# Words that say nothing of what a text is about. Question words are among them: a document does not repeat the question.
STOP = frozenset(
    "a an and are as at be been but by can could did do does for from had has have he her his how i i'd i'll i'm i've if in into is it it's its "
    "just me my no not of on or our she should so some than that that's the their them then there they this to too us very was we were what "
    "what's when where which who whom whose why will with would you your please hi hello hey thanks thank ok okay "
    "的 了 是 在 和 与 及 或 也 都 就 而 吗 呢 吧 啊 呀 么 嘛 哦 我 你 您 他 她 它 我们 你们 他们 这 那 这个 那个 有 个 被 把 给 请 请问 问 想 要 会 能 "
    "可以 什么 怎么 怎样 如何 哪 哪个 哪些 多少 几 为什么 是否 一下 吗？ 对 从 到 上 下 里 中 之 所 其 该 等 并 但 如果 还 很 又 才 去 来 说".split()
)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The Snowball stem of an English word; other words come back as they are."""
    return str(_stemmer().stemWord(word)) if word.isascii() and word.isalpha() and len(word) > 2 else word


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


def words(text: str) -> list[str]:
    """Words of a text in order, lower-cased and unstemmed; Chinese by dictionary. Stop words are still among them."""
    import rjieba

    found: list[str] = []
    for token in _TOKEN.findall(normalise(text).lower()):
        if _HAN_RUN.match(token):
            found.extend(rjieba.cut(token))
        else:
            found.append(token.replace(",", "") if token[0].isdigit() else token.removesuffix("'s"))
    return found


def terms(text: str) -> list[str]:
    """What is counted: stems of the words that mean something, and the character pairs of Chinese runs."""
    found = [stem(word) for word in words(text) if word not in STOP]
    for run in _HAN_RUN.findall(normalise(text)):
        found.extend(run[i : i + 2] for i in range(len(run) - 1) if run[i : i + 2] not in STOP)
    return found


class KeywordIndex:
    """BM25 (Lucene's variant, library bm25s) over a fixed list of texts, in memory; built anew when they change.

    texts: what is counted for each, titles included.
    """

    def __init__(self, texts: Iterable[str], k1: float = 1.2, b: float = 0.75) -> None:
        import bm25s

        corpus = [terms(text) or [""] for text in texts]
        self._k1 = k1
        self.size = len(corpus)
        self._frequency = Counter(term for document in corpus for term in set(document))
        self._bm25 = bm25s.BM25(method="lucene", k1=k1, b=b)
        if corpus:
            self._bm25.index(corpus, show_progress=False)

    def __contains__(self, term: str) -> bool:
        return term in self._frequency

    def idf(self, term: str) -> float:
        """ln(1 + (N - n + .5) / (n + .5)) (Robertson and Zaragoza 2009, in Lucene's non-negative form)."""
        n = self._frequency.get(term, 0)
        return float(np.log1p((self.size - n + 0.5) / (n + 0.5)))

    def scores(self, query: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of every text for a query of terms, shape (size,)."""
        known = [term for term in query if term in self._frequency]
        if not known or not self.size:
            return np.zeros(self.size, dtype=np.float32)
        return np.asarray(self._bm25.get_scores(known), dtype=np.float32)

    def correct(self, word: str) -> str:
        """`word` as the texts spell it: itself if they hold it, else the one word at most one edit away (two from eight letters on)."""
        if len(word) < 4 or not word.isascii() or not word.isalpha() or stem(word) in self._frequency:
            return word
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        allowed = 2 if len(word) >= 8 else 1
        stemmed = stem(word)
        near = process.extract(stemmed, self._latin(), scorer=OSA.distance, score_cutoff=allowed, limit=8)
        if not near:
            return word
        best = min(near, key=lambda match: (match[1], match[0][0] != stemmed[0], -self._frequency[match[0]]))
        return str(best[0])

    def _latin(self) -> list[str]:
        if not hasattr(self, "_latin_terms"):
            self._latin_terms = [term for term in self._frequency if term.isascii() and term.isalpha() and len(term) > 2]
        return self._latin_terms
