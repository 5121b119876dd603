"""The architectures of the embedded samples, and the samples themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table


def make_sample(
    space: SearchSpace,
    evaluator: CombinedEvaluator,
    *,
    count: int,
    seed: int,
    graph: Mapping[str, Any] | None = None,
    law: str = "depths",
    among: Sequence[Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """A table of distinct random architectures with labels.

    Args:
        space: The search space.
        evaluator: What labels them: a surrogate, layer latencies, exact costs.
        count: Number of architectures.
        seed: Seed of the draw.
        graph: Fixed graph-level values; those left out are drawn uniformly.
        law: See `SearchSpace.sample`.
        among: Values of shared variables that may occur together, see `sample_architectures`.

    Returns:
        `architecture_id`, graph features, `units`, then the evaluator's metrics, all float64.
    """
    array = sample_architectures(space, count, seed, graph=graph, law=law, among=among)
    labels = evaluator.evaluate(array)
    return to_table(space, array, {name: labels[name].to_numpy() for name in evaluator.metrics})


def sample_architectures(
    space: SearchSpace,
    count: int,
    seed: int,
    *,
    graph: Mapping[str, Any] | None = None,
    law: str = "depths",
    among: Sequence[Mapping[str, Any]] | None = None,
) -> ArchitectureArray:
    """Distinct random architectures.

    Args:
        space: The search space.
        count: How many.
        seed: Seed of the draw.
        graph: Fixed graph-level values; those left out are drawn uniformly.
        law: Of the layers, see `SearchSpace.sample`: "depths" draws every unit's number of layers uniformly first.
        among: Values of shared variables; every architecture has all values of one of these mappings. Any by default.

    Raises:
        ValueError: There are fewer than `count` such architectures, or no such value.
    """
    allowed = _allowed(space, among)
    size = sum(space.assignments.sizes[row] for row in allowed.tolist()) * _graph_choices(space)
    if count > size:
        raise ValueError(f"{space.name} has {size} {'such ' if among else ''}architectures, fewer than {count}")
    rng = np.random.default_rng(seed)

    def draw() -> ArchitectureArray:
        drawn = space.sample(count, rng, law=law, graph=graph)
        kept = np.isin(space.assignments.of(drawn.layers), allowed) if among else np.ones(count, dtype=bool)
        return drawn.take(np.flatnonzero(kept))

    drawn = draw()
    while len(kept := _first_of_each(drawn)) < count:
        drawn = ArchitectureArray.concat([drawn, draw()])
    return drawn.take(kept[:count])


def _allowed(space: SearchSpace, among: Sequence[Mapping[str, Any]] | None) -> NDArray[np.int64]:
    """The assignments of shared variables that have all values of one of the mappings."""
    known = space.assignments.values
    if not among:
        return np.arange(len(known))
    rows = [[row for row, values in enumerate(known) if wanted.items() <= values.items()] for wanted in among]
    if missing := [dict(wanted) for wanted, found in zip(among, rows, strict=True) if not found]:
        raise ValueError(f"{space.name} has no architectures of {missing[0]}")
    return np.unique(np.concatenate([np.asarray(found, dtype=np.int64) for found in rows]))


def _graph_choices(space: SearchSpace) -> int:
    return space.size_with_graph_features // space.size


def _first_of_each(array: ArchitectureArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    seen: dict[bytes, int] = {}
    for row, key in enumerate(array.keys()):
        seen.setdefault(key, row)
    return np.fromiter(seen.values(), dtype=np.int64)
