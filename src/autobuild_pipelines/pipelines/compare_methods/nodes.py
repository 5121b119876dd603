"""Nodes of `compare_methods`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting.anytime_figure import anytime_figure
from autobuild_pipelines.reporting.methods_table import methods_figure
from autobuild_pipelines.search import read_problems
from autobuild_pipelines.search.anytime import hypervolume_curves, method_comparison
from autobuild_pipelines.search.caps import CapSettings, best_under_caps
from autobuild_pipelines.spaces import SearchSpace


def trace_hypervolumes(
    evaluations: pd.DataFrame, problems: Mapping[str, Any], label_kind: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hypervolume of every variant after each evaluation, and where it ends.

    Returns:
        Tables `hypervolume_curves` and `method_comparison`.
    """
    read = read_problems(problems)
    curves = hypervolume_curves(read, evaluations, label_kind=label_kind)
    return curves, method_comparison(read, curves)


def seek_under_caps(
    space: SearchSpace,
    architectures: pd.DataFrame,
    evaluations: pd.DataFrame,
    problems: Mapping[str, Any],
    settings: Mapping[str, Any],
    label_kind: str,
) -> pd.DataFrame:
    """The best value of each objective under limits of the others."""
    read = read_problems(problems)
    caps = CapSettings.from_mapping(settings, read)
    return best_under_caps(space, read, evaluations, architectures, caps, label_kind=label_kind)


def draw_anytime(space: SearchSpace, curves: pd.DataFrame, problems: Mapping[str, Any], label_kind: str) -> go.Figure:
    """Median hypervolume against evaluations spent, for every problem and variant."""
    title = space.declaration.title or space.name
    return anytime_figure(curves, read_problems(problems), label_kind=label_kind, space=title)


def draw_methods(
    space: SearchSpace, methods: pd.DataFrame, caps: pd.DataFrame, times: pd.DataFrame, label_kind: str
) -> go.Figure:
    """The comparison as a table a problem."""
    title = space.declaration.title or space.name
    return methods_figure(methods, caps, times, label_kind=label_kind, space=title)
