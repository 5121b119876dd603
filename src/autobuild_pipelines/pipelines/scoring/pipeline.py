"""Pipeline `scoring`: which modules make a network good."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.scoring.nodes import draw_module_scores, lead_modules, score_all_modules


def create_pipeline() -> Pipeline:
    """Predictors and label statistics → module scores, the leaders of every unit and their figure."""
    inputs = ["search_space", "predictors", "graphs", "label_statistics"]
    settings = ["params:targets", "params:scoring", "params:predictors", "params:seed"]
    return Pipeline(
        [
            node(score_all_modules, [*inputs, *settings], "module_scores", name="score_all_modules"),
            node(lead_modules, ["module_scores", "params:building"], "module_leaders", name="lead_modules"),
            node(
                draw_module_scores,
                ["search_space", "module_scores", "params:scoring", "params:building", "params:label_kind"],
                "module_scores_figure",
                name="draw_module_scores",
            ),
        ]
    )
