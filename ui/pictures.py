"""Figures of the staff's pages as SVG text: drawn by the server, in the page's own colours, with no library and no request."""

import math
from collections.abc import Mapping, Sequence
from html import escape

Point = Sequence[float]
_WIDTH, _HEIGHT = 380, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 370, 26, 166


def losses(training: Sequence[Point], validation: Sequence[Point], steps: int, words: Mapping[str, str]) -> str:
    """The loss over the steps: [step, loss] of each batch, and of each look at the validation rows. Empty without points."""
    training, validation = ([point for point in line if math.isfinite(point[1])] for line in (training, validation))
    points = [*training, *validation]
    if not points:
        return ""
    last = max(steps, 1)
    low, high, every = _ticks(min(y for _, y in points), max(y for _, y in points))

    def at(point: Point) -> str:
        x = _LEFT + (_RIGHT - _LEFT) * point[0] / last
        return f"{x:.1f},{_BOTTOM - (_BOTTOM - _TOP) * (point[1] - low) / (high - low):.1f}"

    drawn = []
    for number in range(round((high - low) / every) + 1):
        value = low + number * every
        y = _BOTTOM - (_BOTTOM - _TOP) * (value - low) / (high - low)
        drawn.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_RIGHT}"/>{_text(_LEFT - 6, y + 4, f"{value:g}", "end")}')
    edges = ((0, "middle"), (0.5, "middle"), (1, "end"))
    drawn += [_text(_LEFT + (_RIGHT - _LEFT) * share, _BOTTOM + 16, f"{round(last * share)}", anchor) for share, anchor in edges]
    drawn.append(_text((_LEFT + _RIGHT) / 2, _HEIGHT - 2, words["step"], "middle"))
    drawn.append(f'<polyline class="one" points="{" ".join(at(point) for point in training)}"/>')
    if validation:
        drawn.append(f'<polyline class="two" points="{" ".join(map(at, validation))}"/>')
        drawn += [f'<circle class="two" cx="{at(point).split(",")[0]}" cy="{at(point).split(",")[1]}" r="2.6"/>' for point in validation]
    drawn.append(_legend(((words["loss_training"], "one"), (words["loss_validation"], "two"))))
    now = f"{words['loss_training']} {training[-1][1]:.3f}" if training else ""
    then = f"{words['loss_validation']} {validation[-1][1]:.3f}" if validation else ""
    return _svg(f"{words['loss']}: {', '.join(part for part in (now, then) if part)}", drawn, _HEIGHT)


def compared(rows: Sequence[tuple[str, float, float]], words: Mapping[str, str]) -> str:
    """Token F1 0..1 of the tuned model and of the best prompt, as two dots on a line for each row: (name, tuned, prompt)."""
    height = _TOP + 30 * len(rows) + 26
    left = 96
    drawn = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = left + (_RIGHT - left) * share
        drawn.append(f'<path class="grid" d="M{x:.1f} {_TOP - 6}V{height - 22}"/>{_text(x, height - 8, f"{share:g}", "middle")}')
    for number, (name, tuned, prompt) in enumerate(rows):
        y = _TOP + 30 * number + 14
        a, b = (left + (_RIGHT - left) * min(1.0, max(0.0, value)) for value in (tuned, prompt))
        drawn.append(_text(left - 10, y + 4, name, "end"))
        drawn.append(f'<path class="between" d="M{a:.1f} {y}H{b:.1f}"/>')
        drawn.append(f'<circle class="two" cx="{b:.1f}" cy="{y}" r="5"/><circle class="one" cx="{a:.1f}" cy="{y}" r="5"/>')
    drawn.append(_legend(((words["tuned"], "one"), (words["best_prompt"], "two"))))
    said = "; ".join(f"{name}: {words['tuned']} {tuned:.3f}, {words['best_prompt']} {prompt:.3f}" for name, tuned, prompt in rows)
    return _svg(f"token F1. {said}", drawn, height)


def interval(mean: float, low: float, high: float, title: str) -> str:
    """A difference with its interval, beside zero."""
    reach = max(0.05, abs(low), abs(high), abs(mean)) * 1.15
    left, right, y = 24, _WIDTH - 24, 56

    def at(value: float) -> float:
        return left + (right - left) * (value + reach) / (2 * reach)

    drawn = [
        _text(left - 14, 14, title, "start"),
        f'<path class="grid" d="M{left} {y}H{right}"/><path class="zero" d="M{at(0):.1f} {y - 16}V{y + 16}"/>',
        f'<path class="reach" d="M{at(low):.1f} {y}H{at(high):.1f}M{at(low):.1f} {y - 7}v14M{at(high):.1f} {y - 7}v14"/>',
        f'<circle class="one" cx="{at(mean):.1f}" cy="{y}" r="5.5"/>',
        _text(at(0), y + 32, "0", "middle"),
    ]
    edges = [(low, "end"), (high, "start")] if at(high) - at(low) < 90 else [(low, "middle"), (high, "middle")]
    drawn += [_text(min(max(at(value), 30), _WIDTH - 30), y - 14, f"{value:+.3f}", anchor) for value, anchor in edges]
    return _svg(f"{title}: {mean:+.3f}, {low:+.3f} … {high:+.3f}", drawn, 94)


def _ticks(low: float, high: float) -> tuple[float, float, float]:
    """Round numbers around a range, and the distance between them: three to six lines."""
    spread = max(high - low, abs(high) * 0.02, 1e-6)
    power = 10.0 ** math.floor(math.log10(spread / 3))
    every = next(power * size for size in (1, 2, 2.5, 5, 10) if spread / (power * size) <= 4)
    return math.floor(low / every) * every, (math.floor(high / every) + 1) * every, every


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _legend(names: Sequence[tuple[str, str]]) -> str:
    drawn, x = [], float(_LEFT)
    for name, kind in names:
        drawn.append(f'<circle class="{kind}" cx="{x:.1f}" cy="9" r="4.5"/>{_text(x + 10, 13, name, "start")}')
        x += 34 + sum(12 if ord(letter) > 0x2E80 else 6.4 for letter in name)
    return "".join(drawn)


def _svg(said: str, drawn: Sequence[str], height: float) -> str:
    label = escape(said, quote=True)
    return f'<svg class="plot" viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'
