"""How the pages look: Gradio's theme, our style sheet, and nothing that is fetched from elsewhere."""

from pathlib import Path

import gradio as gr

STATIC = Path(__file__).parent / "static"
FONTS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Helvetica Neue",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Arial",
    "sans-serif",
)


def theme() -> gr.themes.Base:
    """A quiet theme in the system's own fonts, so that no font is loaded."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        font=list(FONTS),
        font_mono=["ui-monospace", "Menlo", "Consolas", "Noto Sans Mono CJK SC", "monospace"],
    )


def static(name: str) -> str:
    """A file of the `static` folder, as text."""
    return (STATIC / name).read_text(encoding="utf-8")
