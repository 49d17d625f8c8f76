"""Whether one way of answering is better than another, on the same rows: paired bootstrap intervals."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

SAMPLES = 10_000
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Difference:
    """mean: of the second less the first. low, high: its interval. better, worse: the interval leaves out nothing-at-all."""

    mean: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        return self.low > 0


def difference(first: Sequence[float], second: Sequence[float], groups: Sequence[Hashable], *, alpha: float = 0.05) -> Difference:
    """By how much `second` scores above `first`, row by row, with an interval that is wrong with a chance of `alpha`.

    groups: of each row, for instance its conversation; rows of one group are drawn together (Efron and Tibshirani 1993, ch. 8).
    Always the same for the same numbers. Raises ValueError without rows.
    """
    if not first or not len(first) == len(second) == len(groups):
        raise ValueError(f"{len(first)}, {len(second)} scores and {len(groups)} groups; allowed: as many of each, at least one")
    index = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    gained, rows = np.zeros(len(index)), np.zeros(len(index))
    for a, b, group in zip(first, second, groups, strict=True):
        gained[index[group]] += b - a
        rows[index[group]] += 1
    rng = np.random.default_rng(0)
    means = []
    for size in (1000,) * (SAMPLES // 1000):  # in pieces, for the memory's sake
        drawn = rng.integers(0, len(index), (size, len(index)))
        means.append(gained[drawn].sum(axis=1) / rows[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), (alpha / 2, 1 - alpha / 2))
    return Difference(float(gained.sum() / rows.sum()), float(low), float(high))


def best(scores: Mapping[K, Sequence[float]], groups: Sequence[Hashable]) -> tuple[K, dict[K, Difference]]:
    """The way to choose among several, and each one's difference to the first, which is kept unless another is shown to be better.

    An interval is the wider the more ways are compared (Bonferroni), since the best of many looks good by luck.
    """
    first, *others = scores
    alpha = 0.05 / max(1, len(others))
    found = {way: difference(scores[first], scores[way], groups, alpha=alpha) for way in others}
    shown = [way for way in others if found[way].better]
    return max(shown, key=lambda way: found[way].mean, default=first), {first: Difference(0.0, 0.0, 0.0), **found}
