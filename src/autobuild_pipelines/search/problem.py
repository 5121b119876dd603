"""What a search optimises: objectives as equations over metrics, each with a direction and a reference value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from autobuild_pipelines.search.pareto import hypervolume, pareto_mask
from autobuild_pipelines.targets import Equation


class SearchError(ValueError):
    """A search is set up wrongly; the message names the key and what would be right."""


class FrozenSettings(BaseModel):
    """Settings read from parameters: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


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
    targets: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    layer_insight: str | None = None
    graph: dict[str, bool | int | float | str] = {}

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
        """[n, objectives] the objectives of rows of metrics.

        Raises:
            EquationError: An equation is malformed, names a metric that the table lacks, or is not finite for a row.
        """
        return pd.DataFrame({e.name: e.evaluate(metrics) for e in self._equations}, index=metrics.index)

    def values(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """[n, objectives] the objective columns of a table that has them."""
        return table[list(self.objectives)].to_numpy(dtype=np.float64)

    def front(self, values: ArrayLike) -> NDArray[np.bool_]:
        """[n] which rows of objectives no other row dominates."""
        return pareto_mask(values, self.maximise)

    def hypervolume(self, values: ArrayLike) -> float:
        """Hypervolume of rows of objectives above the reference point."""
        return hypervolume(values, self.reference, self.maximise)

    @property
    def _equations(self) -> list[Equation]:
        return [Equation(name, objective.equation or name) for name, objective in self.objectives.items()]


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
        reasons = [f"{'.'.join([where, *map(str, e['loc'])])}: {e['msg']}" for e in error.errors()]
        raise SearchError("; ".join(reasons)) from None
