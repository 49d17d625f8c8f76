"""What flows through the package: a file becomes a document of sections, then chunks, then ranked passages."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en", "other"]
Kind = Literal["text", "record", "qa", "range"]


@dataclass(frozen=True, slots=True)
class Section:
    """One structural piece of a document, as its loader found it.

    heading: the path of headings above it, outermost first, without the document's title; may be empty.
    kind: `text` is prose, `record` is one row of a table as `Field: value` lines, `qa` is a question and its answer.
    """

    heading: tuple[str, ...]
    text: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Document:
    """A loaded file. `source` is its name or its path relative to what was ingested, never absolute."""

    source: str
    title: str
    sections: tuple[Section, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document that fits the embedder's window, with the sentences it is made of.

    `id` is a hash of source, position and content, so the same content always has the same id.
    """

    id: str
    source: str
    title: str
    heading: tuple[str, ...]
    text: str
    sentences: tuple[str, ...]
    kind: Kind
    language: Language
    position: int

    @property
    def titled(self) -> str:
        """The text under its title and headings: what is embedded and what BM25 counts."""
        return "\n".join((" > ".join(dict.fromkeys((self.title, *self.heading))), self.text)) if self.title else self.text


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence of a found chunk (a record's field, a table's row) and how it answers the query; all shares 0..1.

    own: the weight of the query's terms that the sentence itself holds, of all. above: that its title and headings hold.
    context: that both hold together.
    cosine: of the query and the sentence, None where the embedder cannot be relied on for the language.
    """

    text: str
    own: float
    above: float
    context: float
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was found, with its relevance to the query on one 0..1 scale (best first in every list of them).

    units: its sentences in order. legs: what the score is made of, by name (`keyword`, `coverage`, `title`, `chunk`,
    `sentence`), each 0..1.
    named: the query names the very thing that this chunk is the record of.
    """

    chunk: Chunk
    score: float
    units: tuple[Unit, ...] = ()
    legs: tuple[tuple[str, float], ...] = ()
    named: bool = False


@dataclass(frozen=True, slots=True)
class Gaps:
    """What of a query its best passages leave open, as shares of the query's weight, 0..1.

    unknown: what no document has a word for. open: what the best five passages together do not say. lacking: the weightiest single term
    among that: the thing asked after, where the topic is right and the fact is missing.
    stranger: it asks after a product that the shop does not have: a model of which only others are known, or a kind that is not sold.
    unsaid: the name of an aspect that it asks after, and that none of the passages has a word for.
    """

    unknown: float = 0.0
    open: float = 0.0
    lacking: float = 0.0
    stranger: bool = False
    unsaid: str = ""


def document_of(chunk: Chunk) -> Document:
    """A chunk as a document of its own, to be read again."""
    return Document(chunk.source, chunk.title, (Section(chunk.heading, chunk.text, chunk.kind),), "")
