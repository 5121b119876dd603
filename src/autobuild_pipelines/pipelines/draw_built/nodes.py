"""Nodes of `draw_built`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from autobuild_pipelines.pipelines.scoring.contexts import training_architectures
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.reporting import (
    architecture_diagrams_figure,
    construction_figure,
    feature_importance_figure,
    module_diagrams_figure,
)
from autobuild_pipelines.scoring import feature_importance
from autobuild_pipelines.search import EXHAUSTIVE, OPTIMUM, read_problems
from autobuild_pipelines.spaces import SearchSpace


def weigh_features(
    space: SearchSpace,
    predictors: TrainedPredictors,
    graphs: Mapping[str, NDArray[np.int16]],
    predictor_settings: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """What the predictors make of every value of every feature: table `feature_importance`."""
    return feature_importance(predictors.require(space), training_architectures(graphs, predictor_settings, seed))


def draw_feature_importance(space: SearchSpace, importance: pd.DataFrame, label_kind: str) -> go.Figure:
    """The paper's Table 3, and the values of every category ranked."""
    return feature_importance_figure(importance, label_kind=label_kind, space=_title(space))


def draw_constructions(
    space: SearchSpace,
    architectures: pd.DataFrame,
    constructed: pd.DataFrame,
    problems: Mapping[str, Any],
    targets: Mapping[str, str],
    label_kind: str,
) -> go.Figure:
    """What was constructed over the training architectures and their front (Fig. 18)."""
    return construction_figure(
        architectures,
        constructed[constructed["method"] != OPTIMUM],  # the figure's gold star
        read_problems(problems),
        label_kind=label_kind,
        targets=targets,
        space=_title(space),
    )


def draw_diagrams(
    space: SearchSpace,
    module_scores: pd.DataFrame,
    constructed: pd.DataFrame,
    building: Mapping[str, Any],
    evaluators: Mapping[str, Any],
    targets: Mapping[str, str],
    names: Mapping[str, Any],
    label_kind: str,
) -> tuple[go.Figure, go.Figure]:
    """Block diagrams of the architectures of every method (Figs. 15, 16) and of the best modules (Fig. 17)."""
    methods = [*building["methods"], EXHAUSTIVE]
    shown = constructed[constructed["method"].isin(methods)]
    architectures = architecture_diagrams_figure(
        shown,
        space,
        metrics=list(evaluators),
        label_kind=label_kind,
        top=building["count"],
        names=names,
        targets=targets,
    )
    modules = module_diagrams_figure(module_scores, space, label_kind=label_kind, top=building["top"], names=names)
    return architectures, modules


def _title(space: SearchSpace) -> str:
    return space.declaration.title or space.name
