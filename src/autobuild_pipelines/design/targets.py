"""Designing target equations of a search problem from its labelled architectures, and checking each of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.design.directions import directions
from autobuild_pipelines.design.labelled import Labelled
from autobuild_pipelines.design.settings import DesignError, DesignSettings
from autobuild_pipelines.design.weighted_sum import SHAPES, WeightedSum, shaped_objectives
from autobuild_pipelines.search import Problem
from autobuild_pipelines.targets import Equation

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Point:
    """The middle of the training architectures that an equation ranks first.

    Attributes:
        target: The equation's name.
        objectives: Objective to its value there.
        score: What the equation that is checked says of the point.
    """

    target: str
    objectives: Mapping[str, float]
    score: float


@dataclass(frozen=True)
class DesignedTarget:
    """One designed target equation and how well it does what it is meant for.

    Attributes:
        name: `<problem>_1`, ... from the first objective to the others.
        sum: The equation's parts.
        region: Objective to its least and greatest value over the architectures.
        architectures: Ids of the training architectures that it ranks first, best first.
        ideal: Its own point.
        high, low: The other equations' point that it ranks highest among those with a better first objective (the
            accurate and expensive ones), and among the rest; None where there is none.
        margin: How far `ideal` scores above `high` and `low`, in the equation's deviations over the training set.
        gap: The farthest that an architecture of the training front is better in every objective than each of the
            equations' best, as a share of the front's ranges (the additive epsilon indicator). The same for all
            equations of a problem.
        reason: Why the check failed, "" if it did not.
    """

    name: str
    sum: WeightedSum
    region: Mapping[str, tuple[float, float]]
    architectures: tuple[str, ...]
    ideal: Point
    high: Point | None
    low: Point | None
    margin: float
    gap: float
    reason: str

    @property
    def equation(self) -> str:
        """The equation over metrics."""
        return self.sum.text

    @property
    def checked(self) -> bool:
        """Whether it passed the check."""
        return not self.reason


def designed_names(problem: Problem, settings: DesignSettings) -> tuple[str, ...]:
    """What the equations of a problem are called, known before they are designed; none where it has one objective."""
    count = settings.count if len(problem.objectives) > 1 else 0
    return tuple(f"{problem.name}_{number}" for number in range(1, count + 1))


def design_targets(problem: Problem, architectures: pd.DataFrame, settings: DesignSettings) -> list[DesignedTarget]:
    """Design equations whose best architectures lie side by side along the whole Pareto front.

    All are weighted sums of the objectives, which predictors learn as well as the objectives themselves and which stay
    sums over a network's units. Weights are those of `directions`, for objectives in deviations over the training
    set: no unit of measurement matters. Equations are checked as the paper checks its own (§7.7): the "ideal" point
    must score above the "high" (accurate but expensive) and the "low" (cheap) one, here by a margin. Points are the
    means of the metrics of the `best` architectures that an equation ranks first, since the single first one is luck.

    Args:
        problem: Two objectives or more.
        architectures: n rows of metrics. Where it has columns of graph-level values, only rows with the problem's
            count; rows without a metric do not. Column `architecture_id`, if any, names the rows.
        settings: How many equations, and what they must satisfy.

    Returns:
        The equations in order. One that fails the check stays among them, says why, and is logged: with another
        `count`, `best` or `shape`, or with more labels, it may pass. With shape "auto", where no shape lets all pass,
        these are of the shape whose least margin is greatest.

    Raises:
        DesignError: Metrics are missing or constant, there are too few architectures or front points, or the settings
            do not fit the problem.
        EquationError: An objective is no equation of the metrics.
    """
    if not settings.count:
        return []
    labelled = Labelled.of(problem, architectures, settings)
    tried = [shape for shape in SHAPES if settings.shape in ("auto", shape)]
    fitting = [shape for shape in tried if SHAPES[shape].fits(labelled.objectives[:, 1:])]
    if not fitting:
        raise DesignError(
            f"problem {problem.name!r}: design.shape {settings.shape!r} does not fit objectives that are zero or "
            "negative; take none"
        )
    found: list[DesignedTarget] = []
    least = -np.inf
    for shape in fitting:
        attempt = _attempt(labelled, shape, settings)
        worst = min(target.margin for target in attempt)
        if worst > least:
            found, least = attempt, worst
        if worst >= settings.margin:
            break
    for target in found:
        if target.reason:
            log.warning("designed target %s, %r: %s", target.name, target.equation, target.reason)
    return found


def point_margin(
    equation: Equation, ideal: Mapping[str, float], others: Sequence[Mapping[str, float]], training: pd.DataFrame
) -> float:
    """How far an equation scores one point above others: the paper's check of an equation made by hand (§7.7).

    Args:
        equation: Over metrics.
        ideal: Metric to value of the point that should score highest.
        others: The same of other points, such as a "high" and a "low" one.
        training: Rows of metrics.

    Returns:
        The least difference in score, in deviations of the equation over the training rows; negative where another
        point scores higher.
    """
    scores = equation.evaluate(pd.DataFrame([ideal, *others]))
    return float((scores[0] - scores[1:].max()) / equation.evaluate(training).std())


def _attempt(labelled: Labelled, shape: str, settings: DesignSettings) -> list[DesignedTarget]:
    """The equations with one shape, checked."""
    problem = labelled.problem
    deviations = shaped_objectives(labelled.objectives, shape).std(axis=0)
    sums = [
        WeightedSum.of(problem, shape, weights, deviations, settings.digits)
        for weights in directions(settings.count, len(problem.objectives))
    ]
    names = designed_names(problem, settings)
    equations = [Equation(name, each.text) for name, each in zip(names, sums, strict=True)]
    scores = np.stack([equation.evaluate(labelled.metrics) for equation in equations])
    best = np.argsort(-scores, axis=1, kind="stable")[:, : settings.best]
    places = pd.DataFrame([labelled.metrics.iloc[rows].mean() for rows in best])
    gap = labelled.gap(np.unique(best))
    found = []
    for number, (equation, each) in enumerate(zip(equations, sums, strict=True)):
        points = _points(problem, equations, places, equation.evaluate(places))
        high, low = _rivals(problem, points, number)
        nearest = max((p for p in (high, low) if p is not None), key=lambda p: p.score)
        # Scores have the unit of the first objective, from which an equation's rounding errors must be told apart.
        distinct = scores[number].std() > 1e-9 * deviations[0]
        margin = float((points[number].score - nearest.score) / scores[number].std()) if distinct else 0.0
        values = labelled.objectives[best[number]]
        bounds = zip(values.min(axis=0).tolist(), values.max(axis=0).tolist(), strict=True)
        found.append(
            DesignedTarget(
                name=equation.name,
                sum=each,
                region=dict(zip(problem.objectives, bounds, strict=True)),
                architectures=tuple(labelled.ids[row] for row in best[number]),
                ideal=points[number],
                high=high,
                low=low,
                margin=margin,
                gap=gap,
                reason="" if margin >= settings.margin else _reason(margin, nearest, settings),
            )
        )
    return found


def _points(
    problem: Problem, equations: Sequence[Equation], places: pd.DataFrame, scores: NDArray[np.float64]
) -> list[Point]:
    """Every equation's point, with what one of them says of it."""
    rows: list[dict[Any, float]] = problem.evaluate(places).to_dict("records")
    return [
        Point(equation.name, {str(name): float(value) for name, value in row.items()}, float(score))
        for equation, row, score in zip(equations, rows, scores, strict=True)
    ]


def _rivals(problem: Problem, points: Sequence[Point], number: int) -> tuple[Point | None, Point | None]:
    """The best-scored other point among those with a better first objective, and among the rest."""
    first, objective = next(iter(problem.objectives.items()))
    sign = 1 if objective.direction == "max" else -1
    here = sign * points[number].objectives[first]
    others = [*points[:number], *points[number + 1 :]]
    better = [point for point in others if sign * point.objectives[first] > here]
    rest = [point for point in others if sign * point.objectives[first] <= here]
    return _highest(better), _highest(rest)


def _highest(points: Sequence[Point]) -> Point | None:
    return max(points, key=lambda point: point.score, default=None)


def _reason(margin: float, nearest: Point, settings: DesignSettings) -> str:
    return (
        f"its {settings.best} best score {margin:.3g} deviations above those of {nearest.target}, less than "
        f"design.margin {settings.margin:g}"
    )
