"""Pipeline `make_sample`: the embedded samples, byte for byte the committed ones."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.evaluator import evaluator_inputs
from autobuild_pipelines.pipelines.make_sample.nodes import draw_sample


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """What labels them (the space's network, surrogate, layer latencies) → samples of labelled architectures."""
    return Pipeline(
        [
            node(
                draw_sample,
                {"space": "search_space", "settings": f"params:{sample}", **evaluator_inputs(types)},
                sample,
                name=f"draw_{sample}",
            )
            for sample, types in outline.samples.items()
        ]
    )
