"""Pipeline `scoring`: which modules make a network good."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.scoring.nodes import score_all_modules


def create_pipeline() -> Pipeline:
    """Predictors and label statistics → module scores."""
    inputs = ["search_space", "predictors", "graphs", "label_statistics"]
    settings = ["params:scoring", "params:predictors", "params:seed"]
    return Pipeline([node(score_all_modules, [*inputs, *settings], "module_scores", name="score_all_modules")])
