"""Pieces of HTML that several panels of the administration are made of."""

from collections.abc import Iterable, Mapping, Sequence

from ui.panels import e


def table(words: Mapping[str, str], names: Sequence[str], rows: str, kind: str = "") -> str:
    """names: keys of the columns' titles, empty for one of buttons. rows: HTML."""
    head = "".join(f'<th scope="col">{e(words[name])}</th>' if name else "<td></td>" for name in names)
    return f'<div class="wide {kind}" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def row(cells: Iterable[str]) -> str:
    """cells: HTML."""
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def facts(pairs: Iterable[tuple[str, object]], kind: str = "") -> str:
    """Names with what they are, side by side."""
    return f'<dl class="{kind}">{"".join(f"<dt>{e(name)}</dt><dd>{e(value)}</dd>" for name, value in pairs)}</dl>'


def lines(texts: Iterable[str]) -> str:
    """A list."""
    return f"<ul>{''.join(f'<li>{e(text)}</li>' for text in texts)}</ul>"


def select(id: str, name: str, label: str, options: Iterable[tuple[object, str]], chosen: object = "") -> str:  # noqa: A002
    """A field with what can be chosen, each a value and how it is called."""
    made = "".join(f'<option value="{e(value)}"{" selected" if value == chosen else ""}>{e(called)}</option>' for value, called in options)
    return f'<div><label for="{id}">{e(label)}</label><select id="{id}" name="{name}">{made}</select></div>'


def go(label: str, kind: str = "", *, here: bool = False, **place: str) -> str:
    """A button that leads to another place of the page."""
    to = ",".join(f'"{name}":"{value}"' for name, value in place.items())
    current = " aria-current=true" if here else ""
    return f'<button type="button" class="{kind}" data-go="{e(f"{{{to}}}")}"{current}>{e(label)}</button>'
