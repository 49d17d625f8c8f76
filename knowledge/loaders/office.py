"""PDF, Word and Excel files to sections. Their parsers may break on hostile files: `child.py` runs them in a process of their own."""

import io
import re
import unicodedata
import zipfile
import zlib
from collections import Counter
from datetime import datetime, time
from typing import Any

from knowledge.documents import Section
from knowledge.errors import LoadError
from knowledge.loaders.markdown import parse_markdown
from knowledge.loaders.parsed import Parsed
from knowledge.loaders.rows import grid_sections

_MAX_UNPACKED = 300_000_000  # bytes
_MAX_RATIO, _RATIO_COUNTS_FROM = 150, 20_000_000
_MAX_MEMBERS = 10_000

# What fonts in PDFs map oddly: Kangxi radicals, compatibility ideographs, ligatures, full-width letters, odd spaces. Full NFKC
# would also turn Chinese punctuation into ASCII, 10² into 102 and 1½ into 11/2.
_COMPATIBILITY = re.compile(
    "[\u00a0\u2000-\u200a\u202f\u205f\u2e80-\u2fdf\u3000\uf900-\ufaff\ufb00-\ufb4f\ufe30-\ufe4f\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+"
)
_LIST_ITEM = re.compile(r"[-*•●○■◆▪·–]\s|\(?\d{1,3}[.)、]|[（(]?[一二三四五六七八九十]{1,3}[）)、.]|第[\d一二三四五六七八九十百]+[章节条]")
_NARROWEST = 40  # half-width characters; shorter lines are lists and tables, not wrapped prose
_SENTENCE_END = (".", "!", "?", "。", "！", "？", ":", "：", "；")


def parse_pdf(data: bytes) -> Parsed:
    """The text of all pages as one section, wrapped lines joined. Raises `LoadError` if encrypted, broken or without text."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
        pages = [page.get_textpage().get_text_bounded() for page in pdf]
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise LoadError("The PDF is encrypted. Save it without a password and load it again.") from None
        raise LoadError(f"The PDF is broken: {str(error).rstrip('.')}. Export it again.") from None
    text = unwrap(pages)
    if not text:
        raise LoadError(f"The PDF has {len(pages)} pages and no text; it is probably scanned. Run it through OCR first.")
    return Parsed("", (Section((), text),))


def unwrap(pages: list[str]) -> str:
    """Running heads and page numbers dropped, and lines that only the page's width had broken joined again, across pages too."""
    lined = [[_readable(line) for line in page.splitlines()] for page in pages]
    lined = [[line for line in page if line] for page in lined]
    running = _running_lines(lined)
    lines = [line for page in lined for i, line in enumerate(page) if not (_masked(line) in running and i in {0, len(page) - 1})]
    widths = sorted(map(_width, lines))
    full = max(_NARROWEST, widths[len(widths) * 9 // 10] if lines else 0)
    out: list[str] = []
    previous = ""
    for line in lines:
        wrapped = _width(previous) >= (0.95 if previous.endswith(_SENTENCE_END) else 0.75) * full
        if wrapped and not _LIST_ITEM.match(line):
            out[-1] = _join(out[-1], line)
        else:
            out.append(line)
        previous = line
    return "\n".join(out)


def _readable(line: str) -> str:
    line = _COMPATIBILITY.sub(lambda match: unicodedata.normalize("NFKC", match[0]), line)
    return " ".join(unicodedata.normalize("NFC", line).replace("\u00ad", "\ufffe").replace("\x02", "\ufffe").split())


def _join(before: str, after: str) -> str:
    if before.endswith("\ufffe"):  # a hyphen that the break had put in
        return before[:-1] + after
    return before + after if _is_wide(before[-1]) and _is_wide(after[0]) else f"{before} {after}"


def _running_lines(pages: list[list[str]]) -> set[str]:
    """First and last lines that, figures aside, stand on more than half of at least three pages."""
    edges = Counter(edge for page in pages if page for edge in {_masked(page[0]), _masked(page[-1])})
    return {line for line, count in edges.items() if count >= 3 and 2 * count > len(pages)}


def _masked(line: str) -> str:
    return re.sub(r"\d+", "#", line)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _width(line: str) -> int:
    return sum(2 if _is_wide(character) else 1 for character in line)


def parse_docx(data: bytes) -> Parsed:
    """A Word file by its heading styles. Raises `LoadError` for what is no docx, or would unpack to too much."""
    _check_package(data, "word/document.xml")
    from markitdown import StreamInfo
    from markitdown.converters import DocxConverter

    styles = "\n".join(["p[style-name='Title'] => h1:fresh", *(f"p[style-name='标题 {n}'] => h{n}:fresh" for n in range(1, 7))])
    return parse_markdown(DocxConverter().convert(io.BytesIO(data), StreamInfo(extension=".docx"), style_map=styles).markdown)


def parse_xlsx(data: bytes) -> Parsed:
    """The visible sheets of a workbook, row by row, with the values that were last computed.

    Read with openpyxl itself: through markitdown (pandas) empty cells turn 5 into 5.0, order numbers into 1.381235e+10.
    """
    _check_package(data, "xl/workbook.xml")
    import openpyxl  # type: ignore[import-untyped]

    workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    sections: list[Section] = []
    for sheet in sheets:
        sheet.reset_dimensions()  # the file's own claim may be far too large
        grid = ([_cell(cell) for cell in row] for row in sheet.iter_rows())
        sections += grid_sections(grid, (sheet.title,) if len(sheets) > 1 else ())
    return Parsed("", tuple(sections))


def _cell(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, int | float) and "%" in (cell.number_format or ""):
        return f"{value * 100:.10g}%"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.15g}"
    return str(value)


def _check_package(data: bytes, required: str) -> None:
    """Refuse, before any parser sees it, what is no Office package, unpacks to too much or declares XML entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = package.infolist()
            size = sum(member.file_size for member in members)
            if len(members) > _MAX_MEMBERS or size > _MAX_UNPACKED or (size > _RATIO_COUNTS_FROM and size > _MAX_RATIO * len(data)):
                raise LoadError(
                    f"The file unpacks from {len(data):,} to {size:,} bytes in {len(members):,} parts, which looks like a zip bomb; "
                    f"allowed are {_MAX_UNPACKED:,} bytes. Split it into smaller files."
                )
            if any(member.flag_bits & 1 for member in members):
                raise LoadError("The file is encrypted. Save it without a password and load it again.")
            if required not in package.namelist():
                raise LoadError(f"This is a zip file but holds no {required}. Save it again in the format it is named for.")
            for member in members:
                if member.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in package.read(member).replace(b"\0", b""):
                    raise LoadError(f"Its part {member.filename} declares an XML document type, which Office never does; it is not opened.")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, OSError, ValueError, zlib.error) as error:
        if data.startswith(b"\xd0\xcf\x11\xe0"):
            raise LoadError("The file is encrypted or in the format of before 2007. Save it as docx or xlsx without a password.") from None
        raise LoadError(f"The file is broken: {error}. Save it again from Word or Excel.") from None
