"""Pipeline `predictors`: train, compare with the baseline, draw."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.predictors.nodes import (
    assess_predictors,
    draw_predictors,
    list_predicted_targets,
    train_predictors,
)

_SETTINGS = ["predicted_targets", "params:predictors", "params:seed"]
_TRAINING = ["predicted_targets", "params:predictors", "params:fan_out", "params:seed"]


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Graphs and labels → predictors, their metrics beside a ridge regression's, and figures."""
    search = ["params:problems", "params:search"] if outline.searched else []
    return Pipeline(
        [
            node(
                list_predicted_targets,
                ["architectures", "params:targets", *search],
                "predicted_targets",
                name="list_predicted_targets",
            ),
            node(
                train_predictors,
                ["search_space", "architectures", "graphs", *_TRAINING],
                ["predictors", "training_history"],
                name="train_predictors",
            ),
            node(
                assess_predictors,
                ["search_space", "predictors", "architectures", "graphs", *_SETTINGS],
                ["predictor_metrics", "predictions", "embedding_statistics"],
                name="assess_predictors",
            ),
            node(
                draw_predictors,
                ["search_space", "training_history", "predictor_metrics", "predictions", "params:label_kind"],
                ["training_figure", "predictions_figure", "spearman_figure"],
                name="draw_predictors",
            ),
        ]
    )
