"""PDF, Word and Excel files, and the child that parses them."""

import subprocess
import sys
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from knowledge.errors import LoadError
from knowledge.loaders.child import parse_apart
from knowledge.loaders.office import unwrap
from tests.knowledge.files import MB, Load, only, package, parts, pdf, word


def test_docx(put: Load):
    def build(document) -> None:  # noqa: ANN001
        document.add_heading("退货指南", 0)
        document.add_paragraph("欢迎。")
        document.add_heading("Return window", 1)
        document.add_paragraph("30 days.")
        document.add_paragraph("unused", style="List Bullet")
        document.add_heading("费用", 2)
        table = document.add_table(2, 2)
        for cell, text in zip([cell for row in table.rows for cell in row.cells], ["套餐", "价格", "专业", "20元"], strict=True):
            cell.text = text

    data = word(build)
    assert only(put("a.docx", data)).title == "退货指南"
    assert parts(put("a.docx", data)) == [
        ((), "欢迎。", "text"),
        (("Return window",), "30 days.\n\n* unused", "text"),
        (("Return window", "费用"), "套餐：专业；价格：20元", "text"),
    ]


def test_empty_docx(put: Load):
    with pytest.raises(LoadError, match="no text"):
        put("a.docx", word(lambda document: None))


def test_xlsx(put: Load):
    openpyxl = pytest.importorskip("openpyxl")
    book, out = openpyxl.Workbook(), BytesIO()
    sheet = book.active
    sheet.title = "价格"
    for row in (
        ["价目表"],
        [],
        ["产品名称", "价格", "库存", "日期", "折扣"],
        ["钢笔", 5.0, None, date(2026, 1, 2), 0.15],
        [None, 13812345678, True],
    ):
        sheet.append(row)
    sheet["E4"].number_format = "0%"
    faq = book.create_sheet("FAQ")
    faq.append(["Question", "Answer"])
    faq.append(["How?", "So."])
    hidden = book.create_sheet("Costs")
    hidden.append(["secret"])
    hidden.sheet_state = "hidden"
    book.save(out)
    assert parts(put("a.xlsx", out.getvalue())) == [
        (("价格",), "价目表", "text"),
        (("价格", "钢笔"), "产品名称：钢笔\n价格：5\n日期：2026-01-02\n折扣：15%", "record"),
        (("价格",), "价格：13812345678\n库存：yes", "record"),
        (("FAQ", "How?"), "How?\nSo.", "qa"),
    ]


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(("name", "part"), [("a.docx", "word/document.xml"), ("a.xlsx", "xl/workbook.xml")])
def test_bad_office_files(put: Load, name: str, part: str):
    good = package({part: b"<x/>", "other.xml": b"x" * 5000})
    cases = [
        (b"not a zip", "broken"),
        (good[: len(good) // 2], "broken"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "encrypted or in the format of before 2007"),
        (package({"x.txt": b"x"}), f"holds no {part}"),
        (package({part: b"<x/>", "bomb.xml": b"0" * 40 * MB}), "zip bomb"),
        (package({part: b"<x/>", **{f"{i}.xml": b"" for i in range(10_001)}}), "zip bomb"),
        (package({part: BOMB}), "document type"),
        (package({part: BOMB.decode().encode("utf-16")}), "document type"),
        (package({part: b"<x/>"}), "broken"),
        (package({part: b"<a>" * 50_000}), "broken|deeply"),
    ]
    for data, says in cases:
        with pytest.raises(LoadError, match=says):
            put(name, data)


def test_pdf(put: Load):
    documents = put("return-policy.pdf", pdf("Returns\nItems can be returned within 30 days of the\ndelivery.", "退货政策：七天内。"))
    assert only(documents).title == "Return policy"
    assert parts(documents) == [((), "Returns\nItems can be returned within 30 days of the delivery.\n退货政策：七天内。", "text")]


def test_pdf_lines_that_only_the_width_broke_are_joined():
    pages = [
        "Shop Ltd\r\n"
        "You may return every item that you bought from us with-\ufffe\r\nin thirty days of the day on which it was brought to you\r\n"
        "- by mail\r\n- in a shop\r\nThe parcel should hold the item and a copy of the bill that\r\n1",
        "Shop Ltd\r\nyou got.\r\n您可以在收到商品后三十天内无理由退货，运费由我们来承担，商品必须未\r\n经使用⽂件。\r\nﬁne １２ 10²\r\n2",
        "Shop Ltd\r\nEnd\r\n3",
    ]
    assert unwrap(pages).split("\n") == [
        "You may return every item that you bought from us with-in thirty days of the day on which it was brought to you",
        "- by mail",
        "- in a shop",
        "The parcel should hold the item and a copy of the bill that you got.",
        "您可以在收到商品后三十天内无理由退货，运费由我们来承担，商品必须未经使用文件。",
        "fine 12 10²",
        "End",
    ]


def test_bad_pdfs(put: Load):
    good = pdf("Text")
    encrypted = good.replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<" + b"11" * 32 + b">/U<" + b"22" * 32 + b">>>",
    )
    cases = [(b"%PDF-1.7 nothing", "broken"), (b"hello", "broken"), (encrypted, "encrypted"), (pdf("", ""), "2 pages and no text.*OCR")]
    for data, says in cases:
        with pytest.raises(LoadError, match=says):
            put("a.pdf", data)


def test_a_parser_that_is_slow_is_ended():
    with pytest.raises(LoadError, match=r"took over 0\.01 seconds"):
        parse_apart("pdf", pdf("Text"), seconds=0.01)


def test_a_parser_that_needs_too_much_memory_is_ended():
    with pytest.raises(LoadError, match=r"memory|broke down"):
        parse_apart("xlsx", b"x" * 50 * MB, memory=60 * MB)


def test_a_parser_that_crashes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The child finds a module of ours first that ends the process the hard way, as a broken parser would."""
    (tmp_path / "pypdfium2.py").write_text("import os; os.abort()")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(LoadError, match="signal 6"):
        parse_apart("pdf", pdf("Text"))


def test_the_child_and_the_loader_import_nothing_heavy():
    heavy = {"torch", "trafilatura", "markitdown", "pandas", "openpyxl", "pypdfium2", "charset_normalizer"}
    code = f"import sys, knowledge.load, knowledge.loaders.office; print(sorted({heavy} & set(sys.modules)))"
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
