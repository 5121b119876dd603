"""Pipeline `latency_predictors`: latency samples to k-GNN predictors (§7.4), compared with a ridge regression."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.graphs.nodes import encode_graphs
from autobuild_pipelines.pipelines.latency_predictors.nodes import (
    assess_latency_predictors,
    draw_latency_predictors,
    read_latencies,
)
from autobuild_pipelines.pipelines.predictors.nodes import train_predictors

_DATA = ["latency_architectures", "latency_graphs"]
_SETTINGS = ["params:latency_predictors.targets", "params:latency_predictors", "params:seed"]
_TRAINING = ["params:latency_predictors.targets", "params:latency_predictors", "params:fan_out", "params:seed"]


def create_pipeline() -> Pipeline:
    """Latency samples → checked architectures → predictors, their metrics beside a ridge regression's, figures."""
    return Pipeline(
        [
            node(
                read_latencies,
                ["search_space", "raw_latency_samples", _SETTINGS[0], "params:ingest"],
                ["latency_architectures", "rejected_latency_samples"],
                name="read_latencies",
            ),
            node(encode_graphs, ["search_space", _DATA[0]], _DATA[1], name="encode_latency_graphs"),
            node(
                train_predictors,
                ["search_space", *_DATA, *_TRAINING],
                ["latency_predictors", "latency_training_history"],
                name="train_latency_predictors",
            ),
            node(
                assess_latency_predictors,
                ["search_space", "latency_predictors", *_DATA, *_SETTINGS],
                ["latency_predictor_metrics", "latency_predictions"],
                name="assess_latency_predictors",
            ),
            node(
                draw_latency_predictors,
                [
                    "search_space",
                    "latency_training_history",
                    "latency_predictor_metrics",
                    "latency_predictions",
                    "params:latency_predictors.label_kind",
                ],
                ["latency_training_figure", "latency_predictions_figure"],
                name="draw_latency_predictors",
            ),
        ]
    )
