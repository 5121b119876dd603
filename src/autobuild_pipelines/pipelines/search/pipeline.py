"""Pipeline `search`: evolutionary search with every variant on one budget."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.evaluator import evaluator_node
from autobuild_pipelines.pipelines.search.nodes import draw_random_members, search_architectures


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Reduced spaces and the evaluator → evaluations and Pareto fronts of every variant."""
    spaces = ["search_space", "reduced_space", "evaluator"]
    settings = ["params:problems", "params:search", "params:seed"]
    return Pipeline(
        [
            evaluator_node(outline),
            node(
                search_architectures,
                [*spaces, "predictors", "params:evaluators", *settings, "stopwatch"],
                ["evaluations", "pareto_fronts", "search_times"],
                name="search_architectures",
            ),
            node(draw_random_members, [*spaces, *settings], "random_members", name="draw_random_members"),
        ]
    )
