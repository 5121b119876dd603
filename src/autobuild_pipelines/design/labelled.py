"""The labelled architectures that equations are designed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.design.settings import DesignError, DesignSettings
from autobuild_pipelines.search import Problem
from autobuild_pipelines.spaces.table import ID

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Architectures whose objectives of a problem are known.

    Attributes:
        problem: m objectives.
        metrics: [n] rows of the metrics that the objectives read.
        objectives: [n, m].
        ids: [n] what to call the rows.
    """

    problem: Problem
    metrics: pd.DataFrame
    objectives: Floats
    ids: tuple[str, ...]

    @classmethod
    def of(cls, problem: Problem, table: pd.DataFrame, settings: DesignSettings) -> Labelled:
        """The rows of a table that count, checked to be enough for a design.

        Raises:
            DesignError: See `design_targets`.
            EquationError: An objective is no equation of the metrics.
        """
        where = f"problem {problem.name!r}"
        names = list(problem.objectives)
        if len(names) < 2:
            raise DesignError(f"{where}: has the one objective {names[0]!r}, which is the target; a front needs two")
        if settings.count < len(names):
            raise DesignError(
                f"{where}: design.count is {settings.count}, but {len(names)} objectives need as many equations or "
                "more, or 0 for no design"
            )
        if missing := [metric for metric in problem.metrics if metric not in table.columns]:
            raise DesignError(f"{where}: the architectures lack the label {missing[0]!r}, which its objectives read")
        rows = _counting(problem, table)
        if len(rows) < settings.count * settings.best:
            raise DesignError(
                f"{where}: {len(rows)} architectures with all labels{_at(problem)} are too few for design.count "
                f"{settings.count} times design.best {settings.best}; lower one of them or label more architectures"
            )
        metrics = rows[list(problem.metrics)].astype(np.float64)
        objectives = problem.evaluate(metrics).to_numpy()
        spread = np.ptp(objectives, axis=0) > 1e-9 * np.abs(objectives).max(axis=0)
        if constant := [name for name, varies in zip(names, spread, strict=True) if not varies]:
            raise DesignError(f"{where}: objective {constant[0]!r} is the same for all {len(rows)} architectures")
        ids = rows.get(ID, rows.index)
        labelled = cls(problem, metrics, objectives, tuple(map(str, ids)))
        if (points := len(np.unique(labelled.front, axis=0))) < settings.count:
            raise DesignError(
                f"{where}: the front of the {len(rows)} architectures has {points} different points, too few to tell "
                f"design.count {settings.count} equations apart; lower it, or label more architectures"
            )
        return labelled

    @property
    def front(self) -> Floats:
        """[front, m] objectives that no other architecture's dominate."""
        return self.objectives[self.problem.front(self.objectives)]

    def gap(self, chosen: NDArray[np.int64]) -> float:
        """The additive epsilon indicator of some rows against the front, whose ranges are 1."""
        signs = np.where(self.problem.maximise, 1.0, -1.0)
        front = self.front
        ahead = (front[:, None] - self.objectives[None, chosen]) * signs / np.ptp(front, axis=0)
        return max(0.0, float(ahead.max(axis=2).min(axis=1).max()))


def _counting(problem: Problem, table: pd.DataFrame) -> pd.DataFrame:
    keep = np.isfinite(table[list(problem.metrics)].to_numpy(dtype=np.float64)).all(axis=1)
    for name, value in problem.graph.items():
        if name in table.columns:
            keep &= (table[name] == value).to_numpy(dtype=bool)
    return table.iloc[np.flatnonzero(keep)]


def _at(problem: Problem) -> str:
    values = ", ".join(f"{name} {value}" for name, value in problem.graph.items())
    return f" at {values}" if values else ""
