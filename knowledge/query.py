"""A customer's question as it is searched for: spelled as the documents are, its terms weighed, each with what means the same."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from knowledge.documents import Language
from knowledge.keyword import KeywordIndex
from knowledge.language import detect, normalise
from knowledge.spelling import Speller
from knowledge.terms import STOP, characters, models, pairs, stem, words
from knowledge.terms import terms as document_terms
from knowledge.thesaurus import Thesaurus

SYNONYM = 0.7  # what a synonym counts of the customer's own word
HINT = 0.5  # what a document's word that is only hinted at counts of it; a phrase, which says more, counts as a synonym does
CODE = 3.0  # what an error code or a model's counts of its idf
CROSSING = 0.4  # what a character pair counts that lies across two words: it tells word order, and little of the meaning
LOOSE = 0.3  # what a single Chinese character counts
ANSWERED = 0.2  # what a word of an earlier line counts of the line's share where it was what that line asked
NAMING = 0.1  # the share from which on an earlier line names what is meant; of a lesser one only the words count
MERE = 0.1  # what a word of _TELLING counts that no document holds
_TELLING = frozenset((
    "polici", "rule", "info", "inform", "detail", "question", "term",
    "政策", "规定", "规则", "说明", "信息", "详情", "细节", "问题", "情况",
))  # fmt: skip
"""Words for what is to be told, and not what of."""

_APART = re.compile(r"[^\w'’$%&+-]+")
_BACK = re.compile(
    r"\b(send(?:ing|s)?|sent|giv(?:e|ing)|bring(?:ing)?|brought|tak(?:e|ing)|hand(?:ing)?|post(?:ing)?|mail(?:ing)?|ship(?:ping)?)"
    r"((?: (?!money|cash|refund|deposit|back)\S+){1,3}) back\b"
)


class Context(NamedTuple):
    """An earlier line, and how much its words count beside the question's own, 0..1. told: in the same message, as the story around it."""

    line: str
    share: float
    told: bool = False


Form = tuple[tuple[str, ...], float]
"""Terms of a document that together stand for a term of the query, and how far they do, 0..1."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing the question speaks of. forms: how documents may say it, the customer's own way first; empty when none does."""

    text: str
    weight: float
    forms: tuple[Form, ...]

    def strength(self, held: frozenset[str]) -> float:
        """How far a set of document terms says it, 0..1."""
        return max((share for form, share in self.forms if held.issuperset(form)), default=0.0)


