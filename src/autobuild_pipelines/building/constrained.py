"""The best combinations of one item per unit that agree on what units share, without forming the product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autobuild_pipelines.building.combinations import best_combinations

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def best_agreeing_combinations(
    scores: Sequence[ArrayLike], parts: Sequence[ArrayLike], assignments: Integers, count: int
) -> tuple[Integers, Floats]:
    """The `count` combinations with the largest sums among those that some assignment allows, exactly.

    Given an assignment the units are independent, so its best sums are those of `best_combinations` on the items of
    its parts, and the largest of them is the sum of the units' best items. Assignments are taken up in the order of
    that largest sum, until the next one's falls below the `count` best combinations found.

    Args:
        scores: Per unit the scores of its items, finite. Higher is better.
        parts: Per unit the part that every item belongs to, 0 or more.
        assignments: [assignments, units] the parts that go with one another; rows are distinct.
        count: How many combinations; all that agree when there are fewer.

    Returns:
        Indices [n, units] into the lists and sums [n], best first, ties as in `best_combinations`. Nothing (n = 0) when
        every assignment asks for a part of which some unit has no item.

    Raises:
        ValueError: Scores are as `best_combinations` refuses them, or lists do not fit together.
    """
    values = [np.asarray(unit, dtype=np.float64) for unit in scores]
    of_item = [np.asarray(unit, dtype=np.int64) for unit in parts]
    if [len(v) for v in values] != [len(p) for p in of_item] or assignments.shape[1:] != (len(values),):
        raise ValueError("expected a part for every item, and assignments of a part to every unit")
    best_combinations(values, 0)  # refuses what it would refuse of any part
    bounds = _bounds(values, of_item, assignments)
    found = np.empty((0, len(values)), dtype=np.int64)
    keys = np.empty((0, 0))
    for row in np.argsort(-bounds, kind="stable"):
        enough = count and len(found) == count
        if np.isneginf(bounds[row]) or not count or (enough and bounds[row] < keys[-1, -1]):
            break
        items = [np.flatnonzero(unit == part) for unit, part in zip(of_item, assignments[row], strict=True)]
        index, _ = best_combinations([v[i] for v, i in zip(values, items, strict=True)], count)
        index = np.stack([i[column] for i, column in zip(items, index.T, strict=True)], axis=1)
        found, keys = _best(np.concatenate([found, index]), values, count)
    return found, keys[:, -1] if len(found) else np.empty(0)


def _bounds(values: Sequence[Floats], parts: Sequence[Integers], assignments: Integers) -> Floats:
    """[assignments] the largest sum of each, added from the first unit to the last; -inf where a unit has no item."""
    total = np.zeros(len(assignments))
    for unit, of_item, wanted in zip(values, parts, assignments.T, strict=True):
        best = np.full(max(of_item.max(), wanted.max(initial=0)) + 1, -np.inf)
        np.maximum.at(best, of_item, unit)
        total = total + best[wanted]
    return total


def _best(found: Integers, values: Sequence[Floats], count: int) -> tuple[Integers, Floats]:
    """The first `count` of combinations in the order of `best_combinations`, and their sums over 1, 2, ... units."""
    columns = list(zip(values, found.T, strict=True))
    sums = np.cumsum(np.stack([unit[chosen] for unit, chosen in columns], axis=1), axis=1)
    places = [np.argsort(np.argsort(-unit, kind="stable"))[chosen] for unit, chosen in columns]
    order = np.lexsort([*reversed(places), *(-sums.T)])[:count]
    return found[order], sums[order]
