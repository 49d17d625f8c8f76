"""The decision tree as a picture, with the path that was taken."""

from collections.abc import Sequence
from html import escape

_STAGES = (
    ("prompt", "1  A prompt first", "Was the best prompt measured?", ("measured", "not measured")),
    ("good", "2  Good enough?", "Does it reach 0.80 token F1?", ("yes", "no")),
    ("rows", "3  The data", "How many approved examples?", ("under 100", "100 to 499", "500 and more")),
    ("strong", "", "A strong hosted model that may see the data?", ("yes", "no")),
    ("tried", "4  An adapter", "Was one measured against the prompt?", ("no", "worse", "not shown", "better")),
    ("narrow", "", "Over 1,000 rows about one thing?", ("yes", "no")),
    ("both", "5  Both together", "Passages in the prompt, the manner in the adapter", ("yes",)),
)
_WIDTH, _STEP, _BOX, _PILL = 640, 78, 56, 96
_ON, _OFF, _INK = "#0b7a75", "#c9ccd1", "#1d2126"


def picture(path: Sequence[tuple[str, str]], advice: str) -> str:
    """SVG of all stages from top to bottom; those on the path, and the answers taken, are coloured."""
    taken = dict(path)
    height = _STEP * len(_STAGES) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="system-ui,sans-serif" font-size="13" '
        f'role="img" aria-label="{escape("; ".join(f"{name}: {answer}" for name, answer in path), quote=True)}">'
    ]
    for number, (name, title, question, answers) in enumerate(_STAGES):
        parts += _stage(
            number * _STEP + 4, name in taken, f"{title}  {question}".strip(), [(one, taken.get(name) == one) for one in answers]
        )
    top = _STEP * len(_STAGES) + 8
    parts.append(f'<rect x="8" y="{top}" width="{_WIDTH - 16}" height="40" rx="8" fill="{_ON}"/>')
    parts.append(f'<text x="{_WIDTH / 2}" y="{top + 25}" text-anchor="middle" fill="#fff" font-weight="600">{escape(advice)}</text></svg>')
    return "".join(parts)


def _stage(top: float, on: bool, text: str, answers: Sequence[tuple[str, bool]]) -> list[str]:
    colour = _ON if on else _OFF
    edge = f'stroke="{colour}" stroke-width="{2 if on else 1}"'
    drawn = [
        f'<rect x="8" y="{top}" width="{_WIDTH - 16}" height="{_BOX}" rx="8" fill="#fff" {edge}/>',
        f'<text x="20" y="{top + 20}" fill="{_INK if on else "#6b7078"}">{escape(text)}</text>',
        f'<path d="M{_WIDTH / 2} {top + _BOX} v{_STEP - _BOX}" stroke="{colour}"/>',
    ]
    for number, (answer, chosen) in enumerate(answers):
        left = 20 + number * (_PILL + 8)
        drawn.append(f'<rect x="{left}" y="{top + 28}" width="{_PILL}" height="20" rx="10" fill="{_ON if chosen else "#eef0f2"}"/>')
        ink = "#fff" if chosen else "#6b7078"
        drawn.append(
            f'<text x="{left + _PILL / 2}" y="{top + 42}" text-anchor="middle" font-size="11" fill="{ink}">{escape(answer)}</text>'
        )
    return drawn
