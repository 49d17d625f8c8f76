"""Tables to sections: a row is a record of `Field: value` lines under its own name, or a question with its answer."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from knowledge.documents import Section
from knowledge.errors import LoadError
from knowledge.loaders.parsed import Parsed

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_NUMERIC = re.compile(r"[\s\d.,:/%+\-$€£¥￥元]*")
_NAMES = ("name", "title", "名称", "名字", "标题", "品名")
_THINGS = frozenset({"product", "article", "item", "model", "service", "plan", "产品", "商品", "型号", "服务", "套餐"})
_CODE = re.compile(r"[A-Za-z]{0,4}[-_/]?\d[\w-]*")
_QUESTIONS = frozenset({"question", "q", "问题", "问"})
_ANSWERS = frozenset({"answer", "a", "答案", "答", "回答"})


def field(name: str, value: str) -> str:
    """`Name: value`, with the Chinese colon after a Chinese name; the value alone where the column has no name."""
    if not name:
        return value
    return f"{name}：{value}" if _CHINESE.search(name) else f"{name}: {value}"


def record_sections(records: Sequence[Mapping[str, str]], heading: tuple[str, ...] = ()) -> list[Section]:
    """One section a record; empty values and empty records are left out. `heading` stands above each record's own name."""
    name = _name_column(records)
    sections = []
    for record in records:
        filled = {_as_words(key): " ".join(value.split()) for key, value in record.items() if value.strip()}
        if not filled:
            continue
        keys = {key.strip().casefold(): key for key in filled}
        question = next((filled[keys[key]] for key in keys if key in _QUESTIONS), "")
        answer = next((value.strip() for key, value in record.items() if _as_words(key).strip().casefold() in _ANSWERS), "")
        if question and answer:
            sections.append(Section((*heading, question), f"{question}\n{answer}", "qa"))
        else:
            own = (filled[_as_words(name)],) if _as_words(name) in filled else ()
            sections.append(Section(heading + own, "\n".join(field(key, value) for key, value in filled.items()), "record"))
    return sections


def _as_words(column: str) -> str:
    """`retail_usd` as people read it; a name without underscores as it is."""
    return " ".join(column.replace("_", " ").split()) if "_" in column else column


def _name_column(records: Sequence[Mapping[str, str]]) -> str:
    """The column that names a record: called so, else ending so (`Product name`), else `Product` and the like, else the first that is
    neither numbers nor codes."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    folded = {column: column.strip().casefold() for column in columns}
    for fits in (lambda key: key in _NAMES, lambda key: key.endswith((*_NAMES[:4], "名")), lambda key: key in _THINGS):
        found = next((column for column in columns if fits(folded[column])), None)
        if found is not None:
            return found

    def is_text(column: str) -> bool:
        values = [value for record in records if (value := record.get(column, "").strip())]
        return bool(values) and 2 * sum(not (_NUMERIC.fullmatch(value) or _CODE.fullmatch(value)) for value in values) > len(values)

    return next((column for column in columns if is_text(column)), "")


def grid_sections(grid: Iterable[Sequence[str]], heading: tuple[str, ...] = ()) -> list[Section]:
    """Sections of a table whose first row with two filled cells names the columns; lines above it are a note of their own."""
    rows = [[cell.strip() for cell in row] for row in grid]
    rows = [row for row in rows if any(row)]
    start = next((i for i, row in enumerate(rows) if sum(map(bool, row)) > 1), 0)
    note = "\n".join(" ".join(filter(None, row)) for row in rows[:start])
    sections = [Section(heading, note)] if note else []
    if len(rows) == start + 1:  # no row below the names: nothing to name, so it is a line of text
        return [*sections, Section(heading, " ".join(filter(None, rows[start])))]
    columns = _column_names(rows[start], max(map(len, rows[start:]))) if rows else []
    records = [dict(zip(columns, row, strict=False)) for row in rows[start + 1 :]]
    return sections + record_sections(records, heading)


def _column_names(header: Sequence[str], width: int) -> list[str]:
    names: list[str] = []
    for i in range(width):
        name = (header[i] if i < len(header) else "") or f"Column {i + 1}"
        names.append(name if name not in names else f"{name} ({i + 1})")
    return names


def parse_csv(text: str) -> Parsed:
    """A comma, semicolon, tab or bar separated table. Raises `LoadError` for an unclosed quote or a cell over 131,072 characters."""
    delimiter = _delimiter(text)
    try:
        grid = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise LoadError("A quotation mark is opened and never closed, so rows cannot be told apart. Close it, or double it.") from None
        try:  # a quote inside a quoted cell that was not doubled: what people's spreadsheets hold, and readable
            grid = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        except csv.Error as worse:
            raise LoadError(f"The table cannot be read: {worse}. Save it again as a comma separated UTF-8 file.") from None
    return Parsed("", tuple(grid_sections(grid)))


def _delimiter(text: str) -> str:
    """The one that splits most of the first rows into the same number of cells, above one; a comma where none does."""
    head = "\n".join(text.split("\n", 30)[:30])[:100_000]

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if row]
        except csv.Error:
            return 0, 0
        width = max(set(widths), key=widths.count, default=1)
        return (widths.count(width), width) if width > 1 else (0, 0)

    return max(",;\t|", key=fit)
