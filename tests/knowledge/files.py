"""Files to load, made on the spot, and short ways to look at what came of them."""

from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from knowledge.documents import Document

MB = 1_000_000
Load = Callable[..., list[Document]]


def only(documents: list[Document]) -> Document:
    assert len(documents) == 1
    return documents[0]


def parts(documents: list[Document]) -> list[tuple[tuple[str, ...], str, str]]:
    return [(section.heading, section.text, section.kind) for section in only(documents).sections]


def word(build: Callable[[object], None]) -> bytes:
    docx = pytest.importorskip("docx")
    document, out = docx.Document(), BytesIO()
    build(document)
    document.save(out)
    return out.getvalue()


def package(parts: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def pdf(*pages: str) -> bytes:
    """A PDF by hand: Chinese through a standard character map and a font that is not embedded."""
    kids = " ".join(f"{10 + 2 * i} 0 R" for i in range(len(pages)))
    objects = {
        1: "<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        3: "<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UTF16-H/DescendantFonts[4 0 R]>>",
        4: "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>"
        "/FontDescriptor 5 0 R>>",
        5: "<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 800/Descent -200"
        "/CapHeight 700/StemV 80>>",
    }
    for i, text in enumerate(pages):
        lines = " ".join(f"<{line.encode('utf-16-be').hex()}> Tj 0 -20 Td" for line in text.split("\n"))
        stream = f"BT /F1 10 Tf 20 800 Td {lines} ET" if text else ""
        objects[10 + 2 * i] = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 900 842]/Resources<</Font<</F1 3 0 R>>>>/Contents {11 + 2 * i} 0 R>>"
        objects[11 + 2 * i] = f"<</Length {len(stream)}>>stream\n{stream}\nendstream"
    body = "%PDF-1.4\n"
    offsets = {}
    for number, content in objects.items():
        offsets[number] = len(body)
        body += f"{number} 0 obj{content}endobj\n"
    table = "".join(f"{number} 1\n{offset:010} 00000 n \n" for number, offset in offsets.items())
    return f"{body}xref\n{table}trailer<</Root 1 0 R/Size 99>>\nstartxref\n{len(body)}\n%%EOF".encode()
