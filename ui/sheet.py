"""Figures as a sheet: CSV that a spreadsheet opens without running anything that somebody wrote into it."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

COLUMNS = ("of", "name", "adapter", "figure", "value", "low", "high", "n")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the wide ones are read as the narrow ones

Json = Mapping[str, Any]


def report_csv(report: Json) -> str:
    """A report as `ui.operations_reports.report` gives it, one figure a line: over all, by backend, by hour or day, by reason."""
    rows: list[tuple[object, ...]] = [COLUMNS]
    rows += [("all", "", "", *figure) for figure in _group(report["overall"])]
    for group in report["groups"]:
        rows += [("backend", group["backend"], group["adapter"] or "", *figure) for figure in _group(group)]
    for slot in report["slots"]:
        counts = ("replies", "conversations", "person", "abstained")
        rows += [(report["step"], slot["start"], "", name, slot[name], "", "", "") for name in counts]
    rows += [("reason", reason["reason"], "", "conversations", reason["n"], "", "", "") for reason in report["reasons"]]
    return sheet(rows)


def sheet(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV with a mark by which spreadsheets know UTF-8; a text that could be a formula gets an apostrophe before it."""
    out = io.StringIO()
    csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
    return f"\ufeff{out.getvalue()}"


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _group(group: Json) -> Iterator[tuple[object, ...]]:
    """figure, value, low, high, n"""
    for name in ("replies", "conversations"):
        yield name, group[name], "", "", ""
    for name in ("alone", "abstained", "liked"):
        share = group[name]
        yield name, *(_or_empty(share[key]) for key in ("value", "low", "high")), share["of"]
    for name in ("first_ms", "total_ms"):
        for key in ("median", "p95"):
            yield f"{name}_{key}", _or_empty(group[name][key]), "", "", group[name]["n"]
    for name in ("prompt", "completion"):
        yield f"tokens_{name}", group["tokens"][name], "", "", ""
    yield "cost", group["cost"], "", "", ""


def _or_empty(value: object) -> object:
    return "" if value is None else value