@dataclass(frozen=True, slots=True)
class Query:
    """text: the question in the documents' spelling. leaning: with the earlier lines it leans on, newest first.

    pieces: everything in it that a document's name could hold; the earlier lines' too where it names nothing itself.
    unknown: the share of its own weight that no document knows a word for, 0..1. asked: the question as it was written.
    """

    text: str
    leaning: str
    terms: tuple[Term, ...]
    pieces: frozenset[str]
    language: Language
    unknown: float
    asked: str = ""
    _speaks_of: frozenset[str] = field(init=False, repr=False, compare=False)
    _coverage: dict[frozenset[str], float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_speaks_of", frozenset(piece for term in self.terms for form, _ in term.forms for piece in form))

    def lacking(self, held: frozenset[str]) -> float:
        """The share of the weightiest term that a set of document terms does not say, 0..1."""
        total = sum(term.weight for term in self.terms)
        return max((term.weight for term in self.terms if not term.strength(held)), default=0.0) / total if total else 0.0

    def coverage(self, held: frozenset[str]) -> float:
        """The weight of the terms that a set of document terms says, of all, 0..1."""
        said = self._speaks_of & held  # thousands of sentences hold the same few of the query's terms
        if (known := self._coverage.get(said)) is None:
            total = sum(term.weight for term in self.terms)
            known = self._coverage[said] = sum(term.weight * term.strength(said) for term in self.terms) / total if total else 0.0
        return known


def read(
    text: str,
    index: KeywordIndex,
    speller: Speller,
    thesaurus: Thesaurus,
    *,
    language: Language | None = None,
    context: Sequence[Context] = (),
    fields: frozenset[str] = frozenset(),
) -> Query:
    """Read a question against an index, with the earlier lines that it leans on. fields: terms of the names that records' fields have.

    Phrases of the thesaurus are taken whole, then words, names with their models, word-crossing pairs and single Chinese characters.
    """
    spelled = speller.correct(normalise(text))
    found = _terms(spelled, index, thesaurus)
    own = sum(term.weight for term in found.values())
    unknown = sum(term.weight for term in found.values() if not term.forms) / own if own else 0.0
    pieces = frozenset((*document_terms(spelled), *models(spelled)))
    names, asks = pieces & index.names, any(_is_field(term, fields) for term in found.values())
    named = len(names) > 1 or any("·" in name for name in names)  # a word alone, "stand", may be of another thing
    if named and asks:  # a thing and what is asked of it: nothing is left out
        context = [line for line in context if line.told]
    earlier = [(line, _terms(normalise(line.line), index, thesaurus)) for line in context]
    for key, term in _going_on(earlier, index, fields, named=named, asks=asks):
        found.setdefault(key, term)
    leaning = " ".join((spelled, *(normalise(line) for line, share, _ in context if share >= NAMING)))
    if not named:
        before = frozenset((*document_terms(leaning), *models(leaning)))
        if any("·" in name for name in before & index.names):  # "does it come with a charger" after the Nova S5 is about no charger on sale
            pieces = before - names
        elif not names:
            pieces = before
    return Query(spelled, leaning, tuple(found.values()), pieces, language or detect(text) or detect(leaning) or "en", unknown, text)


def _going_on(
    earlier: Sequence[tuple[Context, Mapping[str, Term]]], index: KeywordIndex, fields: frozenset[str], *, named: bool, asks: bool
) -> Iterator[tuple[str, Term]]:
    """The terms of earlier lines, newest first, as far as they still count.

    named: whether the question names a thing; asks: whether it asks for a record's field. What it leaves out comes from the newest line
    that has it: of a thing that was asked after its name, not what was asked; for another thing what was asked, not the name.
    """
    for (_, share, told), every in earlier:
        terms = {key: term for key, term in every.items() if term.forms}  # what no document says has been answered, and is not asked now
        names, asked = any(key in index.names for key in terms), False
        for key, term in terms.items():
            name, of_field = key in index.called, _is_field(term, fields)
            if told:
                kept = True
            elif name and named:
                continue  # another thing is meant now
            else:
                kept = name if asks and names else not of_field or (named and not asks)
            asked |= of_field
            yield key, replace(term, weight=term.weight * share * (1.0 if kept else ANSWERED))
        named, asks = named or names, asks or (not told and named and asked)


def _is_field(term: Term, fields: frozenset[str]) -> bool:
    return any(fields.issuperset(form) for form, _ in term.forms)


def spoken(text: str, index: KeywordIndex, speller: Speller, thesaurus: Thesaurus) -> list[Term]:
    """The words and phrases that mean something in a text, as far as documents know them."""
    keys, rest = thesaurus.taken(_apart(speller.correct(normalise(text))))
    return [_term(key, index, thesaurus) for key in _meant(keys, rest)]


def _apart(text: str) -> str:
    """Lower-case words with a space around each; "send the laptop back" as "send back the laptop", which is how phrases are known."""
    return _BACK.sub(r"\1 back\2", _APART.sub(" ", f" {text.lower()} "))


def _meant(keys: Iterable[str], rest: str) -> list[str]:
    return list(dict.fromkeys((*keys, *(stem(word) for word in words(rest) if word not in STOP))))


def _terms(spelled: str, index: KeywordIndex, thesaurus: Thesaurus) -> dict[str, Term]:
    keys, rest = thesaurus.taken(_apart(spelled))
    found = {key: _term(key, index, thesaurus) for key in _meant(keys, rest)}
    for model in models(spelled):
        if model in index and not (model.endswith("·") and model in index.called):  # the "S5" of "Nova S5" is told by "nova·s5"
            # A code ("p-03·") is what is asked after, and everything else in the message is around it.
            found[model] = Term(model, (CODE if model.endswith("·") else 1.0) * index.idf(model), (((model,), 1.0),))
            for mark in re.findall(r"[^\W\d_]+|\d+", model.rpartition("·")[0] if model.endswith("·") else model.rpartition("·")[2]):
                if len(mark) == 1:  # alone, "s" and "5" are noise
                    found.pop(mark, None)
    inside = " ".join((*keys, *words(rest)))
    for pair in pairs(spelled):
        if pair in index and pair not in STOP and pair not in inside:
            found.setdefault(pair, Term(pair, CROSSING * index.idf(pair), (((pair,), 1.0),)))
    for character in characters(spelled):
        if character in index:
            found.setdefault(character, Term(character, LOOSE * index.idf(character), (((character,), 1.0),)))
    return found


def _term(key: str, index: KeywordIndex, thesaurus: Thesaurus) -> Term:
    own = _forms([key], index)
    same = [form for form in _forms(sorted(thesaurus.alternatives(key)), index) if form not in own]
    hinted = [form for form in _forms(sorted(thesaurus.hints.get(key, ())), index) if form not in own and form not in same]
    forms = (
        *((form, 1.0) for form in own),
        *((form, SYNONYM) for form in same),
        *((form, _hinted(form, key, hinted)) for form in hinted),
    )
    weights = [sum(index.idf(piece) for piece in form) / len(form) for form, _ in forms]
    weight = weights[0] if own else max(weights, default=(MERE if key in _TELLING else 1.0) * index.idf(key))
    return Term(key, weight, forms)


def _hinted(form: Sequence[str], key: str, others: Sequence[Sequence[str]]) -> float:
    """How far a form that a phrase hints at stands for it: wholly if it is in the phrase, but less than one that says more ("warranty
    period" of "how long is the warranty")."""
    said = "".join(form)
    if any(said != (other := "".join(one)) and said in other for one in others):
        return SYNONYM
    more = any(said != (other := "".join(one)) and other in said and _within(one, key) for one in others)
    return 1.0 if more or _within(form, key) else SYNONYM if len(form) > 1 else HINT


def _within(form: Sequence[str], key: str) -> bool:
    """Whether a phrase holds the very words that it hints at: "what colours" at "colour"."""
    return set(form) <= {stem(word) for word in key.split()} or (not key.isascii() and "".join(form) in key)


def _forms(keys: Iterable[str], index: KeywordIndex) -> list[tuple[str, ...]]:
    """Those of the keys that documents hold, as terms of theirs: itself, or else all of the words or pairs that it is made of."""
    found = []
    for key in keys:
        pieces = (key,) if key in index else tuple(stem(word) for word in key.split()) if " " in key else tuple(pairs(key))
        if pieces and all(piece in index for piece in pieces):
            found.append(pieces)
    return found
