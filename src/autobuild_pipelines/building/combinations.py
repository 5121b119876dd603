"""The best combinations of one item per unit by the sum of their scores, without forming the product."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def best_combinations(scores: Sequence[ArrayLike], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The `count` combinations with the largest sums, exactly.

    Units join one after the other. The i-th best prefix with the j-th best item (both from 1) has i · j - 1 pairs
    before it that are at least as good, so only pairs with i · j <= count can be among the best: about
    count · ln(count) of them for each unit, however long the lists are.

    Args:
        scores: Per unit the scores of its items, finite. Higher is better.
        count: How many combinations; all of them when there are fewer.

    Returns:
        Indices [n, units] into the lists and sums [n] (added from the first unit to the last), best first. Equal sums
        go by the sum without the last unit, then without the last two and so on, then by the first unit's index, then
        by the items' places in the order of their units.

    Raises:
        ValueError: A list is empty, not one-dimensional or not finite, or `count` is negative.
    """
    if count < 0:
        raise ValueError(f"count must be 0 or more, got {count}")
    lists = [_checked(values, unit) for unit, values in enumerate(scores, start=1)]
    if not lists:
        raise ValueError("expected the scores of at least one unit")
    indices, sums = np.zeros((1, 0), dtype=np.int64), np.zeros(1)
    for values in lists:
        order = np.argsort(-values, kind="stable")[:count]
        prefix, item = _pairs_that_may_win(len(sums), len(order), count)
        totals = sums[prefix] + values[order[item]] if indices.shape[1] else values[order[item]]
        best = np.lexsort((item, prefix, -totals))[:count]
        indices = np.column_stack([indices[prefix[best]], order[item[best]]])
        sums = totals[best]
    return indices, sums


def combination_count(scores: Sequence[ArrayLike]) -> int:
    """How many combinations there are, exactly (a Python integer of any size)."""
    return math.prod(len(np.asarray(values)) for values in scores)


def _pairs_that_may_win(prefixes: int, items: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (i, j) with i < prefixes, j < items and (i + 1)(j + 1) <= count."""
    rows = np.arange(min(prefixes, count), dtype=np.int64)
    widths = np.minimum(items, count // (rows + 1))
    prefix = np.repeat(rows, widths)
    item = np.arange(len(prefix), dtype=np.int64) - np.repeat(np.cumsum(widths) - widths, widths)
    return prefix, item


def _checked(values: ArrayLike, unit: int) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"unit {unit}: expected a non-empty list of scores, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"unit {unit}: the score of item {int(np.flatnonzero(~np.isfinite(array))[0])} is not finite")
    return array
