"""Pipeline `make_sample`: the embedded sample, byte for byte the committed one."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.make_sample.nodes import draw_sample


def create_pipeline() -> Pipeline:
    """The space's network, surrogate and layer latencies → a sample of labelled architectures."""
    inputs = ["search_space", "params:network", "params:surrogate", "layer_latencies", "params:sample"]
    return Pipeline([node(draw_sample, inputs, "sample", name="draw_sample")])
