"""Nodes of `design_targets`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.design import DesignSettings, design_targets, designed_targets_table, target_equations
from autobuild_pipelines.reporting.target_design_figure import target_design_figure
from autobuild_pipelines.search import Problem, read_problems
from autobuild_pipelines.spaces import SearchSpace


def design_equations(
    architectures: pd.DataFrame, problems: Mapping[str, Any], design: Mapping[str, Any], label_kind: str
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Design the target equations of every problem that has two objectives or more.

    Returns:
        Table `designed_targets`, and `target_equations`: name → equation, as the parameter `targets` takes them.
    """
    settings = DesignSettings.from_mapping(design)
    designed = {
        problem.name: design_targets(problem, architectures, settings)
        for problem in read_problems(problems)
        if len(problem.objectives) > 1
    }
    equations = {name: text for targets in designed.values() for name, text in target_equations(targets).items()}
    return designed_targets_table(designed, label_kind=label_kind), equations


def draw_designed_targets(
    space: SearchSpace,
    architectures: pd.DataFrame,
    designed_targets: pd.DataFrame,
    problems: Mapping[str, Any],
    label_kind: str,
) -> list[go.Figure]:
    """One figure a problem: the training front, every equation's level set and the architectures it ranks first."""
    return [
        target_design_figure(
            architectures,
            designed_targets,
            Problem.from_mapping(name, settings),
            label_kind=label_kind,
            space=space.declaration.title or space.name,
        )
        for name, settings in problems.items()
    ]
