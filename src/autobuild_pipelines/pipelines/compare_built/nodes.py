"""Nodes of `compare_built`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.evaluators import CombinedEvaluator
from autobuild_pipelines.pipelines.evaluator import metric_sources, with_metrics
from autobuild_pipelines.search import (
    TrueValues,
    constructed_table,
    construction_table,
    generator,
    pareto_gains,
    read_problems,
)
from autobuild_pipelines.spaces import SearchSpace, to_table


def gather_constructed(
    space: SearchSpace,
    architectures: pd.DataFrame,
    built_architectures: pd.DataFrame,
    exhaustive_architectures: pd.DataFrame,
    evaluator: CombinedEvaluator,
    evaluators: Mapping[str, Any],
    targets: Mapping[str, str],
    building: Mapping[str, Any],
    seed: int,
    truth: CombinedEvaluator | None = None,
) -> pd.DataFrame:
    """What was built, what exhaustive search found, as many random architectures, and the best of the training set.

    Args:
        truth: Knows every architecture's metrics, where something does: for true ranks.

    Returns:
        Table `constructed_architectures`.
    """
    rng = generator(seed, "random architectures", space.name)
    drawn = to_table(space, space.sample(building["count"], rng, graph=building["graph"]))
    random = with_metrics(space, drawn, evaluator).assign(metric_sources=metric_sources(evaluators))
    return constructed_table(
        space,
        targets,
        evaluator.metrics,
        built=built_architectures,
        exhaustive=exhaustive_architectures,
        random=random,
        training=architectures,
        truth=None if truth is None else TrueValues(space, truth, targets, building["graph"]),
    )


def compare_constructed(
    architectures: pd.DataFrame, constructed: pd.DataFrame, problems: Mapping[str, Any], label_kind: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What each method's architectures are worth, and what they add to the training set's Pareto fronts.

    Returns:
        Tables `construction_comparison` and `pareto_gains`.
    """
    gains = pareto_gains(read_problems(problems), architectures, constructed, label_kind=label_kind)
    return construction_table(constructed, label_kind=label_kind), gains
