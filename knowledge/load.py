"""A file in, its documents out: found (`walk`), read within limits, decoded, and handed to the parser of its format (`load`)."""

import gzip
import hashlib
import io
import json
import os
import re
import stat
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from knowledge.documents import Document, Section
from knowledge.errors import LeftOut, LoadError
from knowledge.loaders.child import parse_apart
from knowledge.loaders.data import parse_json, parse_jsonl
from knowledge.loaders.encoding import decode
from knowledge.loaders.markdown import parse_markdown
from knowledge.loaders.parsed import Parsed
from knowledge.loaders.plain import parse_plain
from knowledge.loaders.rows import parse_csv

_KINDS = {
    ".md": "md", ".markdown": "md", ".txt": "txt", ".html": "html", ".htm": "html", ".csv": "csv", ".json": "json",
    ".jsonl": "jsonl", ".jsonl.gz": "jsonl", ".pdf": "pdf", ".docx": "docx", ".xlsx": "xlsx",
}  # fmt: skip
_APART = frozenset({"pdf", "docx", "xlsx", "html"})  # parsed in a child with limits
# Changed with what is made of a format, so that files taken in before count as changed.
_READ_ANEW = {
    "txt": b"headings, lists",
    **dict.fromkeys(("md", "html", "pdf", "docx"), b"lists"),
    **dict.fromkeys(("json", "jsonl"), b"lists, columns"),
    **dict.fromkeys(("csv", "xlsx"), b"columns"),
}
_LONGEST_LINE = 1_000_000  # characters
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def load(path: Path, source: str, max_bytes: int, within: str = "") -> list[Document]:
    """The documents of one file; many only for a list of `{id, title?, text}`, whose sources are `file.jsonl#id`.

    source: what citations call the file: its name or its path relative to what was ingested. max_bytes: of the file, and of
    what a `.jsonl.gz` unpacks to. within: the folder it has to lie in, links followed; empty for none. Raises `LoadError`, and nothing
    else, for every file that cannot be read as what it claims to be, and the `LeftOut` among them for what is not to be read.
    """
    if within and not _is_within(path, within):
        raise LeftOut("It is a link that leads out of the folder that is taken in, so it is not followed. Name what it leads to as well.")
    if _is_data_folder(path):
        raise LeftOut(
            "It is a data folder of Answerdesk, with customers' conversations, so it is left out. Keep it outside of the documents."
        )
    kind = _KINDS.get(_suffix(path), "")
    if not kind and not _is_folder(path):
        raise LoadError(f"The extension {path.suffix or '(none)'!r} is not supported. Allowed: {' '.join(_KINDS)}. Convert the file.")
    data = _read(path, max_bytes)  # raises for a folder
    digest = hashlib.sha256(_READ_ANEW.get(kind, b"") + data).hexdigest()
    if _suffix(path) == ".jsonl.gz":
        data = _unpack(data, max_bytes)
    try:
        parsed = _parse(kind, data)
    except RecursionError:
        raise LoadError(f"The {kind} file is nested too deeply. Flatten it.") from None
    except MemoryError:
        raise LoadError(f"The {kind} file of {len(data):,} bytes does not fit in memory. Split it into smaller files.") from None
    documents = [document for entry in parsed if (document := _document(entry, source, digest)).sections]
    if not documents:
        raise LoadError(f"The {kind} file holds no text. Put some in it, or leave it out.")
    return documents


