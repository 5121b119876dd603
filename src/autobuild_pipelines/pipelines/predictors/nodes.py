"""Nodes of `predictors`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from autobuild_pipelines.pipelines.predictors.runner import training_runner
from autobuild_pipelines.predictors import (
    PRESETS,
    RidgeBaseline,
    TrainedPredictors,
    embedding_statistics,
    held_out_predictions,
    predictor_metrics,
    read_predictor,
    split_rows,
    train,
)
from autobuild_pipelines.reporting import predictions_figure, spearman_figure, training_figure
from autobuild_pipelines.search import SearchSettings, objective_targets, read_problems
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace
from autobuild_pipelines.targets import Equation

log = logging.getLogger(__name__)

Graphs = Mapping[str, NDArray[np.int16]]
Labels = dict[str, NDArray[np.float64]]


def list_predicted_targets(
    architectures: pd.DataFrame,
    targets: Mapping[str, str],
    problems: Mapping[str, Any] | None = None,
    search: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """The target equations, and where a search is guided the objectives that are not among them: name → equation."""
    if search is None or problems is None or not SearchSettings.from_mapping(search).is_guided:
        return dict(targets)
    return {**targets, **objective_targets(read_problems(problems), targets, [str(c) for c in architectures]).equations}


def train_predictors(
    space: SearchSpace,
    architectures: pd.DataFrame,
    graphs: Graphs,
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
    fan_out: Mapping[str, Any],
    seed: int,
) -> tuple[TrainedPredictors, pd.DataFrame]:
    """Train a predictor for every target on the training architectures.

    Returns:
        The predictors, and the table `training_history`.
    """
    training, held_out = _parts(architectures, graphs, targets, settings, seed)
    predictor = read_predictor(settings, len(training[0]))
    log.info(
        "%s: predictor %s on %d architectures: %d a target, %d epochs%s",
        space.name,
        settings["predictor"],
        len(training[0]),
        predictor.ensemble,
        predictor.training.epochs,
        ", its settings for few labels" if len(training[0]) < PRESETS[settings["predictor"]].enough else "",
    )
    return train(
        space,
        *training,
        held_out=held_out,
        equations=dict(targets),
        model=predictor.model,
        training=predictor.training,
        ensemble=predictor.ensemble,
        members=settings["members"],
        seed=seed,
        runner=training_runner(settings["run_in"], fan_out),
        provenance={
            "predictor": settings["predictor"],
            "held_out": settings["held_out"],
            "data_hash": _hash(architectures),
        },
    )


def assess_predictors(
    space: SearchSpace,
    predictors: TrainedPredictors,
    architectures: pd.DataFrame,
    graphs: Graphs,
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Compare the predictors with a ridge regression, on what they learned from and on what was held out.

    Returns:
        Tables `predictor_metrics`, `predictions` and `embedding_statistics`.
    """
    training, held_out = _parts(architectures, graphs, targets, settings, seed)
    ridge = RidgeBaseline(space, **settings["ridge"]).fit(training[0], np.stack(list(training[1].values())))
    metrics = predictor_metrics(predictors.require(space), ridge, {"train": training, "held_out": held_out})
    _, rows = split_rows(len(architectures), settings["held_out"], seed)
    ids = architectures["architecture_id"].iloc[rows].tolist()
    predictions = held_out_predictions(predictors, ridge, ids, *held_out)
    return metrics, predictions, embedding_statistics(predictors)


def draw_predictors(
    space: SearchSpace, history: pd.DataFrame, metrics: pd.DataFrame, predictions: pd.DataFrame, label_kind: str
) -> tuple[go.Figure, go.Figure, go.Figure]:
    """Training curves, predicted against true labels, and Spearman correlations per hop."""
    title = space.declaration.title or space.name
    return (
        training_figure(history, label_kind=label_kind, space=title),
        predictions_figure(by_model(predictions), metrics=metrics, label_kind=label_kind, space=title),
        spearman_figure(metrics, label_kind=label_kind, space=title),
    )


def by_model(predictions: pd.DataFrame) -> pd.DataFrame:
    """Table `predictions` as its figure wants it: a row for each model's prediction of each architecture."""
    return predictions.rename(columns={"true": "label"}).melt(
        id_vars=["target", "architecture_id", "label"], var_name="model", value_name="prediction"
    )


def _parts(
    architectures: pd.DataFrame, graphs: Graphs, targets: Mapping[str, str], settings: Mapping[str, Any], seed: int
) -> list[tuple[ArchitectureArray, Labels]]:
    """The training and the held-out architectures, encoded, with their labels."""
    array = ArchitectureArray(graphs["layers"], graphs["graph"])
    labels = {name: Equation(name, text).evaluate(architectures) for name, text in targets.items()}
    return [
        (array.take(rows), {name: values[rows] for name, values in labels.items()})
        for rows in split_rows(len(architectures), settings["held_out"], seed)
    ]


def _hash(table: pd.DataFrame) -> str:
    """SHA-256 of the table's cells, the same for the same cells in any process."""
    rows = pd.util.hash_pandas_object(table, index=False).to_numpy()
    return hashlib.sha256(",".join(map(str, table.columns)).encode() + rows.tobytes()).hexdigest()
