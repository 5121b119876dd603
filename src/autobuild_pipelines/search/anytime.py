"""How soon each variant of a search gets how far: hypervolume as a function of evaluations spent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.search.problem import Problem

Floats = NDArray[np.float64]

NEAR = 0.95
"""Share of the best final hypervolume of a problem that counts as near it."""

QUARTILES = (0.5, 0.25, 0.75)
"""Median, lower and upper quartile, in the order of the tables' columns."""


def running_hypervolume(problem: Problem, values: Floats) -> Floats:
    """Hypervolume after each evaluation.

    Only the front so far is kept, and it is measured only when it changes. An evaluation that failed (NaN) was spent
    and adds nothing.

    Args:
        problem: Its reference point and directions.
        values: [n, objectives] in the order of evaluation.

    Returns:
        [n], never decreasing.
    """
    sign = np.where(problem.maximise, 1.0, -1.0)
    points, reference = values * sign, np.asarray(problem.reference) * sign
    useful = np.asarray((points > reference).all(axis=1))  # False for NaN
    front = np.empty((0, values.shape[1]))
    volume, volumes = 0.0, np.empty(len(values))
    for row, point in enumerate(points):
        if useful[row] and not (front >= point).all(axis=1).any():
            front = np.vstack([front[~(front <= point).all(axis=1)], point])
            volume = problem.hypervolume(front * sign)
        volumes[row] = volume
    return volumes


def hypervolume_curves(problems: Sequence[Problem], evaluations: pd.DataFrame, *, label_kind: str) -> pd.DataFrame:
    """Table `hypervolume_curves`: median and quartiles over the seeds of every variant after each evaluation.

    A run that stopped early, in a small space, stays where it was for the rest of its variant's budget.

    Args:
        problems: The problems, with their reference points.
        evaluations: Table `evaluations`.
        label_kind: Of the space.

    Returns:
        problem, variant, evaluation (1, 2, ...), seeds, hypervolume_median, hypervolume_lower, hypervolume_upper
        (product of the objectives' units), label_kind.
    """
    parts = []
    for problem, variant, volumes in _histories(problems, evaluations):
        middle, lower, upper = np.quantile(volumes, QUARTILES, axis=0)
        parts.append(
            pd.DataFrame(
                {
                    "problem": problem.name,
                    "variant": variant,
                    "evaluation": np.arange(1, len(middle) + 1),
                    "seeds": len(volumes),
                    "hypervolume_median": middle,
                    "hypervolume_lower": lower,
                    "hypervolume_upper": upper,
                    "label_kind": label_kind,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def method_comparison(problems: Sequence[Problem], curves: pd.DataFrame) -> pd.DataFrame:
    """Table `method_comparison`: one row per problem and variant, from its curve.

    Args:
        problems: The problems.
        curves: Table `hypervolume_curves`.

    Returns:
        problem, variant, seeds, evaluations (budget spent), hypervolume_median, hypervolume_lower, hypervolume_upper
        (at the end), hypervolume_anytime (mean of the median curve over all evaluations: of two variants that end
        level, the faster has more), near_best_after (evaluations after which the median is within `NEAR` of the
        problem's best final median; empty where it never is), label_kind.
    """
    rows = []
    for problem in problems:
        of_problem = curves[curves["problem"] == problem.name]
        runs = [group.sort_values("evaluation") for _, group in of_problem.groupby("variant", sort=False)]
        best = max((float(run["hypervolume_median"].iloc[-1]) for run in runs), default=0.0)
        for run in runs:
            near = run["evaluation"][run["hypervolume_median"] >= NEAR * best] if best > 0 else run["evaluation"][:0]
            rows.append(
                {
                    **run.iloc[-1][["problem", "variant", "seeds"]],
                    "evaluations": int(run["evaluation"].iloc[-1]),
                    **{
                        f"hypervolume_{q}": float(run[f"hypervolume_{q}"].iloc[-1])
                        for q in ("median", "lower", "upper")
                    },
                    "hypervolume_anytime": float(run["hypervolume_median"].mean()),
                    "near_best_after": float(near.iloc[0]) if len(near) else float("nan"),
                    "label_kind": run["label_kind"].iloc[-1],
                }
            )
    return pd.DataFrame(rows)


def _histories(problems: Sequence[Problem], evaluations: pd.DataFrame) -> list[tuple[Problem, str, Floats]]:
    """Problem, variant and [seeds, evaluations] hypervolumes of every variant of every problem."""
    out = []
    for problem in problems:
        of_problem = evaluations[evaluations["problem"] == problem.name]
        for variant, rows in of_problem.groupby("variant", sort=False):
            runs = [
                running_hypervolume(problem, problem.values(run.sort_values("evaluation")))
                for _, run in rows.groupby("seed")
            ]
            longest = max(len(run) for run in runs)
            padded = np.stack([np.pad(run, (0, longest - len(run)), mode="edge") for run in runs])
            out.append((problem, str(variant), padded))
    return out
