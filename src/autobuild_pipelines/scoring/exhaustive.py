"""Exhaustive Search (§7.9): what an ensemble predicts for every architecture of a space, and the best of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.predictors.threads import keep_freed_memory, one_thread_per_operation
from autobuild_pipelines.scoring.errors import ScoringError
from autobuild_pipelines.scoring.prefixes import PrefixSharing, Stretch
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace, Unit

MOST = 100_000_000
"""Architectures of the largest space that is searched exhaustively: 400 MB of predictions a target."""
BLOCK = 262_144
"""Architectures numbered, and their steps found, at once."""


@dataclass(frozen=True, eq=False)
class BestPredicted:
    """The architectures that predictors of one target put first.

    Attributes:
        numbers: [count] their numbers in `SearchSpace.enumeration`.
        architectures: The architectures.
        predictions: [count] float32 on the target's scale, decreasing.
    """

    numbers: NDArray[np.int64]
    architectures: ArchitectureArray
    predictions: NDArray[np.float32]


def exhaustive_search(
    predictors: TrainedPredictors, count: int, *, graph: Mapping[str, Any] | None = None, progress: bool = False
) -> dict[str, BestPredicted]:
    """The `count` best of all architectures by every target's prediction (the baseline of §7.9 and §7.10).

    Args:
        predictors: The trained predictors; an ensemble's mean decides.
        count: Architectures per target; all of a space that has fewer.
        graph: Graph-level values of all architectures (declared defaults where left out).
        progress: Show a progress bar.

    Returns:
        By target; of equal predictions the architecture with the lower number comes first.

    Raises:
        ScoringError: See `predict_all`.
    """
    if count < 1:
        raise ScoringError(f"exhaustive search of {predictors.space.name!r}: count must be 1 or more, got {count}")
    found = {}
    for target, values in zip(predictors.targets, predict_all(predictors, graph=graph, progress=progress), strict=True):
        numbers = best_numbers(values, count)
        architectures = predictors.space.enumeration.architectures(numbers, graph)
        found[target] = BestPredicted(numbers, architectures, values[numbers])
    return found


def predict_all(
    predictors: TrainedPredictors,
    *,
    numbers: NDArray[np.int64] | None = None,
    graph: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> NDArray[np.float32]:
    """Predictions for every architecture of the predictors' space, with shared computation (see `PrefixSharing`).

    Args:
        predictors: The trained predictors.
        numbers: [n] numbers of architectures in `SearchSpace.enumeration`; all of them by default.
        graph: Graph-level values of all architectures (declared defaults where left out).
        progress: Show a progress bar.

    Returns:
        [targets, n] float32, an ensemble's mean, as `TrainedPredictors.predict` gives but for rounding.

    Raises:
        ScoringError: The space has more than `MOST` architectures.
        ArchitectureError: A graph-level value is not one of the space's.
    """
    space = predictors.space
    if numbers is None and space.size > MOST:
        raise ScoringError(
            f"space {space.name!r}: has {space.size} architectures, exhaustive search takes at most {MOST}; build from "
            "module scores, or search"
        )
    keep_freed_memory()
    chooser = _Choices(space)
    sharing = PrefixSharing(predictors, chooser.stretches, space.graph_code(graph))
    count = space.size if numbers is None else len(numbers)
    out = np.empty((len(predictors.targets), count), dtype=np.float32)
    with (
        one_thread_per_operation(),
        tqdm(total=count, desc="predicting all architectures", unit="network", disable=not progress) as bar,
    ):
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            block = np.arange(start, stop) if numbers is None else np.asarray(numbers[start:stop], dtype=np.int64)
            out[:, start:stop] = sharing.predict(chooser.of(block)).mean(axis=1)
            bar.update(stop - start)
    return out


def best_numbers(values: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Places of the `count` largest of `values` [n], largest first, of equal ones the first."""
    count = min(count, len(values))
    least = np.partition(values, len(values) - count)[len(values) - count]
    candidates = np.flatnonzero(values >= least)
    return candidates[np.argsort(-values[candidates], kind="stable")[:count]].astype(np.int64)


class _Choices:
    """Which modules architectures have, by their numbers: of ranking units, and of units that are not searched."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._ends = np.cumsum(space.assignments.sizes, dtype=np.int64)
        self._fixed = [unit for unit in space.units if not unit.searched]
        searched = zip(space.ranking_units, space.enumeration.modules, strict=True)
        stretches = [Stretch(unit.start, modules) for unit, modules in searched]
        stretches += [Stretch(unit.start, self._modules(unit)) for unit in self._fixed]
        self._order = np.argsort([stretch.start for stretch in stretches])
        self.stretches = [stretches[place] for place in self._order]

    def of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """[n, stretches] the module of every stretch."""
        assignment = np.searchsorted(self._ends, numbers, side="right")
        parts = self._space.assignments.parts[assignment][:, [unit.number - 1 for unit in self._fixed]]
        return np.concatenate([self._space.enumeration.rows(numbers), parts], axis=1)[:, self._order]

    def _modules(self, unit: Unit) -> NDArray[np.int16]:
        """[parts, slots] the one module of each part that occurs."""
        modules = np.full((len(unit.part_keys), unit.slots), ABSENT, dtype=np.int16)
        for index in np.unique(self._space.assignments.parts[:, unit.number - 1]).tolist():
            part = unit.part(index)
            modules[index] = part.module_array(part.depths[0])[0]
        return modules
