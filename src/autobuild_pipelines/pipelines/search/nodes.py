"""Nodes of `search`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.building import read_reduced_spaces
from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.pipelines.evaluator import metric_sources
from autobuild_pipelines.search import (
    SearchSettings,
    pareto_fronts,
    random_members,
    read_problems,
    run_search,
)
from autobuild_pipelines.spaces import SearchSpace


def search_architectures(
    space: SearchSpace,
    reduced_space: pd.DataFrame,
    evaluator: CombinedEvaluator,
    evaluators: Mapping[str, Any],
    problems: Mapping[str, Any],
    settings: Mapping[str, Any],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Search every problem with every variant and seed.

    Returns:
        Tables `evaluations` and `pareto_fronts`.
    """
    read = read_problems(problems)
    reduced = read_reduced_spaces(space, reduced_space)
    evaluations = run_search(space, read, SearchSettings.from_mapping(settings), evaluator, reduced, seed=seed)
    evaluations = evaluations.assign(metric_sources=metric_sources(evaluators))
    return evaluations, pareto_fronts(evaluations, read)


def draw_random_members(
    space: SearchSpace,
    reduced_space: pd.DataFrame,
    evaluator: CombinedEvaluator,
    problems: Mapping[str, Any],
    settings: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """What a random member of every variant's space is worth, and how large that space is: table `random_members`."""
    reduced = read_reduced_spaces(space, reduced_space)
    checked = SearchSettings.from_mapping(settings)
    return random_members(space, read_problems(problems), checked, evaluator, reduced, seed=seed)
