"""Pipeline `evaluation`: compare variants, and draw what they found."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.evaluation.nodes import compare_variants, draw_hypervolumes, draw_pareto_fronts

_FOUND = ["search_space", "architectures", "built_architectures", "evaluations"]


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Evaluations, built architectures and the training set → comparison and figures."""
    return Pipeline(
        [
            node(
                compare_variants,
                [*_FOUND, "params:problems", "params:evaluation", "params:label_kind"],
                ["comparison", "budget_progress"],
                name="compare_variants",
            ),
            node(
                draw_hypervolumes,
                ["search_space", "architectures", "evaluations", "params:problems", "params:label_kind"],
                "hypervolume_figure",
                name="draw_hypervolumes",
            ),
            node(
                draw_pareto_fronts,
                [*_FOUND, "comparison", "params:problems", "params:label_kind"],
                [f"pareto_{problem}_figure" for problem in outline.problems],
                name="draw_pareto_fronts",
            ),
        ]
    )
