"""Nodes of `make_sample`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.networks import NetworkDefinition
from autobuild_pipelines.sampling import make_sample
from autobuild_pipelines.spaces import SearchSpace


def draw_sample(
    space: SearchSpace,
    network: Mapping[str, Any],
    surrogate: Mapping[str, Any],
    layer_latencies: pd.DataFrame,
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Random architectures with surrogate accuracy, looked-up latency, exact MACs and parameters."""
    definition = NetworkDefinition.from_mapping(space.name, network)
    return make_sample(space, definition, surrogate, layer_latencies, **settings)
