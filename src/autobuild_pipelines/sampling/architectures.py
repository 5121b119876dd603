"""The architectures of the embedded samples, and the samples themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table


def make_sample(
    space: SearchSpace,
    evaluator: CombinedEvaluator,
    *,
    count: int,
    seed: int,
    graph: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """A table of distinct random architectures with labels.

    Args:
        space: The search space.
        evaluator: What labels them: a surrogate, layer latencies, exact costs.
        count: Number of architectures.
        seed: Seed of the draw.
        graph: Fixed graph-level values; those left out are drawn uniformly.

    Returns:
        `architecture_id`, graph features, `units`, then the evaluator's metrics, all float64.
    """
    array = sample_architectures(space, count, seed, graph=graph)
    labels = evaluator.evaluate(array)
    return to_table(space, array, {name: labels[name].to_numpy() for name in evaluator.metrics})


def sample_architectures(
    space: SearchSpace, count: int, seed: int, *, graph: Mapping[str, Any] | None = None
) -> ArchitectureArray:
    """Distinct architectures; every unit's number of layers and every graph feature not given is drawn uniformly first.

    Raises:
        ValueError: The space has fewer than `count` architectures.
    """
    if count > space.size_with_graph_features:
        raise ValueError(f"{space.name} has {space.size_with_graph_features} architectures, fewer than {count}")
    rng = np.random.default_rng(seed)
    drawn = space.sample(count, rng, law="depths", graph=graph)
    while len(kept := _first_of_each(drawn)) < count:
        drawn = ArchitectureArray.concat([drawn, space.sample(count, rng, law="depths", graph=graph)])
    return drawn.take(kept[:count])


def _first_of_each(array: ArchitectureArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    seen: dict[bytes, int] = {}
    for row, key in enumerate(array.keys()):
        seen.setdefault(key, row)
    return np.fromiter(seen.values(), dtype=np.int64)
