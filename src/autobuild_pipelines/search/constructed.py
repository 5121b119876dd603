"""What construction found, beside what exhaustive search, chance and the training set have (§7.9, §7.10)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from autobuild_pipelines.search.comparison import of_problem
from autobuild_pipelines.search.problem import Problem
from autobuild_pipelines.search.true_values import TrueValues
from autobuild_pipelines.spaces import SearchSpace, from_table
from autobuild_pipelines.spaces.table import ID, UNITS
from autobuild_pipelines.targets import Equation

log = logging.getLogger(__name__)

EXHAUSTIVE = "exhaustive"
RANDOM = "random"
OPTIMUM = "optimal_training"
"""The training architecture that maximises the target: the gold star of Fig. 18."""

_TRUE = ("true_value", "true_rank", "true_percentile")


def constructed_table(
    space: SearchSpace,
    targets: Mapping[str, str],
    metrics: Sequence[str],
    *,
    built: pd.DataFrame,
    exhaustive: pd.DataFrame,
    random: pd.DataFrame,
    training: pd.DataFrame,
    truth: TrueValues | None = None,
) -> pd.DataFrame:
    """Table `constructed_architectures`: everything that is compared, architecture by architecture.

    Args:
        space: The search space.
        targets: Target equations by name.
        metrics: Names of the metrics to keep.
        built: Table `built_architectures` with metrics.
        exhaustive: Table `exhaustive_architectures` with metrics.
        random: Random architectures with metrics; the same for every target.
        training: Table `architectures` with labels, of which the best for a target is taken; metrics may be missing.
        truth: Ranks among all architectures; unknown without.

    Returns:
        target, method (of building, or `EXHAUSTIVE`, `RANDOM`, `OPTIMUM`), rank (of the method; 1 is its first choice),
        architecture_id, graph-level features, units, metrics, target_value (of those metrics), true_value, true_rank,
        true_percentile (see `TrueValues`; empty without truth), metric_sources.

    Raises:
        EquationError: A target reads what a table lacks.
    """
    parts = []
    for name, text in targets.items():
        equation = Equation(name, text)
        best = training.iloc[[int(equation.evaluate(training).argmax())]].assign(metric_sources="labels")
        groups = [
            *((str(method), rows) for method, rows in built[built["target"] == name].groupby("method", sort=False)),
            (EXHAUSTIVE, exhaustive[exhaustive["target"] == name]),
            (OPTIMUM, best),
            (RANDOM, random),
        ]
        for method, rows in groups:
            ranked = rows.sort_values("rank") if "rank" in rows else rows
            columns = [ID, *space.graph_features, UNITS, *metrics, "metric_sources"]
            kept = ranked.reset_index(drop=True).reindex(columns=columns)
            kept.insert(0, "target", name)
            kept.insert(1, "method", method)
            kept.insert(2, "rank", np.arange(1, len(kept) + 1))
            kept.insert(len(kept.columns) - 1, "target_value", equation.evaluate(kept))
            parts.append(kept)
    return _with_truth(space, pd.concat(parts, ignore_index=True), truth)


def construction_table(constructed: pd.DataFrame, *, label_kind: str) -> pd.DataFrame:
    """Table `construction_comparison`: what each method's architectures are worth at best and in the mean.

    Returns:
        target, method, count, best_value (largest target value), mean_value, best_true_value, best_true_rank,
        best_true_percentile, mean_true_percentile (empty without truth), label_kind.
    """
    grouped = constructed.groupby(["target", "method"], sort=False)
    table = grouped.agg(
        count=("rank", "size"),
        best_value=("target_value", "max"),
        mean_value=("target_value", "mean"),
        best_true_value=("true_value", "max"),
        best_true_rank=("true_rank", "min"),
        best_true_percentile=("true_percentile", "min"),
        mean_true_percentile=("true_percentile", "mean"),
    )
    return table.reset_index().assign(label_kind=label_kind)


def pareto_gains(
    problems: Sequence[Problem], training: pd.DataFrame, constructed: pd.DataFrame, *, label_kind: str
) -> pd.DataFrame:
    """Table `pareto_gains`: the hypervolume of the training set with what a method constructed, and without.

    Args:
        problems: The problems; a method's architectures count for those that name their target. One whose metrics the
            training set lacks is left out, with a warning.
        training: Table `architectures` with labels.
        constructed: Table `constructed_architectures`.
        label_kind: As in `compare`.

    Returns:
        problem, target, method, hypervolume_training, hypervolume_joint, gain (their difference), gain_percent (of
        the former; empty where it is 0), beyond_front (how many of the method's architectures no training architecture
        equals or betters in every objective), label_kind.
    """
    rows = []
    for problem in problems:
        if missing := [metric for metric in problem.metrics if metric not in training]:
            log.warning("problem %s: the training set has no %s, so no front", problem.name, ", ".join(missing))
            continue
        known = problem.evaluate(of_problem(problem, training)).to_numpy()
        alone = problem.hypervolume(known)
        for target in problem.targets:
            found = constructed[(constructed["target"] == target) & (constructed["method"] != OPTIMUM)]
            for method, group in of_problem(problem, found).groupby("method", sort=False):
                values = problem.evaluate(group).to_numpy()
                joint = problem.hypervolume(np.concatenate([known, values]))
                rows.append(
                    {
                        "problem": problem.name,
                        "target": target,
                        "method": str(method),
                        "hypervolume_training": alone,
                        "hypervolume_joint": joint,
                        "gain": joint - alone,
                        "gain_percent": 100 * (joint - alone) / alone if alone else np.nan,
                        "beyond_front": sum(_is_new(problem, known, row) for row in values),
                        "label_kind": label_kind,
                    }
                )
    return pd.DataFrame(rows, columns=list(_GAINS)).astype(_GAINS)


_GAINS: dict[str, type] = {
    **dict.fromkeys(("problem", "target", "method"), str),
    **dict.fromkeys(("hypervolume_training", "hypervolume_joint", "gain", "gain_percent"), float),
    "beyond_front": np.int64,
    "label_kind": str,
}
"""Columns and types, of an empty table too."""


def _is_new(problem: Problem, known: np.ndarray, row: np.ndarray) -> bool:
    signs = np.where(problem.maximise, 1.0, -1.0)
    return not bool(((known - row) * signs >= 0).all(axis=1).any())


def _with_truth(space: SearchSpace, table: pd.DataFrame, truth: TrueValues | None) -> pd.DataFrame:
    sources = table.pop("metric_sources")
    columns = pd.DataFrame(index=table.index, columns=list(_TRUE), dtype=np.float64)
    if truth is not None:
        values = truth.values(from_table(space, table))
        for target, rows in table.groupby("target").groups.items():
            of_rows = values[str(target)][np.asarray(rows)]
            ranks = truth.ranks(str(target), of_rows)
            columns.loc[rows] = np.column_stack([of_rows, ranks, truth.percentiles(ranks)])
    return pd.concat([table, columns.astype({"true_rank": "Int64"})], axis=1).assign(metric_sources=sources)
