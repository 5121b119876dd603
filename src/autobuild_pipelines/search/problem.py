"""What a search optimises: objectives as equations over metrics, each with a direction and a reference value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, ValidationError

from autobuild_pipelines.search.pareto import hypervolume, pareto_mask
from autobuild_pipelines.spaces import SearchSpace, SpaceError
from autobuild_pipelines.spaces.settings import FROM_LIST, FrozenSettings, reasons
from autobuild_pipelines.spaces.table import ID, UNITS
from autobuild_pipelines.targets import Equation

COLUMNS = ("problem", "variant", "seed", "evaluation", "generation")
"""What names an evaluation in the tables, beside its architecture; no objective or metric may go by these names."""


class SearchError(ValueError):
    """A search is set up wrongly; the message names the key and what would be right."""


S = TypeVar("S", bound=FrozenSettings)


class Objective(FrozenSettings):
    """One objective.

    Attributes:
        equation: Its value as an equation over metrics; the objective's own name by default.
        direction: Whether more ("max") or less ("min") is better.
        reference: The hypervolume's reference value, in the objective's unit.
        title: What figures call it.
    """

    equation: str = ""
    direction: Literal["max", "min"]
    reference: float
    title: str = ""


class Problem(FrozenSettings):
    """One search problem of a space.

    Attributes:
        name: Its name.
        objectives: Name to objective, in column order.
        targets: Target equations whose best modules make its reduced space.
        layer_insight: The space's restriction that Layer-Insight searches, if any.
        graph: Graph-level values of everything that is searched or built.
    """

    name: str
    objectives: Annotated[dict[str, Objective], Field(min_length=1)]
    targets: Annotated[tuple[str, ...], FROM_LIST] = ()
    layer_insight: str | None = None
    graph: dict[str, bool | int | float | str] = Field(default_factory=dict)

    @classmethod
    def from_mapping(cls, name: str, content: Any) -> Problem:
        """Read one entry of the parameter `problems`.

        Raises:
            SearchError: Names the key that is wrong and the reason.
        """
        return checked(cls, f"problems.{name}", content, name=name)

    @property
    def maximise(self) -> list[bool]:
        """Per objective, whether more is better."""
        return [objective.direction == "max" for objective in self.objectives.values()]

    @property
    def reference(self) -> list[float]:
        """The hypervolume's reference point."""
        return [objective.reference for objective in self.objectives.values()]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the objectives read."""
        return tuple(dict.fromkeys(c for equation in self._equations for c in equation.columns))

    def evaluate(self, metrics: pd.DataFrame) -> pd.DataFrame:
        """[n, objectives] the objectives of rows of metrics; NaN where a metric that they read is missing (NaN).

        Raises:
            EquationError: An equation is malformed, names a metric that the table lacks, or is not finite for a row.
        """
        known = metrics[metrics[list(self.metrics)].notna().all(axis=1)]
        found = pd.DataFrame({e.name: e.evaluate(known) for e in self._equations}, index=known.index)
        return found.reindex(metrics.index)

    def values(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """[n, objectives] the objective columns of a table that has them."""
        return table[list(self.objectives)].to_numpy(dtype=np.float64)

    def front(self, values: ArrayLike) -> NDArray[np.bool_]:
        """[n] which rows of objectives no other row dominates; rows with NaN, which failed, are never among them."""
        return pareto_mask(values, self.maximise)

    def hypervolume(self, values: ArrayLike) -> float:
        """Hypervolume of rows of objectives above the reference point; rows with NaN, which failed, add nothing."""
        return hypervolume(values, self.reference, self.maximise)

    @property
    def _equations(self) -> list[Equation]:
        return [Equation(name, objective.equation or name) for name, objective in self.objectives.items()]


def check_problems(
    space: SearchSpace, problems: Sequence[Problem], *, metrics: Sequence[str], targets: Sequence[str] | None = None
) -> None:
    """Check that problems fit what they will be given.

    Args:
        space: The search space.
        problems: The problems.
        metrics: What can be evaluated.
        targets: The target equations there are; None leaves the problems' targets unchecked.

    Raises:
        SearchError: Names the key that asks for a target, metric, restriction or graph-level value that there is not,
            or an objective that has the name of a column, or of a metric with another value.
        EquationError: An objective is no equation.
    """
    for problem in problems:
        where = f"problems.{problem.name}"
        if unknown := [name for name in problem.targets if targets is not None and name not in targets]:
            raise SearchError(f"{where}.targets: there is no target {unknown[0]!r}, only {list(targets or ())}")
        if taken := [name for name in problem.objectives if name in {*COLUMNS, ID, UNITS, *space.graph_features}]:
            raise SearchError(f"{where}.objectives.{taken[0]}: tables have a column of this name; give it another")
        for name, objective in problem.objectives.items():
            _check_objective(f"{where}.objectives.{name}", Equation(name, objective.equation or name), metrics)
        for name, value in problem.graph.items():
            if name not in space.graph_features:
                raise SearchError(f"{where}.graph: {name!r} is no graph feature of space {space.name!r}")
            if value not in (choices := space.declaration.graph_features[name].choices):
                raise SearchError(f"{where}.graph.{name}: {value!r} is not one of {list(choices)}")
        if problem.layer_insight is not None:
            try:
                space.restrict(problem.layer_insight)
            except SpaceError as error:
                raise SearchError(f"{where}.layer_insight: {error}") from None


def _check_objective(where: str, equation: Equation, metrics: Sequence[str]) -> None:
    if unknown := [column for column in equation.columns if column not in metrics]:
        raise SearchError(
            f"{where}: {equation.text!r} reads {unknown[0]!r}, which no evaluator gives; there are {list(metrics)}"
        )
    if equation.name in metrics and equation.text.strip() != equation.name:
        raise SearchError(f"{where}: has the name of a metric, but is {equation.text!r}; give it another name")


def checked(kind: type[S], where: str, content: Any, **more: Any) -> S:
    """Validate a mapping of parameters.

    Raises:
        SearchError: Names the key (under `where`) that is wrong and the reason.
    """
    if not isinstance(content, Mapping):
        raise SearchError(f"{where}: expected a mapping, got {content!r}")
    try:
        return kind.model_validate({**content, **more})
    except ValidationError as error:
        raise SearchError(reasons(error, where)) from None
