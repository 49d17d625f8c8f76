"""Pictures of what was measured, as files; matplotlib comes with the extra `train`."""

from pathlib import Path
from typing import Any


def settings_plot(result: dict[str, Any], path: Path) -> Path | None:
    """Each setting's gain over the first with its interval, as an SVG or PNG by the path's ending. None without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    rows = list(reversed(result["settings"]))
    means = [row["difference"]["mean"] for row in rows]
    reach = [[row["difference"]["mean"] - row["difference"]["interval"][0] for row in rows]]
    reach.append([row["difference"]["interval"][1] - row["difference"]["mean"] for row in rows])
    figure = Figure(figsize=(8, 1.2 + 0.45 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(means, range(len(rows)), xerr=reach, fmt="o", capsize=4, color="#1f5fa8")
    axes.axvline(0, color="#888888", linewidth=1)
    marks = ["  (best)" if row["name"] == result["best"] else "" for row in rows]
    axes.set_yticks(range(len(rows)), [f"{row['name']}{mark}  {row['score']:.3f}" for row, mark in zip(rows, marks, strict=True)])
    axes.set_xlabel(f"score above {result['baseline']} on the same {result['n']} questions, with its interval")
    figure.savefig(path, dpi=150)
    return path
