"""CSV, JSON and JSON lines."""

import gzip
import json
from pathlib import Path

import pytest

from knowledge.errors import LoadError
from knowledge.load import load
from knowledge.loaders.rows import parse_csv
from tests.knowledge.files import MB, Load, only, parts


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_rows_are_records_under_their_name(put: Load, delimiter: str):
    rows = [["SKU", "Product name", "Price"], ["1", "Desk, oak", "1500"], ["2", "Lamp; black", ""], ["", "", ""]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert parts(put("a.csv", text)) == [
        (("Desk, oak",), "SKU: 1\nProduct name: Desk, oak\nPrice: 1500", "record"),
        (("Lamp; black",), "SKU: 2\nProduct name: Lamp; black", "record"),
    ]


def test_csv_in_chinese_as_excel_saves_it(put: Load):
    data = "价目表,,\n编号,名称,价格\n1,台灯,20元\n2,书桌,300元,含税\n".encode("gb18030")
    assert parts(put("价格.csv", data)) == [
        ((), "价目表", "text"),
        (("台灯",), "编号：1\n名称：台灯\n价格：20元", "record"),
        (("书桌",), "编号：2\n名称：书桌\n价格：300元\nColumn 4: 含税", "record"),
    ]


def test_csv_first_column_of_words_names_a_row_that_has_no_name(put: Load):
    assert parts(put("a.csv", "price,city\n5,Ulm\n6,Bonn\n"))[0] == (("Ulm",), "price: 5\ncity: Ulm", "record")


def test_csv_questions_and_answers(put: Load):
    assert parts(put("a.csv", "Question,Answer,x\nHow?,So.,1\nWhy?,,2\n")) == [
        (("How?",), "How?\nSo.", "qa"),
        (("Why?",), "Question: Why?\nx: 2", "record"),
    ]


def test_csv_quotes(put: Load):
    assert parts(put("a.csv", 'name,size\n"24"" screen","line\nbreak"\n'))[0][1] == 'name: 24" screen\nsize: line break'
    assert len(parts(put("a.csv", 'name,size\n"24" wide,x\nb,y\n'))) == 2
    with pytest.raises(LoadError, match="never closed"):
        put("a.csv", 'name,size\n"open,x\nb,y\n')
    with pytest.raises(LoadError, match="field larger"):
        put("a.csv", f"name,size\n{'x' * 200_000},y\n")


def test_csv_of_one_line_or_one_column(put: Load):
    assert parts(put("a.csv", "just,words\n")) == [((), "just words", "text")]
    assert parts(put("a.csv", "city\nUlm\n")) == [(("Ulm",), "city: Ulm", "record")]


def test_json_questions_and_answers(put: Load):
    rows = [{"question": "How?", "answer": "So.\nDone."}, {"q": "A?", "a": "B"}, {"问题": "怎么退货？", "答案": "七天内。"}]
    assert parts(put("a.json", json.dumps(rows))) == [
        (("How?",), "How?\nSo.\nDone.", "qa"),
        (("A?",), "A?\nB", "qa"),
        (("怎么退货？",), "怎么退货？\n七天内。", "qa"),
    ]


def test_json_records(put: Load):
    rows = [{"名称": "台灯", "价格": 20.5, "tags": ["a", "b"], "size": {"w": 3, "h": None}, "new": True}]
    assert parts(put("a.json", json.dumps(rows))) == [(("台灯",), "名称：台灯\n价格：20.5\ntags: a, b\nsize.w: 3\nnew: true", "record")]


def test_json_object(put: Load):
    value = {"shop": "X", "hours": {"mon": "9-17", "sun": None}, "stops": [["a"], {"b": 1}], "items": [{"name": "A", "price": 1}]}
    assert parts(put("a.json", json.dumps(value))) == [
        ((), "shop: X\nhours.mon: 9-17\nstops[1]: a\nstops[2].b: 1", "text"),
        (("items", "A"), "name: A\nprice: 1", "record"),
    ]


def test_json_of_a_titled_table(put: Load):
    rows = [{"question": "How?", "answer": "So."}]
    (document,) = put("a.json", json.dumps({"title": " Exchanges ", "questions": rows}))
    assert (document.title, [section.heading for section in document.sections]) == ("Exchanges", [("How?",)])
    (other,) = put("b.json", json.dumps({"title": "Exchanges", "size": 3}))  # no table: a field like any other
    assert (other.title, other.sections[0].text) == ("B", "title: Exchanges\nsize: 3")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.jsonl.gz"])
def test_a_list_of_documents(put: Load, name: str):
    rows = [{"id": "en/1", "title": "Returns", "text": "## Window\n\n30 days."}, {"id": 2, "text": "退货。"}, {"id": "3", "text": " "}]
    text = json.dumps(rows) if name == "a.json" else "\n\n".join(map(json.dumps, rows))
    documents = put(name, gzip.compress(text.encode()) if name.endswith("gz") else text)
    assert [(d.source, d.title, d.sections[0].heading, d.sections[0].text) for d in documents] == [
        (f"{name}#en/1", "Returns", ("Window",), "30 days."),
        (f"{name}#2", "", (), "退货。"),
    ]
    assert len({d.sha256 for d in documents}) == 2


def test_a_documents_hash_changes_with_it_alone(put: Load):
    lines = ['{"id": "a", "text": "one"}', '{"id": "b", "text": "two"}']
    before = {d.source: d.sha256 for d in put("a.jsonl", "\n".join(lines))}
    after = {d.source: d.sha256 for d in put("a.jsonl", "\n".join([lines[0], lines[1].replace("two", "three")]))}
    assert before["a.jsonl#a"] == after["a.jsonl#a"]
    assert before["a.jsonl#b"] != after["a.jsonl#b"]


def test_text_that_no_database_can_hold_is_cleaned(put: Load):
    document = only(put("a.jsonl", '{"id": "\\ud800x", "title": "T\\u0000", "text": "a\\ud800b\\u0000"}'))
    assert (document.source, document.title, document.sections[0].text) == ("a.jsonl#x", "T", "ab")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", '{"a": 1,\n "b": }', "line 2, column 7"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", "1" * 5000, "cannot be read"),
        ("a.json", "{}", "no text"),
        ("a.json", '[{"id": "", "text": "x"}]', "empty id"),
        ("a.jsonl", '{"a": 1}\n\n{"a": \n', "Line 3 "),
        ("a.jsonl", '{"a": 1}\n' + "[" * 100_000, "Line 2 is nested"),
        ("a.jsonl", '{"id": "x", "text": "1"}\n{"id": "x", "text": "2"}', "number 2 has the id 'x' of number 1"),
    ],
)
def test_bad_json(put: Load, name: str, text: str, says: str):
    with pytest.raises(LoadError, match=says):
        put(name, text)


def test_bad_gzip(put: Load):
    packed = gzip.compress(b'{"a": 1}\n' * 100)
    for data, says in ((b"{}", "broken"), (packed[:-12], "broken"), (gzip.compress(b" " * 5 * MB), "unpacks to more")):
        with pytest.raises(LoadError, match=says):
            put("a.jsonl.gz", data, MB)


def test_a_broken_line_is_named_once(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n\n{oops\n')
    with pytest.raises(LoadError, match=r"^Line 3 is not JSON: Expecting property name enclosed in double quotes at column 2\. Every"):
        load(tmp_path / "a.jsonl", "a.jsonl", 1000)


def test_the_names_of_columns_are_said_as_people_read_them():
    (section,) = parse_csv("item_name,retail_usd\nSwift,399\n").sections
    assert section.heading == ("Swift",)
    assert section.text == "item name: Swift\nretail usd: 399"
