"""Nodes of `label_statistics`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.predictors import split_rows
from autobuild_pipelines.reporting import label_statistics_figure
from autobuild_pipelines.scoring import label_statistics
from autobuild_pipelines.spaces import SearchSpace, from_table
from autobuild_pipelines.targets import Equation


def summarise_labels(
    space: SearchSpace,
    architectures: pd.DataFrame,
    targets: Mapping[str, str],
    predictors: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """Mean, deviation and count of every target per unit and number of layers, over the training architectures."""
    rows, _ = split_rows(len(architectures), predictors["held_out"], seed)
    training = architectures.iloc[rows]
    labels = {name: Equation(name, text).evaluate(training) for name, text in targets.items()}
    return label_statistics(space, from_table(space, training), labels)


def draw_label_statistics(space: SearchSpace, statistics: pd.DataFrame, label_kind: str) -> go.Figure:
    """The table as a figure: mean and deviation of each target against the number of layers, per unit."""
    return label_statistics_figure(statistics, label_kind=label_kind, space=space.declaration.title or space.name)
