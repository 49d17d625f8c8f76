"""Sections into chunks: on structure first, then on sentences, sized in the embedder's own tokens."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence

from knowledge.documents import Chunk, Document, Section
from knowledge.language import CJK, detect

Counter = Callable[[Sequence[str]], list[int]]
"""Texts -> the number of tokens of each, special tokens not counted."""

# A sentence ends at Chinese or Western final punctuation, closing quotes and brackets included. A Western full stop needs white space and
# then something that can open a sentence, and must not follow an abbreviation or an initial.
_CLOSERS = "\"'”’」』）)\\]》"
_BREAK = re.compile(rf"(?<=[。！？；…])[{_CLOSERS}]*(?![{_CLOSERS}])\s*|(?<=[.!?])[{_CLOSERS}]*\s+(?=[\"'“‘(\[]?[A-Z0-9$€£{CJK}])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|incl|no|nos|fig|mr|mrs|ms|dr|prof|st|inc|ltd|co|jr|sr|min|max|dept|est|[a-z]))\.$", re.IGNORECASE
)
_ITEM = re.compile(r"^\s*(?:[-*+•·]\s+|\d{1,3}[.)、](?!\d)\s*|\(\d{1,3}\)\s*|[①-⑳]|[一二三四五六七八九十]{1,3}、|\|)")
_MARK = re.compile(r"\d{1,3}[.)]")  # of an item, which is no sentence: "1. Open the app."
_ROW = re.compile(r"^[^:：;；]{1,60}[:：][^;；]+[;；].*[:：]")  # a table's row, as the loaders write it: "Method: Express; Price: $14.90"
_WRAPPED = 60  # a line at least this long that ends without final punctuation goes on in the next one
_FINAL = re.compile(rf"[.!?:;。！？：；…][{_CLOSERS}]*$")


def _lines(text: str) -> Iterator[str]:
    """Lines as they are meant: hard-wrapped paragraphs joined, list items and table rows by themselves."""
    held = ""
    for raw in text.splitlines():
        line = raw.strip()
        alone = _ITEM.match(raw) or _ROW.match(line) or _ROW.match(held)
        if held and (not line or alone or len(held) < _WRAPPED or _FINAL.search(held)):
            yield held
            held = ""
        if line:
            glue = "" if held and re.search(f"[{CJK}，、]$", held) else " "
            held = f"{held}{glue}{line}" if held else line
    if held:
        yield held


def sentences(text: str) -> list[str]:
    """Split `text` into sentences, English and Chinese. Every character but white space between them is in exactly one."""
    found: list[str] = []
    for line in _lines(text):
        if _ROW.match(line):
            found.append(line)
            continue
        held = ""
        start = 0
        for match in _BREAK.finditer(line):
            piece = line[start : match.end()]
            start = match.end()
            held += piece
            if not _ABBREVIATION.search(held.strip()) and not _MARK.fullmatch(held.strip()):
                found.append(held.strip())
                held = ""
        held = (held + line[start:]).strip()
        if held:
            found.append(held)
    return [sentence for sentence in found if sentence]


def _fit(sentence: str, limit: int, count: Counter) -> list[str]:
    """`sentence` cut at the best places where it is longer than `limit` tokens."""
    if count([sentence])[0] <= limit:
        return [sentence]
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=limit,
        chunk_overlap=0,
        separators=["\n", "；", "; ", "，", ", ", "、", " ", ""],
        keep_separator="end",
        length_function=lambda text: count([text])[0],
    )
    return [piece.strip() for piece in splitter.split_text(sentence) if piece.strip()]


def _pack(parts: Sequence[str], sizes: Sequence[int], limit: int) -> Iterator[list[str]]:
    """Groups of consecutive parts, each of at most `limit` tokens, and even in size rather than full ones and a rest."""
    total = sum(sizes)
    groups = max(1, -(-total // limit))
    target = total / groups
    group: list[str] = []
    filled = 0
    for part, size in zip(parts, sizes, strict=True):
        if group and (filled + size > limit or filled + size / 2 > target):
            yield group
            group, filled = [], 0
        group.append(part)
        filled += size
    if group:
        yield group


def _joined(parts: Sequence[str], kind: str) -> str:
    text, after = "", False  # after: an item of a list or a row of a table, whose line is its own
    for part in parts:
        item = bool(kind == "record" or _ITEM.match(part) or _ROW.match(part))
        text += part if not text else ("\n" if item or after else "" if re.search(f"[{CJK}。！？；]$", text) else " ") + part
        after = item
    return text


def chunk(document: Document, count: Counter, limit: int = 160) -> list[Chunk]:
    """Cut a document into chunks of at most `limit` tokens of the embedder, title and headings not counted.

    Sections are never mixed.
    """
    chunks: list[Chunk] = []
    for section in _merged(document.sections):
        parts = section.text.splitlines() if section.kind == "record" else sentences(section.text)
        parts = [piece for part in parts if part.strip() for piece in _fit(part.strip(), limit, count)]
        if not parts:
            continue
        sizes = count(parts)
        for group in _pack(parts, sizes, limit):
            text = _joined(group, section.kind)
            position = len(chunks)
            key = "\0".join((document.source, str(position), document.title, *section.heading, text))
            chunks.append(
                Chunk(
                    id=hashlib.sha256(key.encode()).hexdigest()[:24],
                    source=document.source,
                    title=document.title,
                    heading=section.heading,
                    text=text,
                    sentences=tuple(group),
                    kind=section.kind,
                    language=detect(text) or detect(document.title) or "other",
                    position=position,
                )
            )
    return chunks


def _merged(sections: Sequence[Section]) -> Iterator[Section]:
    """Neighbouring prose sections with the same headings as one, so that a loader may hand over paragraphs."""
    held: Section | None = None
    for section in sections:
        if held and held.kind == section.kind == "text" and held.heading == section.heading:
            held = Section(held.heading, f"{held.text}\n\n{section.text}")
            continue
        if held:
            yield held
        held = section
    if held:
        yield held
