"""A search problem as figures see it: axes with titles and directions, and the rows that can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from autobuild_pipelines.reporting import wording
from autobuild_pipelines.search import Problem
from autobuild_pipelines.targets import Equation


@dataclass(frozen=True)
class Axis:
    """One objective as an axis.

    Attributes:
        name: The objective's column, with its unit as in ``latency_cpu_ms``.
        title: The objective's own title, else made from the name.
        maximise: Whether more is better.
        reference: The hypervolume's reference value.
    """

    name: str
    title: str
    maximise: bool
    reference: float

    @property
    def arrow_title(self) -> str:
        """The title with an arrow towards better values (on a vertical axis "→" points up)."""
        return f"{self.title}   better →" if self.maximise else f"← better   {self.title}"

    @property
    def unit(self) -> str:
        """The unit in the title's brackets, or the title where there is none."""
        return self.title.rpartition("[")[2].rstrip("]")


def axes(problem: Problem) -> list[Axis]:
    """The objectives of a problem in their order."""
    return [
        Axis(name, objective.title or wording.quantity(name), objective.direction == "max", objective.reference)
        for name, objective in problem.objectives.items()
    ]


def select(problem: Problem, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `table` of this problem, with every objective as a finite column.

    Rows of other problems go when the table has a `problem` column, rows with other graph-level values than the
    problem's (another resolution) when it has theirs; objectives that are not columns are computed from their
    equations; rows without a finite value in each objective go.

    Raises:
        EquationError: An objective is no column, and its equation names a column that the table lacks.
    """
    rows = table[table["problem"] == problem.name] if "problem" in table.columns else table
    for name, value in problem.graph.items():
        if name in rows.columns:
            rows = rows[rows[name] == value]
    missing = {name: o.equation or name for name, o in problem.objectives.items() if name not in rows.columns}
    if rows.empty:
        return rows.reindex(columns=[*rows.columns, *missing])
    rows = rows.assign(**{name: Equation(name, text).evaluate(rows) for name, text in missing.items()})
    return rows.iloc[np.flatnonzero(np.isfinite(problem.values(rows)).all(axis=1))]


def missing_metrics(problem: Problem, table: pd.DataFrame) -> list[str]:
    """The metrics that `select` would need and the table lacks."""
    needed = [
        column
        for name, objective in problem.objectives.items()
        if name not in table.columns
        for column in Equation(name, objective.equation or name).columns
    ]
    return [column for column in dict.fromkeys(needed) if column not in table.columns]


def front(problem: Problem, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that no other row dominates, ordered by the last objective."""
    return rows.iloc[np.flatnonzero(problem.front(problem.values(rows)))].sort_values([*problem.objectives][::-1])


def volume(problem: Problem, rows: pd.DataFrame) -> float:
    """Hypervolume of `rows` above the reference point, in the product of the objectives' units."""
    return problem.hypervolume(problem.values(rows))
