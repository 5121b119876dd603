"""The K modules per unit to build from: the best of all, or the best of every number of layers (§7.9, §7.10)."""

from __future__ import annotations

import json
import logging
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.building.errors import BuildingError
from autobuild_pipelines.building.scored_modules import ScoredModules
from autobuild_pipelines.spaces import SearchSpace

logger = logging.getLogger(__name__)


def layer_quotas(available: Sequence[int], top: int) -> list[int]:
    """How K = `top` modules of a unit divide over its numbers of layers (AutoBuild Constrained, §7.9).

    As evenly as may be, more to the deeper ones: of two, K = 5 takes two of the fewer and three of the more layers; at
    least one of each, also where that makes more than K. What a number of layers lacks goes to the deepest that has
    more.

    Args:
        available: Modules of every number of layers, fewest layers first; none is 0.
        top: K, 1 or more.

    Returns:
        Modules to take of each.
    """
    sizes = len(available)
    quotas = [min(max(1, (top + place) // sizes), most) for place, most in enumerate(available)]
    left = min(max(top, sizes), sum(available)) - sum(quotas)
    for place in reversed(range(sizes)):
        more = min(left, available[place] - quotas[place])
        quotas[place] += more
        left -= more
    return quotas


def top_of_unit(scored: ScoredModules, top: int, *, spread: bool) -> ScoredModules:
    """The `top` modules of one unit, best first.

    Args:
        scored: The unit's modules.
        top: K.
        spread: Divide K over the numbers of layers as `layer_quotas` says (AutoBuild Constrained), in place of taking
            the K best (Unconstrained). Scores should then be comparable within a number of layers only.
    """
    return scored.head(top) if not spread else scored.take(_spread(_layers(scored), top))


def select_modules(
    space: SearchSpace, scored: Sequence[ScoredModules], top: int, *, spread: bool = False, count: int = 1
) -> tuple[list[ScoredModules], int]:
    """K modules of every unit from which `count` architectures can be built.

    Where units share variables, the K best of different units may have no value of them in common: nothing could be
    built of them, or too little. K is then raised, for all units alike, to the smallest at which `count` combinations
    agree. Modules so added are the next best of their units, so whatever K alone would have built is still there.

    Args:
        space: The search space.
        scored: Per ranking unit its modules, all that may be taken.
        top: K.
        spread: See `top_of_unit`.
        count: Architectures to build.

    Returns:
        Per ranking unit the modules taken, and the K that they are of.

    Raises:
        BuildingError: `top` is not positive, or no modules at all go with one another.
    """
    if top < 1:
        raise BuildingError(f"space {space.name!r}: top must be 1 or more, got {top}")
    if not space.free:
        parts = [item.parts(space) for item in scored]
        layers = [_layers(item) for item in scored]

        def combinations(k: int) -> int:
            taken = [_spread(of, k) if spread else np.arange(min(k, len(of))) for of in layers]
            return sum(space.assignments.combinations([p[t] for p, t in zip(parts, taken, strict=True)]))

        most = max(len(item.modules) for item in scored)
        possible = combinations(most)
        if not possible:
            raise no_combination(space, scored)
        needed = bisect_left(range(most), min(count, possible), lo=min(top, most), key=combinations)
        if needed > top:
            logger.info("%s: of %d modules per unit too few go with one another; %d are taken", space.name, top, needed)
        top = max(top, needed)
    return [top_of_unit(item, top, spread=spread) for item in scored], top


def no_combination(space: SearchSpace, scored: Sequence[ScoredModules]) -> BuildingError:
    """The error that no module of one unit goes with those of the others, with what each unit offers."""
    offers = []
    for item in scored:
        keys = [item.unit.parted.part_keys[part] for part in np.unique(item.parts(space)).tolist()]
        if any(keys):
            values = " or ".join(", ".join(f"{name}={value}" for name, value in key) for key in keys)
            offers.append(f"unit {item.unit.number} ({item.unit.name}) has {values}")
    shared = ", ".join(space.declaration.constraints.shared_variables)
    return BuildingError(
        f"space {space.name!r}: no modules of all units go with one another ({shared} must have one value in the whole "
        f"network): {'; '.join(offers)}; score more modules"
    )


def _layers(scored: ScoredModules) -> NDArray[np.int64]:
    """[n] number of layers of every module."""
    return np.asarray([len(json.loads(module)) for module in scored.modules], dtype=np.int64)


def _spread(layers: NDArray[np.int64], top: int) -> NDArray[np.int64]:
    """Places of the modules that `layer_quotas` takes, in their order."""
    depths, counts = np.unique(layers, return_counts=True)
    quotas = layer_quotas(counts.tolist(), top)
    taken = [np.flatnonzero(layers == depth)[:quota] for depth, quota in zip(depths, quotas, strict=True)]
    return np.sort(np.concatenate(taken))
