"""Nodes of `building`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.building import built_table, reduced_space_table, top_modules
from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.pipelines.evaluator import metric_sources, with_metrics
from autobuild_pipelines.spaces import SearchSpace


def reduce_space(
    space: SearchSpace, module_scores: pd.DataFrame, problems: Mapping[str, Any], settings: Mapping[str, Any]
) -> pd.DataFrame:
    """The best modules per unit of every problem's targets, by every method: the reduced spaces to search.

    Returns:
        Table `reduced_space`: problem, method, unit, module, layers, targets.
    """
    return reduced_space_table(
        {
            (problem, method): top_modules(space, module_scores, entry["targets"], method, settings["top"])
            for problem, entry in problems.items()
            for method in settings["methods"]
        }
    )


def build_architectures(
    space: SearchSpace,
    module_scores: pd.DataFrame,
    evaluator: CombinedEvaluator,
    evaluators: Mapping[str, Any],
    targets: Mapping[str, str],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """The best whole architectures by the sum of their modules' scores, for every target and method, evaluated.

    Returns:
        Table `built_architectures`: target, method, rank, architecture, sum_of_scores, metrics, metric_sources.
    """
    built = built_table(
        space,
        module_scores,
        list(targets),
        settings["methods"],
        settings["count"],
        graph=settings["graph"],
        top=settings["top"],
        spread=settings["spread"],
        support=evaluator.support,
    )
    return with_metrics(space, built, evaluator).assign(metric_sources=metric_sources(evaluators))
