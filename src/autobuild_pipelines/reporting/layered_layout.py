"""Places for the nodes of a small directed graph: layers along the edges, few crossings (Sugiyama et al. 1981)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_SWEEPS = 12
_THIN = 0.35
"""Width of an edge that passes through a layer, a node's being 1."""


@dataclass(frozen=True)
class Layout:
    """Where everything stands; layers are 0 at the bottom, where edges lead, and 1 apart; a node is 1 wide.

    Attributes:
        x, layer: [nodes].
        paths: For each edge the points (x, layer) from its source to its target.
        width: Of the whole.
        layers: Their number.
    """

    x: NDArray[np.float64]
    layer: NDArray[np.int64]
    paths: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    layers: int


def layered(nodes: int, edges: Sequence[tuple[int, int]]) -> Layout:
    """Lay out a graph whose edges lead from smaller to larger numbers.

    Args:
        nodes: Their number.
        edges: (source, target).
    """
    layer = np.zeros(nodes, dtype=np.int64)
    for source, target in sorted(edges, key=lambda edge: -edge[1]):
        layer[source] = max(layer[source], layer[target] + 1)
    # An edge over several layers gets a thin node in each layer that it passes.
    place, width = [*layer.tolist()], [1.0] * nodes
    chains: list[list[int]] = []
    for source, target in edges:
        passed = range(int(layer[source]) - 1, int(layer[target]), -1)
        thin = list(range(len(place), len(place) + len(passed)))
        place, width = [*place, *passed], [*width, *([_THIN] * len(passed))]
        chains.append([source, *thin, target])
    x = _places(place, width, chains)
    x -= min(x - np.asarray(width) / 2, default=0.0)
    paths = tuple(tuple((float(x[v]), float(place[v])) for v in chain) for chain in chains)
    total = float(max(x + np.asarray(width) / 2, default=0.0))
    return Layout(x[:nodes], layer, paths, total, int(layer.max(initial=0)) + 1)


def _places(layer: list[int], width: list[float], chains: list[list[int]]) -> NDArray[np.float64]:
    """x of all nodes: swept up and down, each node near the mean of those that it is linked with."""
    links: list[tuple[list[int], list[int]]] = [([], []) for _ in layer]
    for chain in chains:
        for source, target in pairwise(chain):
            links[source][0].append(target)
            links[target][1].append(source)
    members = [[v for v in range(len(layer)) if layer[v] == level] for level in range(max(layer, default=0) + 1)]
    x = np.zeros(len(layer))
    for nodes in members:
        _spread(x, nodes, [0.0] * len(nodes), width)
    for sweep in range(_SWEEPS):
        up = sweep % 2 == 0
        for nodes in members[1:] if up else members[-2::-1]:
            linked = [links[v][0 if up else 1] or [v] for v in nodes]
            _spread(x, nodes, [float(np.mean(x[near])) for near in linked], width)
    return x


def _spread(x: NDArray[np.float64], nodes: list[int], wanted: list[float], width: list[float]) -> None:
    """Put nodes side by side in the order of the places that they want, around the mean of these."""
    order = sorted(range(len(nodes)), key=lambda i: (wanted[i], nodes[i]))
    placed: list[float] = []
    for i in order:
        room = (width[nodes[i]] + width[nodes[order[len(placed) - 1]]]) / 2 if placed else 0.0
        placed.append(max(wanted[i], placed[-1] + room) if placed else wanted[i])
    shift = float(np.mean([wanted[i] for i in order]) - np.mean(placed)) if placed else 0.0
    for i, at in zip(order, placed, strict=True):
        x[nodes[i]] = at + shift
