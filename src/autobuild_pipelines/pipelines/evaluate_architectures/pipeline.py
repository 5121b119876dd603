"""Pipeline `evaluate_architectures`: what the configured evaluators say of a list of architectures that one has."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.evaluate_architectures.nodes import evaluate_architectures, read_architectures
from autobuild_pipelines.pipelines.evaluator import evaluator_node


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """`--params space=NAME,architectures=PATH` → evaluated architectures."""
    return Pipeline(
        [
            evaluator_node(outline),
            node(
                read_architectures,
                ["search_space", "submitted_architectures", "params:ingest"],
                ["accepted_architectures", "rejected_submitted_architectures"],
                name="read_architectures",
            ),
            node(
                evaluate_architectures,
                ["search_space", "accepted_architectures", "evaluator", "params:evaluators"],
                "evaluated_architectures",
                name="evaluate_architectures",
            ),
        ]
    )
