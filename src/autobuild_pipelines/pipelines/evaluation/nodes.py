"""Nodes of `evaluation`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.reporting import fine_tuned_figure, hypervolume_figure, pareto_figure
from autobuild_pipelines.search import Problem, compare, progress_under_budgets, read_problems
from autobuild_pipelines.spaces import SearchSpace


def compare_variants(
    space: SearchSpace,
    architectures: pd.DataFrame,
    built_architectures: pd.DataFrame,
    evaluations: pd.DataFrame,
    problems: Mapping[str, Any],
    settings: Mapping[str, Any],
    label_kind: str,
    fine_tuned_architectures: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What searches, direct construction, the training set and the fine-tuned set, if any, reach on each problem.

    Returns:
        Tables `comparison` and `budget_progress`.
    """
    tables: dict[str, Any] = {
        "built": built_architectures,
        "training": architectures,
        "fine_tuned": fine_tuned_architectures,
        "label_kind": label_kind,
    }
    read = read_problems(problems)
    progress = progress_under_budgets(space, read, evaluations, settings["budgets"], **tables)
    return compare(space, read, evaluations, **tables), progress


def draw_hypervolumes(
    space: SearchSpace,
    architectures: pd.DataFrame,
    evaluations: pd.DataFrame,
    problems: Mapping[str, Any],
    label_kind: str,
) -> go.Figure:
    """Hypervolume against evaluations spent, for every problem and variant."""
    title = space.declaration.title or space.name
    read = read_problems(problems)
    return hypervolume_figure(evaluations, read, label_kind=label_kind, space=title, training=architectures)


def draw_pareto_fronts(
    space: SearchSpace,
    architectures: pd.DataFrame,
    built_architectures: pd.DataFrame,
    evaluations: pd.DataFrame,
    comparison: pd.DataFrame,
    problems: Mapping[str, Any],
    label_kind: str,
) -> list[go.Figure]:
    """One figure a problem: the fronts of all variants, built architectures and the training set."""
    return [
        pareto_figure(
            evaluations,
            Problem.from_mapping(name, settings),
            label_kind=label_kind,
            space=space.declaration.title or space.name,
            training=architectures,
            built=built_architectures,
            comparison=comparison,
        )
        for name, settings in problems.items()
    ]


def draw_fine_tuned_fronts(
    space: SearchSpace,
    built_architectures: pd.DataFrame,
    fine_tuned_architectures: pd.DataFrame,
    problems: Mapping[str, Any],
    label_kind: str,
) -> list[go.Figure]:
    """One figure a problem: built architectures against the fine-tuned set and its front."""
    return [
        fine_tuned_figure(
            built_architectures,
            fine_tuned_architectures,
            Problem.from_mapping(name, settings),
            label_kind=label_kind,
            space=space.declaration.title or space.name,
        )
        for name, settings in problems.items()
    ]
