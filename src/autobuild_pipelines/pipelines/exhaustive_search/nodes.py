"""Nodes of `exhaustive_search`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.pipelines.evaluator import metric_sources, with_metrics
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.spaces import SearchSpace, to_table


def search_exhaustively(
    space: SearchSpace,
    predictors: TrainedPredictors,
    evaluator: CombinedEvaluator,
    evaluators: Mapping[str, Any],
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """The architectures with the largest predictions of every target, as many as are built, evaluated.

    Returns:
        Table `exhaustive_architectures`: target, rank, architecture, prediction, metrics, metric_sources.
    """
    asked = predictors.require(space).only(list(targets))
    predictions = np.concatenate([asked.predict(block) for block in space.blocks(graph=settings["graph"])], axis=1)
    tables = []
    for target, values in zip(asked.targets, predictions, strict=True):
        best = np.argsort(-values, kind="stable")[: settings["count"]]
        table = to_table(space, space.enumeration.architectures(best, settings["graph"]), {"prediction": values[best]})
        table.insert(0, "target", target)
        table.insert(1, "rank", np.arange(1, len(table) + 1))
        tables.append(table)
    found = with_metrics(space, pd.concat(tables, ignore_index=True), evaluator)
    return found.assign(metric_sources=metric_sources(evaluators))
