"""Nodes of `ir_insight`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from autobuild_pipelines.graphs.operator_arrays import pack, unpack
from autobuild_pipelines.graphs.operator_batch import OperatorBatch
from autobuild_pipelines.networks import read_network
from autobuild_pipelines.networks.operator_graphs import operator_graphs
from autobuild_pipelines.pipelines.ir_insight.settings import InsightSettings
from autobuild_pipelines.predictors import split_rows
from autobuild_pipelines.predictors.operator_metrics import operator_metrics
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors
from autobuild_pipelines.predictors.operator_training import train_on_operators
from autobuild_pipelines.reporting import feature_importance_figure, spearman_figure, training_figure
from autobuild_pipelines.reporting.operator_subgraphs_figure import operator_subgraphs_figure
from autobuild_pipelines.scoring import feature_importance
from autobuild_pipelines.scoring.operator_subgraphs import rank_subgraphs
from autobuild_pipelines.spaces import SearchSpace, from_table
from autobuild_pipelines.targets import Equation

log = logging.getLogger(__name__)

Packed = Mapping[str, NDArray[Any]]
Labels = dict[str, NDArray[np.float64]]


def build_operator_graphs(
    space: SearchSpace,
    architectures: pd.DataFrame,
    network: Mapping[str, Any],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[pd.DataFrame, Packed]:
    """Draw labelled architectures and build the operator graphs of their networks.

    Returns:
        The table `operator_sample`, and the graphs in its order.
    """
    count = InsightSettings.of(settings).count
    drawn = np.random.default_rng(seed).permutation(len(architectures))[:count]
    sample = architectures.iloc[np.sort(drawn)].reset_index(drop=True)
    definition = read_network(space.name, network)
    graphs = operator_graphs(space, definition, space.decode(from_table(space, sample)), progress=True)
    sizes = [len(graph) for graph in graphs]
    log.info("%s: %d operator graphs of %d to %d nodes", space.name, len(graphs), min(sizes), max(sizes))
    return sample, pack(graphs)


def train_operator_predictor(
    space: SearchSpace,
    sample: pd.DataFrame,
    graphs: Packed,
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[OperatorPredictors, pd.DataFrame]:
    """Train a predictor for every target on the training graphs.

    Returns:
        The predictors, and the table `operator_training_history`.
    """
    read = InsightSettings.of(settings)
    (learned, labels), held_out = _parts(OperatorBatch.from_packed(graphs), sample, targets, read, seed).values()
    preset = read.preset(len(learned))
    return train_on_operators(
        learned,
        labels,
        held_out=held_out,
        name=space.name,
        equations=targets,
        model=preset.model,
        training=preset.training,
        ensemble=preset.ensemble,
        seed=seed,
        provenance={"predictor": read.predictor, "held_out": read.held_out},
    )


def assess_operator_predictor(
    predictors: OperatorPredictors,
    sample: pd.DataFrame,
    graphs: Packed,
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the predictors with ridge regression on a bag of operations, and read what features weigh.

    Returns:
        Tables `operator_metrics` and `operator_importance`.
    """
    read = InsightSettings.of(settings)
    parts = _parts(predictors.read(graphs), sample, _of(predictors, targets), read, seed)
    return operator_metrics(predictors, parts), feature_importance(predictors)


def rank_operator_subgraphs(
    predictors: OperatorPredictors,
    sample: pd.DataFrame,
    graphs: Packed,
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Rank the in-neighbourhoods of all nodes at every hop."""
    return rank_subgraphs(
        predictors,
        graphs,
        sample["architecture_id"].tolist(),
        _labels(sample, _of(predictors, targets)),
        min_architectures=InsightSettings.of(settings).min_architectures,
    )


def draw_operator_subgraphs(
    space: SearchSpace,
    subgraphs: pd.DataFrame,
    sample: pd.DataFrame,
    graphs: Packed,
    settings: Mapping[str, Any],
    label_kind: str,
) -> go.Figure:
    """The best subgraphs of every hop and the worst, as in Fig. 8."""
    return operator_subgraphs_figure(
        subgraphs,
        dict(zip(sample["architecture_id"], unpack(graphs), strict=True)),
        top=InsightSettings.of(settings).drawn,
        label_kind=label_kind,
        space=space.declaration.title or space.name,
    )


def draw_operator_predictor(
    space: SearchSpace, history: pd.DataFrame, metrics: pd.DataFrame, importance: pd.DataFrame, label_kind: str
) -> tuple[go.Figure, go.Figure, go.Figure]:
    """Training curves, Spearman correlations per hop, and the FE-MLP's scalars (Fig. 3, right)."""
    title = f"{space.declaration.title or space.name}, operator graphs"
    return (
        training_figure(history, label_kind=label_kind, space=title),
        spearman_figure(metrics, label_kind=label_kind, space=title),
        feature_importance_figure(importance, label_kind=label_kind, space=title),
    )


def _parts(
    graphs: OperatorBatch, sample: pd.DataFrame, targets: Mapping[str, str], settings: InsightSettings, seed: int
) -> dict[str, tuple[OperatorBatch, Labels]]:
    """The training and the held-out graphs with their labels."""
    labels = _labels(sample, targets)
    rows = split_rows(len(sample), settings.held_out, seed)
    return {
        split: (graphs.take(part), {target: values[part] for target, values in labels.items()})
        for split, part in zip(("train", "held_out"), rows, strict=True)
    }


def _labels(sample: pd.DataFrame, targets: Mapping[str, str]) -> Labels:
    return {name: Equation(name, text).evaluate(sample) for name, text in targets.items()}


def _of(predictors: OperatorPredictors, targets: Mapping[str, str]) -> dict[str, str]:
    """The equations that the predictors have learned, in their order."""
    return {target: predictors.equations.get(target, targets.get(target, target)) for target in predictors.targets}
