"""Pipeline `draw_built`: what predictors made of features, and what was built, as figures."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.draw_built.nodes import (
    draw_constructions,
    draw_diagrams,
    draw_feature_importance,
    weigh_features,
)


def weigh_features_node() -> Node:
    """The node that `insight` shares."""
    inputs = ["search_space", "predictors", "graphs", "params:predictors", "params:seed"]
    return node(weigh_features, inputs, "feature_importance", name="weigh_features")


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Predictors, module scores and constructed architectures → figures; diagrams where the space has sections."""
    nodes = [
        weigh_features_node(),
        node(
            draw_feature_importance,
            ["search_space", "feature_importance", "params:label_kind"],
            "feature_importance_figure",
            name="draw_feature_importance",
        ),
        node(
            draw_constructions,
            [
                *("search_space", "architectures", "constructed_architectures"),
                *("params:problems", "params:targets", "params:label_kind"),
            ],
            "construction_figure",
            name="draw_constructions",
        ),
    ]
    if outline.diagrams:
        nodes.append(
            node(
                draw_diagrams,
                [
                    *("search_space", "module_scores", "constructed_architectures", "params:building"),
                    *("params:evaluators", "params:targets", "params:diagrams", "params:label_kind"),
                ],
                ["architecture_diagrams_figure", "module_diagrams_figure"],
                name="draw_diagrams",
            )
        )
    return Pipeline(nodes)
