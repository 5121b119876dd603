"""Pipeline `building`: reduced spaces and directly built architectures."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.building.nodes import build_architectures, reduce_space
from autobuild_pipelines.pipelines.evaluator import evaluator_node


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Module scores → reduced spaces, and the best architectures by sum of scores with their metrics."""
    return Pipeline(
        [
            evaluator_node(outline),
            node(
                reduce_space,
                ["search_space", "module_scores", "params:problems", "params:building"],
                "reduced_space",
                name="reduce_space",
            ),
            node(
                build_architectures,
                [
                    "search_space",
                    "module_scores",
                    "evaluator",
                    "params:evaluators",
                    "params:targets",
                    "params:building",
                ],
                "built_architectures",
                name="build_architectures",
            ),
        ]
    )
