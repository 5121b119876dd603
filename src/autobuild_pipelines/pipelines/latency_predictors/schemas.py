"""Schemas of the tables that `latency_predictors` makes, as those of `predictors`; its training history is the same."""

from __future__ import annotations

from autobuild_pipelines.pipelines.predictors.schemas import metrics_schema, predictions_schema

LATENCY_PREDICTOR_METRICS = metrics_schema("k_gnn", "latency_predictor_metrics")
LATENCY_PREDICTIONS = predictions_schema("k_gnn", "latency_predictions", "the measured latency")
