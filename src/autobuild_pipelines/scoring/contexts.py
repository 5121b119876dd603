"""The contexts of contextual scores: whole networks around a module, which go with it where units share variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.scoring.errors import ScoringError
from autobuild_pipelines.spaces import ArchitectureArray, Codes, RankingUnit, SearchSpace, Unit

CONTEXT_SOURCES = ("space", "training")


def choose_contexts(
    space: SearchSpace,
    array: ArchitectureArray,
    count: int,
    seed: int,
    *,
    source: str = "space",
    graph: Mapping[str, Any] | None = None,
) -> ArchitectureArray:
    """The contexts of contextual scores.

    Args:
        space: The search space.
        array: The training architectures.
        count: How many.
        seed: Decides which.
        source: "space": drawn uniformly from the whole space; "training": distinct random rows of `array` (all of it
            when it has fewer).
        graph: Their graph-level values (declared defaults where left out).

    Raises:
        ScoringError: There is no such source.
    """
    if source not in CONTEXT_SOURCES:
        raise ScoringError(f"scoring.contexts_from: {source!r} is not one of {list(CONTEXT_SOURCES)}")
    rng = np.random.default_rng(seed)
    chosen = space.sample(count, rng) if source == "space" else array.take(np.sort(rng.permutation(len(array))[:count]))
    return ArchitectureArray(chosen.layers, np.tile(space.graph_code(graph), (len(chosen), 1)))


def contexts_with(space: SearchSpace, unit: RankingUnit, part: int, contexts: ArchitectureArray) -> ArchitectureArray:
    """Contexts whose other units go with the modules of one part of a unit, changed as little as that takes.

    Where units share variables, a module of other values than a context's cannot stand in it. Of the assignments of
    the shared variables in which `unit` has the wanted part, each context gets one that changes the fewest of its units
    (equally near ones take turns from context to context). A unit that has to change gets the module at the same place
    of its new part: the same layers but for what the shared variables decide. So scores of modules of different parts
    are means over the same surroundings, as far as there can be such.

    Args:
        space: The search space of the contexts.
        unit: Where modules are put.
        part: See `RankingUnit.part_of`.
        contexts: n architectures of the space.

    Returns:
        n architectures of the space whose `unit` has the part. Without shared variables, the contexts themselves.

    Raises:
        ScoringError: A context is not of the space.
    """
    assignments = space.assignments
    own = assignments.of(contexts.layers)
    if (wrong := np.flatnonzero(own < 0)).size:
        raise ScoringError(f"{space.name}: context {wrong[0]}: its units do not go with one another")
    able = np.flatnonzero(assignments.ranking_parts[:, unit.number - 1] == part)
    changes = (assignments.parts[own][:, None] != assignments.parts[able]).sum(axis=2)
    nearest = changes == changes.min(axis=1, keepdims=True)
    turn = np.arange(len(contexts)) % nearest.sum(axis=1)
    new = able[np.argmax(np.cumsum(nearest, axis=1) > turn[:, None], axis=1)]
    layers = contexts.layers.copy()
    for member in (member for member in space.units if member.searched):
        before, after = (assignments.parts[rows, member.number - 1] for rows in (own, new))
        for pair in np.unique(np.stack([before, after])[:, before != after], axis=1).T.tolist():
            rows = np.flatnonzero((before == pair[0]) & (after == pair[1]))
            layers[rows, member.columns] = _moved(
                layers[rows, member.columns], member.part(pair[0]), member.part(pair[1])
            )
    assignments.fill(layers, new)
    return ArchitectureArray(layers, contexts.graph)


def _moved(modules: Codes, before: Unit, after: Unit) -> Codes:
    """The modules [n, slots] of one part at the same place among those of another."""
    old, new = (np.concatenate([part.module_array(depth) for depth in part.depths]) for part in (before, after))
    place = {module.tobytes(): index for index, module in enumerate(np.ascontiguousarray(old))}
    found: NDArray[np.int64] = np.asarray([place[m.tobytes()] for m in np.ascontiguousarray(modules)], dtype=np.int64)
    return new[found * len(new) // len(old)]
