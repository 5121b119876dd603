"""Pipeline `ir_insight`: operator graphs of labelled architectures, what is learned from them, their best subgraphs."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.ir_insight.nodes import (
    assess_operator_predictor,
    build_operator_graphs,
    draw_operator_predictor,
    draw_operator_subgraphs,
    rank_operator_subgraphs,
    train_operator_predictor,
)

_GRAPHS = ["operator_sample", "operator_graphs", "params:targets", "params:ir_insight"]


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Architectures and their networks → predictors of operator graphs, subgraphs by rank, figures.

    A space without a definition of its networks has no such pipeline.
    """
    if not outline.network:
        return Pipeline([])
    return Pipeline(
        [
            node(
                build_operator_graphs,
                ["search_space", "architectures", "params:network", "params:ir_insight", "params:seed"],
                ["operator_sample", "operator_graphs"],
                name="build_operator_graphs",
            ),
            node(
                train_operator_predictor,
                ["search_space", *_GRAPHS, "params:seed"],
                ["operator_predictor", "operator_training_history"],
                name="train_operator_predictor",
            ),
            node(
                assess_operator_predictor,
                ["operator_predictor", *_GRAPHS, "params:seed"],
                ["operator_metrics", "operator_importance"],
                name="assess_operator_predictor",
            ),
            node(
                rank_operator_subgraphs,
                ["operator_predictor", *_GRAPHS],
                "operator_subgraphs",
                name="rank_operator_subgraphs",
            ),
            node(
                draw_operator_subgraphs,
                [
                    "search_space",
                    "operator_subgraphs",
                    "operator_sample",
                    "operator_graphs",
                    "params:ir_insight",
                    "params:label_kind",
                ],
                "operator_subgraphs_figure",
                name="draw_operator_subgraphs",
            ),
            node(
                draw_operator_predictor,
                [
                    "search_space",
                    "operator_training_history",
                    "operator_metrics",
                    "operator_importance",
                    "params:label_kind",
                ],
                ["operator_training_figure", "operator_spearman_figure", "operator_importance_figure"],
                name="draw_operator_predictor",
            ),
        ]
    )
