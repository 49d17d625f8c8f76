"""The decision tree as a picture, with the path that was taken."""

from collections.abc import Sequence
from html import escape

from finetune.said import Tongue, label

_STAGES = (
    ("prompt", ("measured", "not measured")),
    ("good", ("yes", "no")),
    ("rows", ("under 100", "100 to 499", "500 and more")),
    ("strong", ("yes", "no")),
    ("tried", ("no", "worse", "not shown", "stopped", "better")),
    ("narrow", ("yes", "no")),
    ("both", ("yes",)),
)
_WIDTH, _STEP, _BOX, _PILL = 400, 96, 80, 88
# A page's own colours where there is one around it; these where the picture stands alone.
_ON, _ON_INK = "fill:var(--accent,#0b7a75)", "fill:var(--on-accent,#ffffff)"
_OFF, _OFF_INK, _INK = "fill:var(--ground,#eef0f2)", "fill:var(--soft,#5d636b)", "fill:var(--ink,#1d2126)"


def picture(path: Sequence[tuple[str, str]], advice: str, language: Tongue = "en") -> str:
    """SVG of all stages from top to bottom; those on the path, and the answers taken, are coloured."""
    taken = dict(path)
    last, height = _STEP * len(_STAGES) + 4, _STEP * len(_STAGES) + 52
    told = label(f"advice_{advice}", language)
    said = "; ".join([*(f"{label(f'asks_{name}', language)} {_answer(answer, language)}" for name, answer in path), told])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tree" viewBox="0 0 {_WIDTH} {height}" font-family="system-ui,sans-serif" '
        f'font-size="13" role="img" aria-label="{escape(said, quote=True)}">'
    ]
    for number, (name, answers) in enumerate(_STAGES):
        marked = [(_answer(one, language), taken.get(name) == one) for one in answers]
        parts += _stage(number * _STEP + 4, name in taken, label(f"stage_{name}", language), label(f"asks_{name}", language), marked)
    parts.append(f'<rect x="4" y="{last}" width="{_WIDTH - 8}" height="44" rx="8" style="{_ON}"/>')
    middle = f'x="{_WIDTH / 2}" y="{last + 27}" text-anchor="middle" font-weight="600"'
    parts.append(f'<text {middle} style="{_ON_INK}">{escape(told)}</text></svg>')
    return "".join(parts)


def _answer(answer: str, language: Tongue) -> str:
    return label(f"answer_{answer.replace(' ', '_')}", language)


def _stage(top: float, on: bool, title: str, question: str, answers: Sequence[tuple[str, bool]]) -> list[str]:
    line = "var(--accent,#0b7a75)" if on else "var(--line,#c9ccd1)"
    edge = f"fill:var(--surface,#ffffff);stroke:{line};stroke-width:{2 if on else 1}"
    ink = _INK if on else _OFF_INK
    drawn = [
        f'<path d="M{_WIDTH / 2} {top + _BOX} v{_STEP - _BOX}" style="stroke:{line}"/>',
        f'<rect x="4" y="{top}" width="{_WIDTH - 8}" height="{_BOX}" rx="8" style="{edge}"/>',
        f'<text x="16" y="{top + 19}" font-size="12" font-weight="600" style="{ink}">{escape(title)}</text>',
        f'<text x="16" y="{top + 38}" style="{ink}">{escape(question)}</text>',
    ]
    wide = min(_PILL, (_WIDTH - 32) // len(answers) - 5)
    for number, (answer, chosen) in enumerate(answers):
        left = 16 + number * (wide + 5)
        drawn.append(f'<rect x="{left}" y="{top + 48}" width="{wide}" height="22" rx="11" style="{_ON if chosen else _OFF}"/>')
        drawn.append(
            f'<text x="{left + wide / 2}" y="{top + 63}" text-anchor="middle" font-size="11.5" '
            f'style="{_ON_INK if chosen else _OFF_INK}">{escape(answer)}</text>'
        )
    return drawn
