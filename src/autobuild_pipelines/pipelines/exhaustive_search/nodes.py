"""Nodes of `exhaustive_search`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.pipelines.evaluator import metric_sources, with_metrics
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.scoring import exhaustive_search
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
    tables = []
    for target, best in exhaustive_search(asked, settings["count"], graph=settings["graph"], progress=True).items():
        predictions = best.predictions.astype(np.float64)
        table = to_table(space, best.architectures, {"prediction": predictions})
        table.insert(0, "target", target)
        table.insert(1, "rank", np.arange(1, len(table) + 1))
        tables.append(table)
    found = with_metrics(space, pd.concat(tables, ignore_index=True), evaluator)
    return found.assign(metric_sources=metric_sources(evaluators))
