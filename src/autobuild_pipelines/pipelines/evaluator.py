"""The node that makes a space's evaluator; every step that evaluates architectures starts with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd
from kedro.pipeline import node
from kedro.pipeline.node import Node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.evaluators import (
    CombinedEvaluator,
    EvaluationError,
    Evaluator,
    EvaluatorSources,
    make_evaluators,
    measuring_evaluator,
)
from autobuild_pipelines.evaluators.protocol import ERROR
from autobuild_pipelines.predictors.checkpoints import ReleasedCheckpoint, ReleasedPredictor
from autobuild_pipelines.search.problem import COLUMNS
from autobuild_pipelines.spaces import SearchSpace, from_table
from autobuild_pipelines.spaces.table import ID, UNITS

_FANNED_OUT = {"network": "params:network", "fan_out": "params:fan_out", "ledger": "evaluation_ledger"}
_LATENCY = {**_FANNED_OUT, "latency": "params:latency"}
_SOURCES: dict[str, dict[str, str]] = {
    "table": {"architectures": "architectures"},
    "predictor": {"predictors": "predictors"},
    "released_predictor": {"released": "released_predictors"},
    "latency_predictor": {"latency_predictors": "latency_predictors"},
    "layer_latency": {"layer_latencies": "layer_latencies"},
    "surrogate": {"surrogate": "params:surrogate"},
    "macs": {"network": "params:network"},
    "params": {"network": "params:network"},
    "cost_model": {"network": "params:network"},
    "backbone_flops": {"network": "params:network"},
    "fitted_flops": {"network": "params:network", "architectures": "architectures"},
    "imagenet": _FANNED_OUT,
    "fid": _FANNED_OUT,
    "latency": _LATENCY,
}
"""Evaluator type → the fields of `EvaluatorSources` that it needs, and the datasets that fill them."""

_COLUMNS = ("target", "method", "rank", "sum_of_scores", *COLUMNS, "metric_sources", ERROR)
"""What else stands beside metrics in `built_architectures`, `evaluations` and `evaluated_architectures`."""


def make_evaluator(space: SearchSpace, settings: Mapping[str, Any], **sources: Any) -> CombinedEvaluator:
    """The evaluator that the parameter `evaluators` describes.

    Args:
        space: The search space.
        settings: Metric to its source.
        sources: What the evaluators are made from, as fields of `EvaluatorSources`.

    Raises:
        EvaluationError: Names the metric whose name or source is wrong.
    """
    reserved = {ID, UNITS, *space.graph_features, *_COLUMNS}
    if taken := [metric for metric in settings if metric in reserved]:
        raise EvaluationError(
            f"metric {taken[0]!r}: tables of architectures have a column of this name; give the metric another"
        )
    for trained in ("predictors", "latency_predictors"):
        if trained in sources:
            sources[trained].require(space)
    if "released" in sources:
        sources["released"] = _released(space, settings, sources["released"])
    return make_evaluators(settings, EvaluatorSources(space, **sources))


def _released(
    space: SearchSpace, settings: Mapping[str, Any], released: Mapping[str, Callable[[], ReleasedCheckpoint]]
) -> dict[str, Callable[[], ReleasedPredictor]]:
    """The checkpoints that the settings name, each to be loaded for the space; an unknown name says so."""
    entries = [entry for entry in settings.values() if entry.get("type") == "released_predictor"]
    loaders = {entry["checkpoint"]: released[entry["checkpoint"]] for entry in entries if "checkpoint" in entry}
    return {name: partial(_load, load, space) for name, load in loaders.items()}


def _load(load: Callable[[], ReleasedCheckpoint], space: SearchSpace) -> ReleasedPredictor:
    return load().for_space(space)


def with_metrics(space: SearchSpace, table: pd.DataFrame, evaluator: CombinedEvaluator) -> pd.DataFrame:
    """A table of architectures with the evaluator's metrics as its last columns, in place of columns of those names.

    The column `evaluation_error` is there when an evaluator may fail.
    """
    metrics = evaluator.evaluate(from_table(space, table))
    kept = table.drop(columns=[*evaluator.metrics, ERROR], errors="ignore").reset_index(drop=True)
    return pd.concat([kept, metrics], axis=1)


def metric_sources(evaluators: Mapping[str, Mapping[str, Any]]) -> str:
    """What tables of evaluated architectures say beside their metrics: "acc: surrogate, macs: macs".

    So nobody takes a made-up accuracy for a measured one.
    """
    return ", ".join(f"{metric}: {entry['type']}" for metric, entry in evaluators.items())


def evaluator_inputs(types: frozenset[str]) -> dict[str, str]:
    """What evaluators of these types are made from: fields of `EvaluatorSources`, and the datasets that fill them."""
    return {field: dataset for kind in sorted(types) for field, dataset in _SOURCES.get(kind, {}).items()}


def evaluator_node(outline: SpaceOutline) -> Node:
    """The node, reading only what the space's types of evaluators need."""
    inputs = {"space": "search_space", "settings": "params:evaluators", **evaluator_inputs(outline.evaluator_types)}
    return node(make_evaluator, inputs, "evaluator", name="make_evaluator")


def truth_node(outline: SpaceOutline) -> Node:
    """The node that makes what knows every architecture's metrics: the evaluators of `truth`."""
    inputs = {"space": "search_space", "settings": "params:truth", **evaluator_inputs(outline.truth_types)}
    return node(make_evaluator, inputs, "truth", name="make_truth")


def label_evaluator_node(outline: SpaceOutline) -> Node:
    """The node that makes the evaluator of `labels`: it may read nothing that follows from ingested architectures.

    Raises:
        EvaluationError: A label's type does.
    """
    if circular := sorted({"table", "predictor", "fitted_flops"} & outline.label_types):
        raise EvaluationError(
            f"labels: type {circular[0]!r} is made from the ingested architectures, which these evaluators label"
        )
    inputs = {"space": "search_space", "settings": "params:labels", **evaluator_inputs(outline.label_types)}
    return node(make_evaluator, inputs, "label_evaluator", name="make_label_evaluator")


def latency_evaluator_node() -> Node:
    """The node that makes what measures latency on this machine, whatever evaluates it elsewhere."""
    return node(make_latency_evaluator, {"space": "search_space", **_LATENCY}, "latency_evaluator", name="make_timer")


def make_latency_evaluator(space: SearchSpace, **sources: Any) -> Evaluator:
    """What measures `latency_ms`, `latency_spread` and `latency_outliers` on this machine, recorded in the ledger."""
    return measuring_evaluator(EvaluatorSources(space, **sources))
