"""A query in, passages out: candidates from the words and from the vectors, every leg scored, then fused. Pure but for what it is handed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np

from knowledge.documents import Chunk, Language, Passage
from knowledge.fuse import Legs, Scores, Weights, fuse
from knowledge.keyword import STOP, KeywordIndex, stem, terms, words
from knowledge.language import detect

SYNONYM = 0.7  # what a synonym counts of the customer's own word
FOREIGN = 0.75  # what a passage counts that is not in the language asked in: the same page in the right language comes first
_CANDIDATES = 150


@lru_cache(maxsize=1)
def thesaurus() -> Mapping[str, frozenset[str]]:
    """Term -> the terms that mean the same, from `thesaurus.toml`."""
    import tomllib

    groups = tomllib.loads(resources.files("knowledge").joinpath("thesaurus.toml").read_text("utf-8"))
    found: dict[str, set[str]] = defaultdict(set)
    for line in (line for lines in groups.values() for line in lines):
        group = {stem(word) for word in line.lower().split()}
        for term in group:
            found[term] |= group - {term}
    return {term: frozenset(others) for term, others in found.items()}


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched for.

    text: spelled as the index spells it. terms: each once, with the terms that stand for it. language: of the question.
    """

    text: str
    terms: tuple[tuple[str, tuple[str, ...]], ...]
    language: Language


class Searcher:
    """The chunks of one collection, ready to be searched by their words. Immutable: a change of the collection makes a new one."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.chunks = tuple(chunks)
        self.place = {chunk.id: number for number, chunk in enumerate(self.chunks)}
        self.keyword = KeywordIndex(chunk.titled for chunk in self.chunks)
        self._sentences: dict[int, tuple[frozenset[str], ...]] = {}

    @cached_property
    def _titles(self) -> dict[str, list[int]]:
        """Title term -> the chunks whose name holds it. A record is named by its row, everything else by its document."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, chunk in enumerate(self.chunks):
            for term in set(terms(name_of(chunk))):
                found[term].append(number)
        return found

    @cached_property
    def _title_weight(self) -> Scores:
        weights = [sum(self.keyword.idf(term) for term in set(terms(name_of(chunk)))) for chunk in self.chunks]
        return np.maximum(np.asarray(weights, dtype=np.float32), 1e-6)

    def query(self, text: str, language: Language | None = None) -> Query:
        """Read a question: its language, its spelling put right, its terms with their synonyms."""
        spelled = text
        for word in set(words(text)):
            right = self.keyword.correct(word) if word not in STOP else word
            if right != word:
                spelled = spelled.lower().replace(word, right)
        known = thesaurus()
        present = spelled.lower()
        found = dict.fromkeys(terms(spelled))
        phrases = [phrase for phrase in known if len(phrase) > 2 and not phrase.isascii() and phrase in present]
        expanded: list[tuple[str, tuple[str, ...]]] = []
        for term in found:
            others = set(known.get(term, ()))
            for phrase in phrases:  # a Chinese phrase such as 多少钱 is longer than its words and pairs
                if term in phrase:
                    others |= known[phrase]
            alternatives = {piece for other in others for piece in terms(other)} - {term}
            expanded.append((term, tuple(sorted(piece for piece in alternatives if piece in self.keyword))))
        for phrase in phrases:  # all of a phrase's words may be stop words: it still means its synonyms
            if not any(term in phrase for term in found):
                others = {piece for other in known[phrase] for piece in terms(other)}
                expanded.append((phrase, tuple(sorted(piece for piece in others if piece in self.keyword))))
        return Query(spelled, tuple(expanded), language or detect(text) or "en")

    def weight(self, term: str, others: Sequence[str]) -> float:
        """What a query term is worth: its idf, or its best known synonym's where the texts do not hold it."""
        if term in self.keyword or not others:
            return self.keyword.idf(term)
        return max(self.keyword.idf(other) for other in others)

    def lexical(self, query: Query) -> tuple[Scores, Scores]:
        """BM25 share and title share of every chunk, shape (chunks,) each, 0..1."""
        share = np.zeros(len(self.chunks), dtype=np.float32)
        bound = 0.0
        title = np.zeros(len(self.chunks), dtype=np.float32)
        for term, others in query.terms:
            bound += self.weight(term, others)
            score = self.keyword.scores([term])
            for other in others:
                score = np.maximum(score, SYNONYM * self.keyword.scores([other]))
            share += score
            for number in self._titles.get(term, ()):
                title[number] += self.keyword.idf(term)
        return np.clip(share / max(bound, 1e-6), 0, 1), np.clip(title / self._title_weight, 0, 1)

    def coverage(self, query: Query, number: int) -> list[float]:
        """For each sentence of a chunk, the idf-weighted share of the query's terms that it holds (with the chunk's name), 0..1."""
        if number not in self._sentences:
            chunk = self.chunks[number]
            self._sentences[number] = tuple(frozenset(terms(sentence)) for sentence in chunk.sentences)
        weights = [(term, others, self.weight(term, others)) for term, others in query.terms]
        total = sum(weight for *_, weight in weights) or 1.0
        shares = []
        for held in self._sentences[number]:
            got = sum(
                weight if term in held else SYNONYM * weight if not held.isdisjoint(others) else 0.0 for term, others, weight in weights
            )
            shares.append(got / total)
        return shares

    def rank(
        self,
        query: Query,
        k: int,
        chunk_cosines: Mapping[str, float],
        sentence_cosines: Mapping[str, float],
        trust: float,
        weights: Weights = Weights(),
    ) -> list[Passage]:
        """The best `k` chunks. The cosines are by chunk id and may lack chunks: those are taken to be as far as the farthest that is there."""
        if not self.chunks:
            return []
        share, title = self.lexical(query)
        lexical = share + weights.title * title
        top = np.argsort(-lexical, kind="stable")[:_CANDIDATES]
        candidates = sorted({int(n) for n in top if lexical[n] > 0} | {self.place[i] for i in (*chunk_cosines, *sentence_cosines) if i in self.place})
        if not candidates:
            return []
        coverage = np.asarray([max(self.coverage(query, n), default=0.0) for n in candidates], dtype=np.float32)
        legs = Legs(
            keyword=share[candidates],
            coverage=coverage,
            title=title[candidates],
            chunk=self._cosines(candidates, chunk_cosines),
            sentence=self._cosines(candidates, sentence_cosines),
        )
        scores = fuse(legs, trust, weights)
        foreign = np.asarray([self.chunks[n].language != query.language for n in candidates])
        scores = np.where(foreign, scores * FOREIGN, scores)
        best = np.argsort(-scores, kind="stable")[:k]
        return [Passage(self.chunks[candidates[i]], float(scores[i]), _named(legs, int(i))) for i in best if scores[i] > 0]

    def _cosines(self, candidates: Sequence[int], cosines: Mapping[str, float]) -> Scores | None:
        if not cosines:
            return None
        floor = min(cosines.values())
        return np.asarray([cosines.get(self.chunks[n].id, floor) for n in candidates], dtype=np.float32)


def name_of(chunk: Chunk) -> str:
    """What a chunk is about: a record's row, or else the document's title."""
    return chunk.heading[-1] if chunk.kind == "record" and chunk.heading else chunk.title


def _named(legs: Legs, i: int) -> tuple[tuple[str, float], ...]:
    found = {"keyword": legs.keyword, "coverage": legs.coverage, "title": legs.title, "chunk": legs.chunk, "sentence": legs.sentence}
    return tuple((name, round(float(scores[i]), 4)) for name, scores in found.items() if scores is not None)
