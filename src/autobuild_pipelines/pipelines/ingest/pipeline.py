"""Pipeline `ingest`: raw samples to checked architectures."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.ingest.nodes import check_architectures

_SETTINGS = ["params:targets", "params:evaluators", "params:problems", "params:ingest"]


def create_pipeline() -> Pipeline:
    """Raw samples → architectures, and the rejected ones beside them."""
    return Pipeline(
        [
            node(
                check_architectures,
                ["search_space", "raw_samples", *_SETTINGS],
                ["architectures", "rejected_architectures"],
                name="check_architectures",
            )
        ]
    )
