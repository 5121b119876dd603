"""The best value of each objective under limits of the others: the best accuracy below so much latency."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from autobuild_pipelines.search.anytime import QUARTILES
from autobuild_pipelines.search.comparison import TRAINING_SET, contenders, of_problem
from autobuild_pipelines.search.problem import Problem, SearchError, checked
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.spaces.settings import FROM_LIST, FrozenSettings

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
COLUMNS = [
    *("problem", "variant", "objective", "level", "limits", "quantile", "seeds", "seeds_within"),
    *("best_median", "best_lower", "best_upper", "label_kind"),
]


class CapSettings(FrozenSettings):
    """The parameter `compare_methods`.

    Attributes:
        caps: Objective to the values that it must not be worse than, in its unit, hardest first or in any order.
        cap_quantiles: For objectives without caps: quantiles of the training architectures' values, counted from the
            best, so 0.1 is the value that a tenth of them reach.
    """

    caps: dict[str, Annotated[tuple[float, ...], FROM_LIST]] = Field(default_factory=dict)
    cap_quantiles: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], FROM_LIST] = (0.1, 0.25, 0.5)

    @classmethod
    def from_mapping(cls, content: Any, problems: Sequence[Problem]) -> CapSettings:
        """Read the parameter.

        Raises:
            SearchError: Names the key that is wrong and the reason; a cap of no problem's objective is one.
        """
        settings = checked(cls, "compare_methods", content)
        known = list(dict.fromkeys(name for problem in problems for name in problem.objectives))
        if unknown := [name for name in settings.caps if name not in known]:
            raise SearchError(
                f"compare_methods.caps.{unknown[0]}: no problem has this objective; there are {known}. Give a space's "
                "caps in its own parameters"
            )
        return settings


def best_under_caps(
    space: SearchSpace,
    problems: Sequence[Problem],
    evaluations: pd.DataFrame,
    training: pd.DataFrame,
    settings: CapSettings,
    *,
    label_kind: str,
) -> pd.DataFrame:
    """Table `best_under_caps`: what searches, and the training set, offer under each limit.

    With more than two objectives all others are limited together, the first limit of one with the first of the next.

    Args:
        space: The search space.
        problems: The problems.
        evaluations: Table `evaluations`.
        training: Table `architectures`; only rows with the problem's graph-level values count.
        settings: The limits.
        label_kind: Of the space.

    Returns:
        problem, variant, objective (whose best is sought), level (1, 2, ...: which limit), limits (in words, such as
        "latency_cpu_ms <= 14.2"), quantile (of the training set; empty for a given cap), seeds, seeds_within (whose
        run has an architecture within the limits), best_median, best_lower, best_upper (over these; empty if none),
        label_kind.

    Raises:
        SearchError: Objectives that are limited together have different numbers of caps.
    """
    rows = []
    for problem in problems:
        limits = _limits(problem, training, settings)
        if limits is None:
            continue
        for contender in contenders(space, problem, evaluations, None, {TRAINING_SET: training}):
            for place, objective in enumerate(problem.objectives):
                for level, limit in enumerate(_together(problem, limits, place), start=1):
                    found = [_best_within(problem, run, place, limit) for run in contender.runs]
                    within = [value for value in found if not np.isnan(value)]
                    best = np.quantile(within, QUARTILES).tolist() if within else [float("nan")] * 3
                    quantile = float("nan") if _given(problem, settings, place) else settings.cap_quantiles[level - 1]
                    text = _words(problem, limit)
                    row = (problem.name, contender.name, objective, level, text, quantile, len(found), len(within))
                    rows.append((*row, *best, label_kind))
    return pd.DataFrame(rows, columns=COLUMNS)


def _limits(problem: Problem, training: pd.DataFrame, settings: CapSettings) -> list[tuple[float, ...]] | None:
    """Per objective its limits; None where the training set cannot tell them."""
    if all(name in settings.caps for name in problem.objectives):
        return [settings.caps[name] for name in problem.objectives]
    missing = [metric for metric in problem.metrics if metric not in training.columns]
    rows = training.iloc[:0] if missing else of_problem(problem, training)
    values = problem.evaluate(rows).dropna().to_numpy() if len(rows) else np.empty((0, 0))
    if not len(values):
        why = f"has no {', '.join(missing)}" if missing else f"has no rows with {problem.graph}"
        log.warning(
            "problem %s: nothing is sought under limits, the training set %s; give compare_methods.caps for each of %s",
            *(problem.name, why, list(problem.objectives)),
        )
        return None
    out = []
    for place, (name, maximise) in enumerate(zip(problem.objectives, problem.maximise, strict=True)):
        shares = [1 - share if maximise else share for share in settings.cap_quantiles]
        out.append(settings.caps.get(name) or tuple(np.quantile(values[:, place], shares).tolist()))
    return out


def _together(problem: Problem, limits: Sequence[tuple[float, ...]], place: int) -> list[dict[int, float]]:
    """The limits under which objective `place` is sought, each as other objective to value."""
    others = [other for other in range(len(limits)) if other != place]
    if not others:
        return [{}]
    if len({len(limits[other]) for other in others}) > 1:
        names = [[*problem.objectives][other] for other in others]
        raise SearchError(
            f"compare_methods.caps: problem {problem.name!r} limits {names} together, so each needs as many caps; they "
            f"have {[len(limits[other]) for other in others]} (without caps: one for each of cap_quantiles)"
        )
    return [dict(zip(others, values, strict=True)) for values in zip(*(limits[o] for o in others), strict=True)]


def _best_within(problem: Problem, run: Floats, place: int, limit: dict[int, float]) -> float:
    """The best value of objective `place` among rows of `run` that keep the limits; NaN where none does."""
    keep = ~np.isnan(run).any(axis=1)
    for other, value in limit.items():
        keep &= run[:, other] >= value if problem.maximise[other] else run[:, other] <= value
    values = run[keep, place]
    if not len(values):
        return float("nan")
    return float(values.max() if problem.maximise[place] else values.min())


def _given(problem: Problem, settings: CapSettings, place: int) -> bool:
    """Whether any limit under which objective `place` is sought is a cap of the settings."""
    return len(problem.objectives) == 1 or any(
        name in settings.caps for other, name in enumerate(problem.objectives) if other != place
    )


def _words(problem: Problem, limit: dict[int, float]) -> str:
    names = [*problem.objectives]
    return " and ".join(
        f"{names[other]} {'>=' if problem.maximise[other] else '<='} {value:.6g}" for other, value in limit.items()
    )
