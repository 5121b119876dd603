"""What target equations are worth for every architecture of a space, and where given ones rank among all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from autobuild_pipelines.evaluators import Evaluator, checked_evaluation
from autobuild_pipelines.search.problem import SearchError
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace
from autobuild_pipelines.targets import Equation

MOST = 20_000_000
"""Architectures of the largest space whose every member is evaluated."""
_TOLERANCE = 1e-9
"""Values that differ by less are equal: no rounding of a sum makes an architecture better than itself."""


class TrueValues:
    """Where values of target equations rank among those of all architectures of a space.

    Args:
        space: The search space.
        evaluator: Knows every architecture's metrics: a surrogate without noise, exact costs.
        targets: Target equations by name. Higher is better.
        graph: Graph-level values of all architectures (declared defaults where left out).

    Raises:
        SearchError: The space is too large, or the evaluator knows some of its architectures only.
        EquationError: A target reads what the evaluator does not give.
    """

    def __init__(
        self,
        space: SearchSpace,
        evaluator: Evaluator,
        targets: Mapping[str, str],
        graph: Mapping[str, Any] | None = None,
    ) -> None:
        if space.size > MOST:
            raise SearchError(
                f"truth: space {space.name!r} has {space.size:,} architectures, at most {MOST:,} are evaluated to rank "
                "others among them; leave `truth` out"
            )
        if evaluator.support is not None:
            raise SearchError(f"truth: its evaluators know {len(evaluator.support):,} architectures, not all")
        self.size = space.size
        self._evaluator = evaluator
        self._equations = {name: Equation(name, text) for name, text in targets.items()}
        parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in targets}
        for block in space.blocks(graph=graph):
            for name, values in self.values(block).items():
                parts[name].append(values)
        self._sorted = {name: np.sort(np.concatenate(values)) for name, values in parts.items()}

    def values(self, array: ArchitectureArray) -> dict[str, NDArray[np.float64]]:
        """Per target the true values [n] of architectures."""
        metrics: pd.DataFrame = checked_evaluation(self._evaluator, array)
        return {name: equation.evaluate(metrics) for name, equation in self._equations.items()}

    def ranks(self, target: str, values: ArrayLike) -> NDArray[np.int64]:
        """[n] the rank of each true value among all architectures: 1 for the best, the same for equal values."""
        above = np.searchsorted(self._sorted[target], np.asarray(values) + _TOLERANCE, side="right")
        return np.asarray(self.size - above + 1, dtype=np.int64)

    def percentiles(self, ranks: ArrayLike) -> NDArray[np.float64]:
        """[n] the share of architectures, in percent, that are no worse than those of these ranks."""
        return 100 * np.asarray(ranks, dtype=np.float64) / self.size
