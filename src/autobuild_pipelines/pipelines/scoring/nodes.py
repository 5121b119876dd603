"""Nodes of `scoring`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from autobuild_pipelines.pipelines.scoring.contexts import scoring_contexts, training_architectures
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.reporting.module_scores_figure import module_scores_figure
from autobuild_pipelines.scoring import module_leaders, score_modules
from autobuild_pipelines.spaces import SearchSpace


def score_all_modules(
    space: SearchSpace,
    predictors: TrainedPredictors,
    graphs: Mapping[str, NDArray[np.int16]],
    label_statistics: pd.DataFrame,
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
    predictor_settings: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """Score every module of every unit for every target, by Eq. 5, in context, or both."""
    training = training_architectures(graphs, predictor_settings, seed)
    return score_modules(
        predictors.require(space).only(list(targets)),
        methods=settings["methods"],
        label_statistics=label_statistics,
        contexts=scoring_contexts(space, training, settings, seed),
        graph=settings["graph"],
        min_count=settings["min_count"],
        confidence=settings["confidence"],
    )


def lead_modules(module_scores: pd.DataFrame, building: Mapping[str, Any]) -> pd.DataFrame:
    """The best module of every unit, and how many are as good as far as the ensemble can tell."""
    return module_leaders(module_scores, building["top"])


def draw_module_scores(
    space: SearchSpace,
    module_scores: pd.DataFrame,
    settings: Mapping[str, Any],
    building: Mapping[str, Any],
    label_kind: str,
) -> go.Figure:
    """The top modules of every unit with their errors."""
    return module_scores_figure(
        module_scores,
        top=building["top"],
        confidence=settings["confidence"],
        label_kind=label_kind,
        space=space.declaration.title or space.name,
    )
