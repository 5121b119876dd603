"""Random mutations of architectures: one layer of a unit, or a unit's whole module (§7.5).

Every unit is hit with its probability, at least one unit of every architecture. All parents mutate in one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.search.layer_edits import UnitEdits
from autobuild_pipelines.search.problem import SearchError
from autobuild_pipelines.spaces import Codes, RankingUnit, SearchSpace


class Mutation(Protocol):
    """Makes one child per parent."""

    def mutate(self, parents: Codes, rng: np.random.Generator) -> Codes:
        """[n, slots] -> [n, slots] layer codes; graph-level values never change."""
        ...


class LayerMutation:
    """One valid edit in every unit that is hit: add, remove or swap one layer (Layer-Full, Layer-Insight).

    A child always differs from its parent, unless no unit of the space has more than one module.

    Args:
        space: The whole space or a restricted one; children lie in it when their parents do.
        probabilities: Per declared unit the probability that it is hit.

    Raises:
        SearchError: The space has patterns of layers, or variables that units share.
    """

    def __init__(self, space: SearchSpace, probabilities: Sequence[float]) -> None:
        if any(unit.patterns or unit.parts for unit in space.units):
            raise SearchError(
                f"space {space.name!r}: mutations of layers need units of any layers in any order, and this one has "
                "patterns or shared variables; build from module scores instead of searching"
            )
        if len(probabilities) != len(space.units):
            raise ValueError(f"expected {len(space.units)} probabilities, one per unit, got {len(probabilities)}")
        self._edits = tuple(UnitEdits(unit, space.vocabulary) for unit in space.units)
        self._columns = tuple(unit.columns for unit in space.units)
        mutable = [unit.count() > 1 for unit in space.units]
        self._probabilities = np.where(mutable, np.asarray(probabilities, dtype=np.float64), 0.0)
        self._fallback = np.asarray(mutable, dtype=np.float64)

    def mutate(self, parents: Codes, rng: np.random.Generator) -> Codes:
        """One child per parent [n, slots]."""
        children = parents.copy()
        hits = hit_units(len(parents), self._probabilities, self._fallback, rng)
        for edits, columns, rows in zip(self._edits, self._columns, hits.T, strict=True):
            children[rows, columns] = edits.edit(children[rows, columns], rng)
        return children


class ModuleMutation:
    """A uniform draw from the unit's modules in every ranking unit that is hit (Stage-Full, AutoBuild-NAS).

    A draw may give a unit the module that it has; a search skips a child that it knows.

    Args:
        units: The ranking units of the whole space.
        probabilities: Per ranking unit the probability that it is hit.
        modules: Per ranking unit the list to draw from [n_u, slots_u]; all its modules by default.

    Raises:
        SearchError: Units share variables.
    """

    def __init__(
        self, units: Sequence[RankingUnit], probabilities: Sequence[float], modules: Sequence[Codes] | None = None
    ) -> None:
        if shared := [unit.name for unit in units if unit.parted.parts]:
            raise SearchError(
                f"mutations of modules need units that go with any other, and {', '.join(shared)} share variables; "
                "build from module scores instead of searching"
            )
        if len(probabilities) != len(units) or (modules is not None and len(modules) != len(units)):
            raise ValueError(f"expected probabilities and modules of {len(units)} ranking units")
        self._units = tuple(units)
        self._modules = None if modules is None else tuple(modules)
        counts = [unit.count() for unit in units] if modules is None else [len(listed) for listed in modules]
        mutable = [count > 1 for count in counts]
        self._probabilities = np.where(mutable, np.asarray(probabilities, dtype=np.float64), 0.0)
        self._fallback = np.asarray(mutable, dtype=np.float64)

    def mutate(self, parents: Codes, rng: np.random.Generator) -> Codes:
        """One child per parent [n, slots]."""
        children = parents.copy()
        hits = hit_units(len(parents), self._probabilities, self._fallback, rng)
        for index, (unit, rows) in enumerate(zip(self._units, hits.T, strict=True)):
            children[rows, unit.columns] = self._draw(index, int(rows.sum()), rng)
        return children

    def _draw(self, index: int, count: int, rng: np.random.Generator) -> Codes:
        if self._modules is not None:
            return self._modules[index][rng.integers(0, len(self._modules[index]), size=count)]
        parts = [part.draw(count, rng, "modules") for part in self._units[index].units]
        return np.concatenate(parts, axis=1)


def hit_units(
    count: int, probabilities: NDArray[np.float64], fallback: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which units of `count` architectures are hit.

    Args:
        count: n.
        probabilities: [units].
        fallback: [units] weights of the one unit that is hit where chance hits none and `probabilities` are all 0.
        rng: Source of randomness.

    Returns:
        [n, units] mask with at least one unit in every row (unless all weights are 0). Where chance hits none, the one
        unit is drawn in proportion to the probabilities.
    """
    hits = rng.random((count, len(probabilities))) < probabilities
    none = np.flatnonzero(~hits.any(axis=1))
    weights = probabilities if probabilities.any() else fallback
    if weights.any():
        hits[none, rng.choice(len(weights), size=len(none), p=weights / weights.sum())] = True
    return hits
