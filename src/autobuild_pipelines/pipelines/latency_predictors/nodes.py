"""Nodes of `latency_predictors`. Encoding and training are those of `graphs` and `predictors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.ingestion import RawRecords, ingest_records
from autobuild_pipelines.pipelines.predictors.nodes import Graphs, assess_predictors, by_model
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.reporting import predictions_figure, training_figure
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.targets import Equation

K_GNN = "k_gnn"


def read_latencies(
    space: SearchSpace, raw_latency_samples: RawRecords, targets: Mapping[str, str], settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the samples that are architectures of the space with the labels that the targets read.

    Returns:
        Tables `latency_architectures` and `rejected_latency_samples`.

    Raises:
        IngestError: More samples are rejected than `settings` allow, or none has a label that is read.
        EquationError: A target is no equation, or not finite for an architecture.
    """
    equations = [Equation(name, text) for name, text in targets.items()]
    readers: dict[str, str] = {}
    for equation in equations:
        for label in equation.columns:
            readers.setdefault(label, f"latency_predictors.targets.{equation.name} ({equation.text})")
    ingested = ingest_records(space, raw_latency_samples, labels=readers, **settings)
    for equation in equations:
        equation.evaluate(ingested.architectures, ids=ingested.architectures["architecture_id"].tolist())
    return ingested.architectures, ingested.rejected


def assess_latency_predictors(
    space: SearchSpace,
    predictors: TrainedPredictors,
    architectures: pd.DataFrame,
    graphs: Graphs,
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the predictors with a ridge regression on one-hot layers.

    Returns:
        Tables `latency_predictor_metrics` and `latency_predictions`.
    """
    metrics, predictions, _ = assess_predictors(space, predictors, architectures, graphs, targets, settings, seed)
    metrics = metrics[~metrics["metric"].str.startswith("spearman_hop")].reset_index(drop=True)
    return metrics.replace({"model": {"autobuild": K_GNN}}), predictions.rename(columns={"autobuild": K_GNN})


def draw_latency_predictors(
    space: SearchSpace, history: pd.DataFrame, metrics: pd.DataFrame, predictions: pd.DataFrame, label_kind: str
) -> tuple[go.Figure, go.Figure]:
    """Training curves, and predicted against true latencies of held-out architectures."""
    title = space.declaration.title or space.name
    return (
        training_figure(history, label_kind=label_kind, space=title),
        predictions_figure(by_model(predictions), metrics=metrics, label_kind=label_kind, space=title),
    )
