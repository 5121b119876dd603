"""Reading the table `module_scores`: per ranking unit the modules and scores of one target and method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.building.errors import BuildingError
from autobuild_pipelines.spaces import Codes, RankingUnit, SearchSpace

COLUMNS = ("unit", "module", "target", "method", "score", "rank")


@dataclass(frozen=True, eq=False)
class ScoredModules:
    """Modules of one ranking unit with their scores, best first.

    Attributes:
        unit: The ranking unit.
        modules: [n] JSON lists of layer objects, as in the table.
        scores: [n] float64, decreasing. Higher is better.
    """

    unit: RankingUnit
    modules: tuple[str, ...]
    scores: NDArray[np.float64]

    def codes(self, space: SearchSpace) -> Codes:
        """[n, slots of the unit] layer codes of the modules."""
        return np.stack([space.parse_module(self.unit, module) for module in self.modules])

    def head(self, count: int) -> ScoredModules:
        """The best `count` modules."""
        return ScoredModules(self.unit, self.modules[:count], self.scores[:count])

    def take(self, places: NDArray[np.int64]) -> ScoredModules:
        """The modules at `places` [n], increasing."""
        return ScoredModules(self.unit, tuple(self.modules[place] for place in places), self.scores[places])

    def parts(self, space: SearchSpace) -> NDArray[np.int64]:
        """[n] the part of the unit that each module belongs to, see `RankingUnit.part_of`."""
        return self.unit.part_of(self.codes(space))


def scored_modules(
    space: SearchSpace, module_scores: pd.DataFrame, target: str, method: str, top: int | None = None
) -> list[ScoredModules]:
    """The modules of every ranking unit by the scores of one target and method.

    Args:
        space: The search space.
        module_scores: Table of unit (1-based ranking unit), module (JSON), target, method, score, rank (1 is best).
        target: Name of the target equation.
        method: How the scores were made.
        top: Only the best so many of each unit; all by default.

    Raises:
        BuildingError: The table lacks a column, or has no such target, method or unit.
    """
    if missing := [c for c in COLUMNS if c not in module_scores.columns]:
        raise BuildingError(f"module_scores of space {space.name!r}: lacks the columns {missing}")
    rows = module_scores[(module_scores["target"] == target) & (module_scores["method"] == method)]
    if rows.empty:
        raise BuildingError(
            f"module_scores of space {space.name!r}: has no scores of target {target!r} by method {method!r}; "
            f"there are {_known(module_scores)}"
        )
    if top is not None:
        rows = rows[rows["rank"] <= top]
    out = []
    for unit in space.ranking_units:
        found = rows[rows["unit"] == unit.number].sort_values(["rank", "module"])
        if found.empty:
            raise BuildingError(
                f"module_scores of space {space.name!r}: target {target!r}, method {method!r} has no modules of "
                f"unit {unit.number} ({unit.name})"
            )
        found = found if top is None else found.head(top)
        out.append(ScoredModules(unit, tuple(found["module"]), found["score"].to_numpy(dtype=np.float64)))
    return out


def _known(module_scores: pd.DataFrame) -> Sequence[str]:
    pairs = module_scores[["target", "method"]].drop_duplicates()
    return sorted(f"{t} by {m}" for t, m in pairs.itertuples(index=False)) or ["none"]
