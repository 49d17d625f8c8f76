"""Rows of tables in running text, as the loaders write them: "Method: Express; Price: $14.90", in Chinese with full-width marks."""

import re

_CELL = re.compile(r"\s*(\w[^:：]{0,59})[:：]\s*(\S.*)", re.DOTALL)


def cells(line: str) -> tuple[tuple[str, str], ...]:
    """The names and values of a row's cells; nothing for what is no row: it has two cells at least, and no mark of a list."""
    found = [_CELL.fullmatch(part) for part in re.split("[;；]", line)]
    if len(found) < 2 or not all(found):
        return ()
    return tuple((cell[1].strip(), cell[2].strip()) for cell in found if cell)
