"""Pipeline `measure_layer_latency`: the one step whose result depends on the machine; run it once, commit the table."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.measure_layer_latency.nodes import time_layers


def create_pipeline() -> Pipeline:
    """The space's network → latencies of its layers on this machine."""
    inputs = ["search_space", "params:network", "params:layer_timing"]
    return Pipeline([node(time_layers, inputs, "measured_layer_latencies", name="time_layers")])