def walk(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """(file, source) of every file, folders searched through in order of name.

    In a folder hidden files and unsupported extensions are skipped; a file that is named itself is always yielded, so that `load` reports
    what is wrong with it, and so are links that lead out of the folder and data folders of this product, into which it does not look.
    Sources have forward slashes and are unique: where two files would share one, the names of the folders above the later one are put in
    front.
    """
    taken: dict[str, Path] = {}
    for root in paths:
        for file in _files(root, set(), os.path.realpath(root)) if _is_folder(root) else [root]:
            absolute = file.absolute()
            source = file.relative_to(root).as_posix() if file != root else absolute.name
            above = list((root if file != root else absolute.parent).absolute().parts)
            while taken.get(source, absolute) != absolute and above:
                source = f"{above.pop().strip('/') or 'root'}/{source}"
            if source not in taken:
                taken[source] = absolute
                yield file, source


def _files(folder: Path, visited: set[Path], top: str) -> Iterator[Path]:
    """Supported files below `folder`; each real folder once, so a link to a folder above ends there.

    What is not to be looked into is yielded itself: `load` says why. top: what was named, links followed.
    """
    real = folder.resolve()
    if real in visited:
        return
    visited.add(real)
    if not _is_within(folder, top) or _is_data_folder(folder):
        yield folder
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        yield folder  # `load` says that it cannot be listed
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            yield from _files(entry, visited, top)
        elif _suffix(entry) in _KINDS:
            yield entry


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # may not be looked at: `load` says so
        return False


def _is_within(path: Path, folder: str) -> bool:
    try:
        return Path(os.path.realpath(path)).is_relative_to(folder)
    except ValueError:  # no name of a file: reading it says so
        return True


def _is_data_folder(path: Path) -> bool:
    """Whether it is where this product keeps its things, by what is in it: with PostgreSQL there is no database file."""
    held = {name for name in ("answerdesk.db", "owner.lock", "chroma") if os.path.lexists(path / name)}
    return "answerdesk.db" in held or held == {"owner.lock", "chroma"}


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return ".jsonl.gz" if name.endswith(".jsonl.gz") else PurePosixPath(name).suffix


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise LoadError("This is a folder that cannot be listed, or is named like a file. Name the files in it, or allow reading it.")
        if not stat.S_ISREG(mode):  # reading a pipe would wait for ever
            raise LoadError("This is a pipe, socket or device, not a file. Copy its content into a file.")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
            size = max(path.stat().st_size, len(data))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise LoadError(f"The file cannot be read: {reason}. Check the path and its permissions.") from None
    if len(data) > max_bytes:
        raise LoadError(f"The file has {size:,} bytes; allowed are {max_bytes:,}. Split it, or raise max_file_mb.")
    if not data.strip():
        raise LoadError(f"The file is empty ({size:,} bytes). Put some text in it, or leave it out.")
    return data


def _unpack(data: bytes, max_bytes: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise LoadError(f"The gzip file is broken: {error}. Pack it again.") from None
    if len(unpacked) > max_bytes:
        raise LoadError(f"The file unpacks to more than {max_bytes:,} bytes. Split it, or raise max_file_mb.")
    return unpacked


def _parse(kind: str, data: bytes) -> list[Parsed]:
    if kind in _APART:
        return [parse_apart(kind, data)]
    text = decode(data)
    if kind == "json":
        return parse_json(text)
    if kind == "jsonl":
        return parse_jsonl(text)
    if kind == "csv":
        return [parse_csv(text)]
    longest, number = max((len(line), number) for number, line in enumerate(text.split("\n"), start=1))
    if longest > _LONGEST_LINE:
        raise LoadError(f"Line {number} has {longest:,} characters; allowed are {_LONGEST_LINE:,}. Break it into lines.")
    return [parse_markdown(text) if kind == "md" else parse_plain(text)]


def _document(parsed: Parsed, source: str, digest: str) -> Document:
    """The parsed file under its source and title, with what no database or page can hold taken out."""
    sections = tuple(
        Section(tuple(filter(None, (_clean(name) for name in section.heading))), text, section.kind)
        for section in parsed.sections
        if (text := _clean(section.text))
    )
    title = " ".join(_clean(parsed.title).split())
    if title.casefold() == _readable(source).casefold():
        title = _readable(source)  # some write titles in capitals
    if not parsed.id:
        return Document(source, title or _readable(source), sections, digest)
    content = json.dumps([title, [[section.heading, section.text] for section in sections]])
    return Document(f"{source}#{_clean(parsed.id)}", title, sections, hashlib.sha256(content.encode()).hexdigest())


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", _UNSAFE.sub("", text)).strip("\n").rstrip()


def _readable(source: str) -> str:
    """`return-window.md` as `Return window`."""
    name = PurePosixPath(source).name
    stem = re.sub(r"(\.jsonl)?\.\w+$", "", name) or name
    words = " ".join(re.sub(r"[-_]+", " ", stem).split())
    return words[:1].upper() + words[1:]
