"""Pipeline `measure_latency`: sampled architectures, each built and timed, for `latency_predictors` to learn from."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.evaluator import latency_evaluator_node
from autobuild_pipelines.pipelines.measure_latency.nodes import measure_sample


def create_pipeline() -> Pipeline:
    """The space and what measures latency → latencies of a sample, and the architectures that failed."""
    return Pipeline(
        [
            latency_evaluator_node(),
            node(
                measure_sample,
                ["search_space", "latency_evaluator", "params:measure_latency", "params:latency", "params:seed"],
                ["latency_samples", "latency_failures"],
                name="measure_sample",
            ),
        ]
    )
