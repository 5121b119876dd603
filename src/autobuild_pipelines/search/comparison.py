"""Comparing what searches, direct construction and the training set reach on the same problems."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.search.problem import Problem
from autobuild_pipelines.spaces import SearchSpace

log = logging.getLogger(__name__)

TRAINING_SET = "training_set"
FINE_TUNED = "fine_tuned"
Floats = NDArray[np.float64]


def built_variant(target: str, method: str) -> str:
    """What directly built architectures are called among the variants."""
    return f"built:{target}:{method}"


def compare(
    space: SearchSpace,
    problems: Sequence[Problem],
    evaluations: pd.DataFrame,
    *,
    built: pd.DataFrame | None = None,
    training: pd.DataFrame | None = None,
    fine_tuned: pd.DataFrame | None = None,
    label_kind: str,
) -> pd.DataFrame:
    """Table `comparison`: one row per problem and variant.

    Beside the search variants stand what was built directly ("built:<target>:<method>", those whose target is one of
    the problem's), the training set and, where there is one, the individually fine-tuned set. They count only with the
    problem's graph-level values: at another resolution neither accuracy nor latency is the same quantity, so such
    training rows would compare different problems.

    Args:
        space: The search space.
        problems: The problems, with their fixed reference points.
        evaluations: Table `evaluations` with the objective columns.
        built: Table `built_architectures` with metrics.
        training: Table `architectures` with labels; left out for problems whose metrics it lacks.
        fine_tuned: Table `fine_tuned_architectures`, likewise.
        label_kind: "surrogate", "measured", "predicted" or "published".

    Returns:
        problem, variant, seeds, evaluations (mean over seeds), hypervolume_mean, hypervolume_std (over seeds, sample
        deviation; empty for one), best_<objective> (mean over seeds of the best value; empty for other problems'
        objectives), label_kind.
    """
    rows = []
    for problem in problems:
        for contender in contenders(
            space, problem, evaluations, built, {TRAINING_SET: training, FINE_TUNED: fine_tuned}
        ):
            volumes = [problem.hypervolume(run) for run in contender.runs]
            best = np.asarray([_best(problem, run) for run in contender.runs]).mean(axis=0)
            rows.append(
                {
                    "problem": problem.name,
                    "variant": contender.name,
                    "seeds": len(contender.runs),
                    "evaluations": float(np.mean([len(run) for run in contender.runs])),
                    "hypervolume_mean": float(np.mean(volumes)),
                    "hypervolume_std": _deviation(volumes),
                    **{f"best_{name}": value for name, value in zip(problem.objectives, best.tolist(), strict=True)},
                    "label_kind": label_kind,
                }
            )
    table = pd.DataFrame(rows)
    return table[[*(c for c in table.columns if c != "label_kind"), "label_kind"]] if rows else table


def progress_under_budgets(
    space: SearchSpace,
    problems: Sequence[Problem],
    evaluations: pd.DataFrame,
    budgets: Sequence[int],
    *,
    built: pd.DataFrame | None = None,
    training: pd.DataFrame | None = None,
    fine_tuned: pd.DataFrame | None = None,
    label_kind: str,
) -> pd.DataFrame:
    """What each contender of `compare` has reached after its first so many evaluations.

    Evaluations count in their order: a search's own, built architectures from the highest sum down, the training set
    as it stands in its table. A contender that never spends a budget has no row for it.

    Returns:
        Table `budget_progress`: problem, variant, budget, measure ("hypervolume" or an objective, whose best value it
        is), mean, std over seeds (empty for one), label_kind.
    """
    rows = []
    for problem in problems:
        for contender in contenders(
            space, problem, evaluations, built, {TRAINING_SET: training, FINE_TUNED: fine_tuned}
        ):
            for budget in budgets:
                runs = [run[:budget] for run in contender.runs if len(run) >= budget]
                if not runs:
                    continue
                reached = np.asarray([[problem.hypervolume(run), *_best(problem, run)] for run in runs])
                for measure, values in zip(("hypervolume", *problem.objectives), reached.T, strict=True):
                    mean, std = float(values.mean()), _deviation(values)
                    rows.append((problem.name, contender.name, int(budget), measure, mean, std, label_kind))
    table = pd.DataFrame(rows, columns=["problem", "variant", "budget", "measure", "mean", "std", "label_kind"])
    texts = dict.fromkeys(("problem", "variant", "measure", "label_kind"), "str")
    return table.astype({**texts, "budget": "int64", "mean": float, "std": float})  # without a row, too


@dataclass(frozen=True, eq=False)
class Contender:
    """Something that is compared on one problem."""

    name: str
    runs: list[Floats]
    """Per seed [evaluations, objectives], in order."""


def contenders(
    space: SearchSpace,
    problem: Problem,
    evaluations: pd.DataFrame,
    built: pd.DataFrame | None,
    sets: Mapping[str, pd.DataFrame | None],
) -> Iterator[Contender]:
    """The search variants of a problem, then what was built directly, then the sets of labelled architectures."""
    searched = evaluations[evaluations["problem"] == problem.name]
    for name, rows in searched.groupby("variant", sort=False):
        runs = [run.sort_values("evaluation") for _, run in rows.groupby("seed")]
        yield Contender(str(name), [problem.values(run) for run in runs])
    if built is not None:
        for key, rows in built.groupby(["target", "method"], sort=False):
            target, method = cast("tuple[str, str]", key)
            if target in problem.targets:
                ranked = of_problem(problem, rows.sort_values("rank"))
                yield from _single(problem, built_variant(target, method), ranked)
    for name, table in sets.items():
        if table is not None:
            yield from _single(problem, name, of_problem(problem, table))


def _single(problem: Problem, name: str, table: pd.DataFrame) -> Iterator[Contender]:
    if missing := [metric for metric in problem.metrics if metric not in table.columns]:
        log.warning("problem %s: %s is not compared, it has no %s", problem.name, name, ", ".join(missing))
        return
    known = table[np.isfinite(table[list(problem.metrics)].to_numpy(dtype=np.float64)).all(axis=1)]
    if known.empty:
        log.warning("problem %s: %s is not compared, it has no rows with %s", problem.name, name, problem.graph)
        return
    yield Contender(name, [problem.evaluate(known).to_numpy()])


def of_problem(problem: Problem, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `table` that have the problem's graph-level values."""
    keep = np.ones(len(table), dtype=bool)
    for name, value in problem.graph.items():
        keep &= (table[name] == value).to_numpy(dtype=bool)
    return table[keep]


def _best(problem: Problem, run: Floats) -> Floats:
    """[objectives] the best value of each; NaN where every evaluation failed."""
    known = run[~np.isnan(run).any(axis=1)]
    if not len(known):
        return np.full(len(problem.maximise), np.nan)
    return np.asarray(np.where(problem.maximise, known.max(axis=0), known.min(axis=0)))


def _deviation(values: Sequence[float] | Floats) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
