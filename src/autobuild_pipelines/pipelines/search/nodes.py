"""Nodes of `search`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from autobuild_pipelines.building import read_reduced_spaces
from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.pipelines.evaluator import metric_sources
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.search import (
    Guide,
    PredictorGuide,
    Problem,
    SearchSettings,
    Stopwatch,
    objective_targets,
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
    predictors: TrainedPredictors,
    evaluators: Mapping[str, Any],
    problems: Mapping[str, Any],
    settings: Mapping[str, Any],
    seed: int,
    stopwatch: Stopwatch,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Search every problem with every variant and seed.

    Returns:
        Tables `evaluations`, `pareto_fronts` and `search_times`.
    """
    read = read_problems(problems)
    reduced = read_reduced_spaces(space, reduced_space)
    checked = SearchSettings.from_mapping(settings)
    guides = _guides(read, predictors.require(space)) if checked.is_guided else {}
    evaluations = run_search(space, read, checked, evaluator, reduced, seed=seed, guides=guides, stopwatch=stopwatch)
    evaluations = evaluations.assign(metric_sources=metric_sources(evaluators))
    return evaluations, pareto_fronts(evaluations, read), stopwatch.table()


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


def _guides(problems: Sequence[Problem], predictors: TrainedPredictors) -> dict[str, Guide]:
    """Per problem the predictors of its objectives; without problems for which none were trained."""
    labels = [metric for problem in problems for metric in problem.metrics]
    wanted = objective_targets(problems, predictors.equations, labels).of_problem
    return {
        problem: PredictorGuide(predictors, names)
        for problem, names in wanted.items()
        if all(name in predictors.targets for name in names)
    }
