"""Pipeline `exhaustive_search`: predict every architecture of a space, and evaluate the best."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.evaluator import evaluator_node
from autobuild_pipelines.pipelines.exhaustive_search.nodes import search_exhaustively


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Predictors → the architectures of which they promise most, with their metrics."""
    inputs = ["search_space", "predictors", "evaluator"]
    settings = ["params:evaluators", "params:targets", "params:building"]
    return Pipeline(
        [
            evaluator_node(outline),
            node(search_exhaustively, [*inputs, *settings], "exhaustive_architectures", name="search_exhaustively"),
        ]
    )
