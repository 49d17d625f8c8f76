"""Intervals by resampling whole conversations, since the replies of one conversation are not independent."""

from collections.abc import Sequence

import numpy as np


def paired(
    one: Sequence[float], other: Sequence[float], groups: Sequence[str], draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of `one` minus `other` and its 95 % percentile interval, resampling `groups` with replacement (Efron 1979; Koehn 2004).

    The three are as long as each other, one entry a reply. With a single group the interval is as wide as can be: -1 to 1.
    Raises `ValueError` when they are empty or not of one length.
    """
    if not one or not len(one) == len(other) == len(groups):
        raise ValueError(f"got {len(one)}, {len(other)} and {len(groups)} values; they have to be as many of each, and at least one")
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    difference = np.asarray(one, float) - np.asarray(other, float)
    mean = float(difference.mean())
    if len(names) < 2:
        return mean, -1.0, 1.0
    sums, sizes = np.bincount(place, difference), np.bincount(place)
    drawn = np.random.default_rng(seed).integers(0, len(names), (draws, len(names)))
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return mean, float(low), float(high)
