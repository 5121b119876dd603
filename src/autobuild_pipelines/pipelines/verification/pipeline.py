"""Pipeline `verification`: the latency of built architectures, measured here, beside what the search was told."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.evaluator import latency_evaluator_node
from autobuild_pipelines.pipelines.verification.nodes import draw_verification, measure_built


def create_pipeline() -> Pipeline:
    """Built architectures → their measured latency, how well it was foretold, and a figure of both."""
    return Pipeline(
        [
            latency_evaluator_node(),
            node(
                measure_built,
                ["search_space", "built_architectures", "latency_evaluator", "params:verification"],
                ["verified_architectures", "verification_metrics"],
                name="measure_built",
            ),
            node(
                draw_verification,
                ["search_space", "verified_architectures", "verification_metrics", "params:verification"],
                "verification_figure",
                name="draw_verification",
            ),
        ]
    )
