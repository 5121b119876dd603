"""Pipeline `design_targets`: labels → target equations that together cover the Pareto front."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.design_targets.nodes import design_equations, draw_designed_targets


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Architectures → designed target equations, ready to paste, and a figure of them for every problem."""
    return Pipeline(
        [
            node(
                design_equations,
                ["architectures", "params:problems", "params:design", "params:label_kind"],
                ["designed_targets", "target_equations"],
                name="design_equations",
            ),
            node(
                draw_designed_targets,
                ["search_space", "architectures", "designed_targets", "params:problems", "params:label_kind"],
                [f"target_design_{problem}_figure" for problem in outline.problems],
                name="draw_designed_targets",
            ),
        ]
    )
