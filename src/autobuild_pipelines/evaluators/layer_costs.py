"""Latency of an architecture as a sum over a table of measured layers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from autobuild_pipelines.networks.costs import LayerCosts, positions
from autobuild_pipelines.networks.layer_timing import LATENCY
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace


class LayerTableError(ValueError):
    """A table of layer latencies does not cover its space; the message names what is missing."""


class LayerLatencyTable:
    """CPU latency [ms] of architectures: the stem, every layer and the head, looked up and added.

    Args:
        space: The search space.
        table: As `networks.layer_timing.measure_layer_latencies` returns it: `part`, `unit`, `position`, the layer
            features, the resolution, `latency_cpu_ms`.
        resolution: Name of the graph feature that is the input resolution.

    Raises:
        LayerTableError: A column or a layer is missing, listed twice, or its latency is not a positive number.
    """

    metrics: tuple[str, ...] = (LATENCY,)
    support: ArchitectureArray | None = None

    def __init__(self, space: SearchSpace, table: pd.DataFrame, *, resolution: str = "resolution") -> None:
        self.space = space
        self.costs = _layer_costs(space, table, resolution)

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """Column `latency_cpu_ms` [n], with four decimals."""
        return pd.DataFrame({LATENCY: np.round(self.costs.total(array), 4)})


def _layer_costs(space: SearchSpace, table: pd.DataFrame, resolution: str) -> LayerCosts[np.float64]:
    where = f"layer latencies of space {space.name!r}"
    if resolution not in space.graph_features:
        raise LayerTableError(f"{where}: {resolution!r} is not a graph feature of the space")
    columns = ["part", "unit", "position", *space.features, resolution, LATENCY]
    if missing := [c for c in columns if c not in table.columns]:
        raise LayerTableError(f"{where}: lacks the columns {missing}")
    values = pd.to_numeric(table[LATENCY], errors="coerce")
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise LayerTableError(f"{where}: {LATENCY} must be positive, row {int(np.flatnonzero(bad)[0])} is not")

    choices = space.declaration.graph_features[resolution].choices
    found: dict[tuple[object, ...], float] = {}
    for row in table[columns].to_dict("records"):
        layer = tuple(row[f] for f in space.features) if row["part"] == "layer" else ()
        key = (row["part"], int(row["unit"]), row["position"] if layer else "", *layer, row[resolution])
        if key in found:
            raise LayerTableError(f"{where}: lists {key} twice")
        found[key] = float(row[LATENCY])

    def lookup(*key: object) -> float:
        if key not in found:
            names = ", ".join(["part", "unit", "position", *space.features, resolution])
            raise LayerTableError(f"{where}: lacks {key} ({names})")
        return found[key]

    costs = np.zeros((len(choices), space.slots, len(space.layers) + 1))
    fixed = np.asarray([lookup("stem", 0, "", r) + lookup("head", 0, "", r) for r in choices])
    for position in positions(space):
        for code in space.units[position.unit - 1].codes:
            layer_values = dict(space.layers[code])
            layer = tuple(layer_values[f] for f in space.features)
            for index, value in enumerate(choices):
                latency = lookup("layer", position.unit, position.name, *layer, value)
                costs[index, list(position.slots), code] = latency
    return LayerCosts(costs, fixed, space.graph_features.index(resolution))
