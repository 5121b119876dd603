"""Pareto sets and hypervolumes, over moocore."""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto_mask(values: ArrayLike, maximise: Sequence[bool]) -> NDArray[np.bool_]:
    """Which points no other point dominates.

    Points with equal values do not dominate each other: all of them are kept (moocore's `keep_weakly`), because
    different architectures with the same objectives are different parents of a search.

    Args:
        values: [n, objectives], finite.
        maximise: Per objective, whether more is better.

    Returns:
        [n] mask.
    """
    points = np.asarray(values, dtype=np.float64)
    if not len(points):
        return np.zeros(0, dtype=bool)
    return np.asarray(moocore.is_nondominated(points, maximise=list(maximise), keep_weakly=True), dtype=bool)


def hypervolume(values: ArrayLike, reference: Sequence[float], maximise: Sequence[bool]) -> float:
    """The volume that the points dominate within the reference point, in the product of the objectives' units.

    Args:
        values: [n, objectives], finite. Points that are not better than the reference in every objective add nothing.
        reference: Per objective the worst value that counts.
        maximise: Per objective, whether more is better.

    Returns:
        The hypervolume; 0 without points.
    """
    points = np.asarray(values, dtype=np.float64)
    if not len(points):
        return 0.0
    return float(moocore.hypervolume(points, ref=list(reference), maximise=list(maximise)))
