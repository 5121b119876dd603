"""Directions in which to look for good architectures: weights of objectives that are measured in deviations."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DIVISIONS = 12
"""Steps of the grid of shares from which directions of three or more objectives are taken."""


def directions(count: int, objectives: int) -> Floats:
    """Weights of equations that together cover a front, from the first objective to the others.

    A direction gives each objective a share s, weighed sin(s · π / 2): with two objectives an angle between "the first
    alone" and "the second alone". Two objectives get the Chebyshev nodes of that quarter circle: closer to each other
    towards its ends, where no equation beyond helps to cover the front, but never at an end, where one objective
    would not count at all. More objectives get "each one nearly alone", then whatever is farthest from the
    directions chosen (all alike, at first; more of the first objective where two are as far), as far inside as the
    Chebyshev nodes are.

    Args:
        count: Number of directions.
        objectives: m, 2 or more.

    Returns:
        [count, m] positive weights, each row of length 1.

    Raises:
        ValueError: There are fewer than two objectives, or fewer directions than objectives.
    """
    if objectives < 2 or count < objectives:
        raise ValueError(f"expected two objectives or more and as many directions, got {objectives} and {count}")
    inside = (1 - math.cos(math.pi / (2 * count))) / 2
    if objectives == 2:
        second = (1 - np.cos((2 * np.arange(count) + 1) * np.pi / (2 * count))) / 2
        shares = np.stack([1 - second, second], axis=1)
    else:
        shares = _spread(count, objectives)
        shares = (1 - objectives * inside) * shares + inside
        shares = shares[np.lexsort(-shares.T[::-1])]
    weights = np.sin(shares * np.pi / 2)
    return np.asarray(weights / np.linalg.norm(weights, axis=1, keepdims=True))


def _spread(count: int, objectives: int) -> Floats:
    """[count, objectives] points of the grid of shares: the corners, then always the one farthest from all chosen."""
    grid = _grid(objectives)
    chosen = list(np.eye(objectives))
    distance = np.linalg.norm(grid[:, None] - np.eye(objectives), axis=2).min(axis=1)
    while len(chosen) < count:
        # Rounded: equal distances must not be told apart by their last bit.
        farthest = grid[int(distance.round(9).argmax())]
        chosen.append(farthest)
        distance = np.minimum(distance, np.linalg.norm(grid - farthest, axis=1))
    return np.asarray(chosen)


def _grid(objectives: int) -> Floats:
    """All shares that are multiples of 1 / DIVISIONS and add up to 1; those of the first objective fall."""
    bars = np.asarray(list(combinations(range(DIVISIONS + objectives - 1), objectives - 1)))
    edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), DIVISIONS + objectives - 1)])
    return np.asarray((np.diff(edges, axis=1) - 1) / DIVISIONS)[::-1]
