"""Figures of the reports, as SVG text. Nothing is drawn on a screen."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

_TUNED, _PROMPT, _GREY = "#0b7a75", "#8a8f98", "#c9ccd1"


def bars(title: str, values: Mapping[str, Mapping[str, float]], label: str) -> str:
    """Groups of bars: {group: {bar: value}}; every group has the same bars."""
    figure, axes = _figure(title, label)
    names = list(next(iter(values.values()), {}))
    width = 0.8 / max(len(names), 1)
    for number, name in enumerate(names):
        places = [group + number * width - 0.4 + width / 2 for group in range(len(values))]
        colour = {"tuned": _TUNED, "best prompt": _PROMPT}.get(name, _GREY)
        drawn = axes.bar(places, [group[name] for group in values.values()], width * 0.94, label=name, color=colour)
        axes.bar_label(drawn, fmt="%.2f", fontsize=8)
    axes.set_xticks(range(len(values)), list(values))
    axes.legend(frameon=False)
    return _svg(figure)


def interval(title: str, mean: float, low: float, high: float) -> str:
    """A difference with its interval, beside zero."""
    figure, axes = _figure(title, "", height=1.5)
    axes.axvline(0, color=_GREY)
    axes.errorbar([mean], [0], xerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]], fmt="o", color=_TUNED, capsize=4)
    axes.set_yticks([])
    axes.set_ylim(-1, 1)
    return _svg(figure)


def curve(title: str, lines: Mapping[str, Sequence[tuple[float, float]]], x: str, y: str, *, log: bool = False) -> str:
    """Up to five lines through (x, y) points. log: a step along x is a multiple."""
    figure, axes = _figure(title, y)
    if log:
        axes.set_xscale("log")
    for colour, (name, points) in zip((_TUNED, _PROMPT, "#b5651d", "#5b5ea6", "#a8323e"), lines.items(), strict=False):
        axes.plot(
            [point[0] for point in points], [point[1] for point in points], marker="." if len(points) < 30 else "", label=name, color=colour
        )
    axes.set_xlabel(x)
    axes.legend(frameon=False)
    return _svg(figure)


def _figure(title: str, label: str, height: float = 3.0) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # not pyplot: it keeps every figure and wants a screen

    figure = Figure(figsize=(6.4, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "answerdesk", "font.sans-serif": ["DejaVu Sans", "Noto Sans CJK SC"]}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
