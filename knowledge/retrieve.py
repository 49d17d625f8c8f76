"""A query in, passages out: candidates from the words and from the vectors, every leg scored, then fused. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from knowledge.aspects import unsaid
from knowledge.catalogue import Catalogue, catalogues
from knowledge.cells import field
from knowledge.coverage import SentenceTerms
from knowledge.documents import Chunk, Gaps, Language, Passage, Unit
from knowledge.fuse import Legs, Scores, fuse
from knowledge.keyword import KeywordIndex
from knowledge.language import normalise
from knowledge.lists import with_rest_of_lists
from knowledge.overview import not_sold, overview
from knowledge.query import SYNONYM, Context, Query, Term, read, spoken
from knowledge.shapes import Shapes, shapes, strange
from knowledge.spelling import Known, Speller
from knowledge.terms import models, stem, terms, words
from knowledge.thesaurus import Thesaurus, thesaurus

FOREIGN = 0.6  # what a passage counts that is not in the language asked in: the same page in the right language comes first
NAMED = 0.69  # the share of a record's name that a query must hold to have named it
_MODEL, _WORD = 1.0, 0.7  # how far a term that one record alone bears in its name tells that record
_SIZES = frozenset(("max", "mini", "pro", "plus", "lite", "ultra"))  # "max watts" names no Nova Max 6
_WHOLLY, _HARDLY = 0.7, 0.2  # shares of a question that a page's sentence says at least, and a record's at most
_CANDIDATES = 150
_NAMED_CHUNKS = 9


class Searcher:
    """The chunks of one collection, ready to be searched by their words. Immutable: a change of the collection makes a new one."""

    def __init__(self, chunks: Sequence[Chunk], known: Known = lambda _: False, synonyms: Thesaurus | None = None) -> None:
        """known: whether a Latin word is spelled right though the chunks do not hold it."""
        self.chunks = tuple(chunks)
        self.place = {chunk.id: number for number, chunk in enumerate(self.chunks)}
        self.keyword = KeywordIndex(
            (chunk.titled for chunk in self.chunks), ((chunk.language, name_of(chunk)) for chunk in self.chunks if chunk.kind == "record")
        )
        self._speller = Speller(self.keyword.frequency, known, self._surface)
        self._thesaurus = synonyms or thesaurus()
        self._sentences = SentenceTerms(self.chunks)
        self._held: dict[int, tuple[frozenset[str], tuple[frozenset[str], ...]]] = {}

    def _surface(self, stemmed: str) -> str:
        """The commonest word of the chunks with that stem."""
        return self._surfaces.get(stemmed, stemmed)

    @cached_property
    def _surfaces(self) -> dict[str, str]:
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for chunk in self.chunks:
            for word in words(chunk.titled):
                counts[stem(word)][word] += 1
        return {stemmed: found.most_common(1)[0][0] for stemmed, found in counts.items()}

    def query(self, text: str, language: Language | None = None, context: Sequence[Context] = ()) -> Query:
        """Read a question against this collection."""
        fields = self._topics[1] if context else frozenset[str]()
        return read(text, self.keyword, self._speller, self._thesaurus, language=language, context=context, fields=fields)

    def overview(self, text: str, spelled: str, language: Language, before: Sequence[str] = ()) -> Passage | None:
        """A passage that answers a question about the range; None for any other. spelled: the text in the documents' spelling.

        before: the customer's earlier questions, newest first.
        """
        catalogue = self._catalogues.get(language) or next(iter(self._catalogues.values()), None)
        if catalogue is None:
            return None
        readings = dict.fromkeys((normalise(text), spelled))  # a word that pages do not hold, such as "cheapest", may be taken for a slip
        return next(filter(None, (overview(one, catalogue, language, self._thesaurus, before) for one in readings)), None)

    @cached_property
    def _catalogues(self) -> Mapping[Language, Catalogue]:
        return catalogues(self.chunks)

    def topical(self, text: str, before: str = "") -> bool:
        """Whether a text speaks of a topic of its own rather than of what was spoken of before.

        It names what a page is about, such as `delivery`, for which records have no field; or a sentence of a page says all that is asked,
        in whatever words, and none of the records that `before` names says any of it. One who has asked for a product's price and then
        asks what the delivery costs, or how to pay, does not mean the product's.
        """
        topics, fields = self._topics
        said = [[frozenset(form) for form, share in term.forms if share >= SYNONYM] for term in self._spoken(text)]
        if any(any(form <= topics for form in forms) and not any(form <= fields for form in forms) for forms in said):
            return True
        named = frozenset((*terms(before), *models(before))) & self.keyword.names
        records = sorted({place for piece in named for place in self._names[0][piece] if self.chunks[place].kind == "record"})
        if not records:
            return False
        asked = self.query(text)
        asked = replace(asked, terms=tuple(replace(term, forms=tuple((form, 1.0) for form, _ in term.forms)) for term in asked.terms))
        covered = self._sentences.best(asked)
        pages = max((share for share, chunk in zip(covered, self.chunks, strict=True) if chunk.kind != "record"), default=0.0)
        return pages >= _WHOLLY and float(covered[records].max()) <= _HARDLY

    def _spoken(self, text: str) -> list[Term]:
        return spoken(text, self.keyword, self._speller, self._thesaurus)

    @cached_property
    def _topics(self) -> tuple[frozenset[str], frozenset[str]]:
        """The terms of pages' titles, and those of the names that records' fields have."""
        titles = {chunk.title for chunk in self.chunks if chunk.kind != "record"}
        fields = {name for chunk in self.chunks if chunk.kind == "record" for sentence in chunk.sentences if (name := field(sentence)[0])}
        said, named = ({term for text in texts for term in terms(text)} for texts in (titles, fields))
        return frozenset(term for term in said if len(term) > 1), frozenset(named)

    @cached_property
    def _names(self) -> tuple[dict[str, list[int]], Scores, dict[str, float]]:
        """Name term -> the chunks so named; the weight of each chunk's name; and for terms that only one record bears, how much they tell.

        A model ("max·6", "k87") tells its record for certain; a word ("printer") only that there is no other of the kind.
        """
        places: dict[str, list[int]] = defaultdict(list)
        weights = np.full(len(self.chunks), 1e-6, dtype=np.float32)
        for number, chunk in enumerate(self.chunks):
            for term in set(terms(name_of(chunk))):
                places[term].append(number)
                weights[number] += self.keyword.idf(term)
        named = self.keyword.names - _SIZES
        telling = {term: _MODEL if "·" in term or not (term.isalpha() or term.isdigit()) else _WORD for term in named}
        return places, weights, telling

    def lexical(self, query: Query) -> tuple[Scores, Scores]:
        """BM25 share and title share of every chunk, shape (chunks,) each, 0..1."""
        share = np.zeros(len(self.chunks), dtype=np.float32)
        title = np.zeros(len(self.chunks), dtype=np.float32)
        bound = sum(term.weight for term in query.terms)
        for term in query.terms:
            best = np.zeros(len(self.chunks), dtype=np.float32)
            for form, strength in term.forms:
                scores = [self.keyword.scores(piece) for piece in form]
                together = scores[0] if len(form) == 1 else np.where(np.all(scores, axis=0), np.mean(scores, axis=0), 0)
                best = np.maximum(best, strength * together)
            share += np.minimum(best, term.weight)
        places, weights, telling = self._names
        told = np.zeros(len(self.chunks), dtype=np.float32)
        for piece in query.pieces & places.keys():
            for number in places[piece]:
                title[number] += self.keyword.idf(piece)
                if self.chunks[number].kind == "record":
                    told[number] = max(told[number], telling.get(piece, 0.0))
        return np.clip(share / max(bound, 1e-6), 0, 1), np.clip(np.maximum(title / weights, told), 0, 1)

    def held(self, number: int) -> tuple[frozenset[str], tuple[frozenset[str], ...]]:
        """The terms of a chunk's title and headings, and those of each of its sentences."""
        if number not in self._held:
            chunk = self.chunks[number]
            above = frozenset(terms(" \n ".join((chunk.title, *chunk.heading))))
            self._held[number] = (above, tuple(frozenset(terms(sentence)) for sentence in chunk.sentences))
        return self._held[number]

    def units(self, query: Query, number: int) -> tuple[Unit, ...]:
        """A chunk's sentences with what each of them says of the query."""
        above, sentences = self.held(number)
        chunk = self.chunks[number]
        top = query.coverage(above)
        return tuple(
            Unit(text, query.coverage(held), top, query.coverage(held | above))
            for text, held in zip(chunk.sentences, sentences, strict=True)
        )

    def gaps(self, query: Query, passages: Sequence[Passage]) -> Gaps:
        """What the best five passages leave open of the query."""
        held: set[str] = set()
        for passage in passages[:5]:
            above, sentences = self.held(self.place[passage.chunk.id])
            held.update(above, *sentences)
        said = frozenset(held)
        return Gaps(query.unknown, 1 - query.coverage(said), query.lacking(said), self._stranger(query), self._unsaid(query, passages))

    def _unsaid(self, query: Query, passages: Sequence[Passage]) -> str:
        """What is asked after by a name of its own and the passages have no word for."""
        names = sorted({name_of(passage.chunk) for passage in passages if passage.named})
        told = (query.pieces.intersection(terms(name)) for name in names)
        telling = {max(pieces, key=self.keyword.idf) for pieces in told if len(pieces) > 1}  # a word alone may be of another thing

        def of_it(passage: Passage) -> bool:
            above, sentences = self.held(self.place[passage.chunk.id])
            return passage.named or not telling or not telling.isdisjoint(above.union(*sentences))

        return unsaid(f"{query.asked} {query.text}", passages, of_it, names)

    def _stranger(self, query: Query) -> bool:
        """Whether a question names a model or a code that nothing has, or asks whether something is sold that no row and no page's title
        has a word for."""
        if strange(query.text, self.keyword, self._shapes):
            return True
        catalogue = self._catalogues.get(query.language)
        return catalogue is not None and not_sold(query.text, catalogue, self._thesaurus, self._topics[0])

    def rank(
        self,
        query: Query,
        k: int,
        chunk_cosines: Mapping[str, float] | None = None,
        sentence_cosines: Mapping[str, float] | None = None,
        trust: float = 0.0,
        *,
        units: bool = True,
    ) -> list[Passage]:
        """The best `k` chunks, and all of the records that the query names; without their sentences where `units` is off.

        The cosines are by chunk id and may lack chunks: those are taken to be as far as the farthest that is there.
        """
        if not self.chunks:
            return []
        near = {**(chunk_cosines or {}), **(sentence_cosines or {})}
        share, title = self.lexical(query)
        lexical = share + title**2
        top = np.argsort(-lexical, kind="stable")[:_CANDIDATES]
        candidates = sorted({int(n) for n in top if lexical[n] > 0} | {self.place[id_] for id_ in near if id_ in self.place})
        if not candidates:
            return []
        legs = Legs(
            keyword=share[candidates],
            coverage=np.asarray(self._sentences.best(query)[candidates], dtype=np.float32),
            title=title[candidates],
            chunk=self._cosines(candidates, chunk_cosines),
            sentence=self._cosines(candidates, sentence_cosines),
        )
        scores = fuse(legs, trust)
        foreign = np.asarray([self.chunks[n].language != query.language for n in candidates])
        scores = np.where(foreign, scores * FOREIGN, scores)
        named = [self.chunks[n].kind == "record" and legs.title[i] >= NAMED and not foreign[i] for i, n in enumerate(candidates)]
        order = [int(i) for i in np.argsort(-scores, kind="stable") if scores[i] > 0]
        if order and not foreign[order[0]]:  # a page in another language answers only where none in the customer's own does as well
            order = [i for i in order if not foreign[i]]
        # A record is cut into chunks, and the field that is asked for may be in any: what the query names comes whole.
        also = set([i for i in order[k:] if named[i]][:_NAMED_CHUNKS])
        best = [i for place, i in enumerate(order) if place < k or i in also]
        passages = [
            Passage(
                self.chunks[candidates[i]],
                float(scores[i]),
                self.units(query, candidates[i]) if units else (),
                _by_name(legs, i),
                bool(named[i]),
            )
            for i in best
        ]
        if not units:
            return passages
        return with_rest_of_lists(passages, lambda chunk, step: self._piece(query, self._places.get((chunk.source, chunk.position + step))))

    def _piece(self, query: Query, number: int | None) -> tuple[Chunk, tuple[Unit, ...]] | None:
        return None if number is None else (self.chunks[number], self.units(query, number))

    @cached_property
    def _shapes(self) -> Shapes:
        return shapes(self.chunks, self.keyword.called)

    @cached_property
    def _places(self) -> dict[tuple[str, int], int]:
        return {(chunk.source, chunk.position): number for number, chunk in enumerate(self.chunks)}

    def _cosines(self, candidates: Sequence[int], cosines: Mapping[str, float] | None) -> Scores | None:
        if not cosines:
            return None
        floor = min(cosines.values())
        return np.asarray([cosines.get(self.chunks[n].id, floor) for n in candidates], dtype=np.float32)


def name_of(chunk: Chunk) -> str:
    """What a chunk is about: a record's row, or else the document's title."""
    return chunk.heading[-1] if chunk.kind == "record" and chunk.heading else chunk.title


def with_cosines(passage: Passage, cosines: Sequence[float | None]) -> Passage:
    """The passage with each sentence's cosine filled in."""
    units = tuple(replace(unit, cosine=cosine) for unit, cosine in zip(passage.units, cosines, strict=True))
    return replace(passage, units=units)


def _by_name(legs: Legs, i: int) -> tuple[tuple[str, float], ...]:
    found = {"keyword": legs.keyword, "coverage": legs.coverage, "title": legs.title, "chunk": legs.chunk, "sentence": legs.sentence}
    return tuple((name, round(float(scores[i]), 4)) for name, scores in found.items() if scores is not None)
