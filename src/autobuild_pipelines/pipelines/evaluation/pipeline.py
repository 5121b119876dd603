"""Pipeline `evaluation`: compare variants, and draw what they found."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.evaluation.nodes import (
    compare_variants,
    draw_fine_tuned_fronts,
    draw_hypervolumes,
    draw_pareto_fronts,
)

_FOUND = ["search_space", "architectures", "built_architectures", "evaluations"]
_FINE_TUNED = "fine_tuned_architectures"


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Evaluations, built architectures, the training set and the fine-tuned set, if any → comparison and figures."""
    nodes = [
        node(
            compare_variants,
            [
                *_FOUND,
                "params:problems",
                "params:evaluation",
                "params:label_kind",
                *([_FINE_TUNED] if outline.fine_tuned else []),
            ],
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
    if outline.fine_tuned:
        nodes.append(
            node(
                draw_fine_tuned_fronts,
                ["search_space", "built_architectures", _FINE_TUNED, "params:problems", "params:label_kind"],
                [f"fine_tuned_{problem}_figure" for problem in outline.problems],
                name="draw_fine_tuned_fronts",
            )
        )
    return Pipeline(nodes)
