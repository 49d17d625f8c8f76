"""Rows of tables and fields of records in running text, as the loaders write them: "Method: Express; Price: $14.90", "Weight: 192 g".

In Chinese with full-width marks.
"""

import re

_CELL = re.compile(r"\s*(\w[^:：]{0,59})[:：]\s*(\S.*)", re.DOTALL)
_FIELD = re.compile(r"\s*([^:：]{1,60}?)\s*[:：]\s*(.+)", re.DOTALL)


def field(line: str) -> tuple[str, str]:
    """The name and the value of a record's field; both empty for what is none."""
    match = _FIELD.fullmatch(line)
    return (match[1], match[2].strip()) if match else ("", "")


def cells(line: str) -> tuple[tuple[str, str], ...]:
    """The names and values of a row's cells; nothing for what is no row: it has two cells at least, and no mark of a list."""
    found = [_CELL.fullmatch(part) for part in re.split("[;；]", line)]
    if len(found) < 2 or not all(found):
        return ()
    return tuple((cell[1].strip(), cell[2].strip()) for cell in found if cell)
