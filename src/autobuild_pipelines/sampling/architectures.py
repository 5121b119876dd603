"""The architectures of the embedded sample, and the sample itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from autobuild_pipelines.evaluators.layer_costs import LayerLatencyTable
from autobuild_pipelines.evaluators.surrogate import AccuracySurrogate
from autobuild_pipelines.evaluators.surrogate_settings import SurrogateSettings
from autobuild_pipelines.networks import NetworkDefinition, macs, parameters
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table


def make_sample(
    space: SearchSpace,
    definition: NetworkDefinition,
    surrogate: SurrogateSettings | Mapping[str, Any],
    latency_table: pd.DataFrame,
    *,
    count: int,
    seed: int,
) -> pd.DataFrame:
    """A table of distinct random architectures with labels.

    Args:
        space: The search space.
        definition: Its networks.
        surrogate: The surrogate's calibrated coefficients (or their mapping).
        latency_table: Measured layer latencies (`networks.layer_timing.measure_layer_latencies`).
        count: Number of architectures.
        seed: Seed of the draw.

    Returns:
        `architecture_id`, graph features, `units`, then `acc` (a fraction; a **surrogate**, not measured),
        `latency_cpu_ms` (a sum of measured layer latencies), `macs` and `params` (exact); all float64.
    """
    if not isinstance(surrogate, SurrogateSettings):
        surrogate = SurrogateSettings.from_mapping(space.name, surrogate)
    array = sample_architectures(space, count, seed)
    labels: dict[str, ArrayLike] = {
        "acc": AccuracySurrogate(space, surrogate).evaluate(array)["acc"].to_numpy(),
        "latency_cpu_ms": LayerLatencyTable(space, latency_table).evaluate(array)["latency_cpu_ms"].to_numpy(),
        "macs": macs(space, definition, array).astype(np.float64),
        "params": parameters(space, definition, array).astype(np.float64),
    }
    return to_table(space, array, labels)


def sample_architectures(space: SearchSpace, count: int, seed: int) -> ArchitectureArray:
    """Distinct architectures; every unit's number of layers and every graph feature is drawn uniformly first.

    Raises:
        ValueError: The space has fewer than `count` architectures.
    """
    if count > space.size_with_graph_features:
        raise ValueError(f"{space.name} has {space.size_with_graph_features} architectures, fewer than {count}")
    rng = np.random.default_rng(seed)
    drawn = space.sample(count, rng, law="depths")
    while len(kept := _first_of_each(drawn)) < count:
        drawn = ArchitectureArray.concat([drawn, space.sample(count, rng, law="depths")])
    return drawn.take(kept[:count])


def _first_of_each(array: ArchitectureArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    seen: dict[bytes, int] = {}
    for row, key in enumerate(array.keys()):
        seen.setdefault(key, row)
    return np.fromiter(seen.values(), dtype=np.int64)
