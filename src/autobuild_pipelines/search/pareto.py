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
        values: [n, objectives]. Rows with NaN (evaluations that failed) dominate nothing and are not kept.
        maximise: Per objective, whether more is better.

    Returns:
        [n] mask.
    """
    points = np.asarray(values, dtype=np.float64)
    mask = np.asarray(~np.isnan(points).any(axis=1) if len(points) else np.zeros(0), dtype=bool)
    if mask.any():
        mask[mask] = moocore.is_nondominated(points[mask], maximise=list(maximise), keep_weakly=True)
    return mask


def hypervolume(values: ArrayLike, reference: Sequence[float], maximise: Sequence[bool]) -> float:
    """The volume that the points dominate within the reference point, in the product of the objectives' units.

    Args:
        values: [n, objectives]. Points that are not better than the reference in every objective add nothing, nor do
            rows with NaN.
        reference: Per objective the worst value that counts.
        maximise: Per objective, whether more is better.

    Returns:
        The hypervolume; 0 without points.
    """
    points = np.asarray(values, dtype=np.float64)
    points = points[~np.isnan(points).any(axis=1)] if len(points) else points
    if not len(points):
        return 0.0
    return float(moocore.hypervolume(points, ref=list(reference), maximise=list(maximise)))
