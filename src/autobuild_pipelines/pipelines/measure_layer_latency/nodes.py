"""Nodes of `measure_layer_latency`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.networks import NetworkDefinition
from autobuild_pipelines.networks.layer_timing import TimingSettings, measure_layer_latencies
from autobuild_pipelines.spaces import SearchSpace


def time_layers(space: SearchSpace, network: Mapping[str, Any], settings: Mapping[str, Any]) -> pd.DataFrame:
    """Time every layer at every place and resolution on this machine's CPU; one row a layer."""
    definition = NetworkDefinition.from_mapping(space.name, network)
    return measure_layer_latencies(space, definition, TimingSettings(**settings))
