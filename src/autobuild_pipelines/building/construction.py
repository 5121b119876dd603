"""Direct construction: whole architectures by the sum of their modules' scores (paper Fig. 5, top)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.building.combinations import best_combinations
from autobuild_pipelines.building.constrained import best_agreeing_combinations
from autobuild_pipelines.building.errors import BuildingError
from autobuild_pipelines.building.scored_modules import ScoredModules, scored_modules
from autobuild_pipelines.building.selection import no_combination, select_modules
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table

SUM = "sum_of_scores"


def build_architectures(
    space: SearchSpace,
    scored: Sequence[ScoredModules],
    count: int,
    *,
    graph: Mapping[str, Any] | None = None,
    top: int | None = None,
    spread: bool = False,
    support: ArchitectureArray | None = None,
) -> tuple[ArchitectureArray, NDArray[np.float64]]:
    """The best architectures by the sum of their modules' scores, of those that the space's constraints allow.

    Args:
        space: The search space.
        scored: Per ranking unit its modules and scores.
        count: How many architectures; fewer when there are fewer.
        graph: Graph-level values of what is built (declared defaults where left out).
        top: Combine only the best so many modules of each unit; more where too few of them go with one another (see
            `select_modules`).
        spread: Divide `top` over each unit's numbers of layers (see `top_of_unit`).
        support: When only some architectures can be evaluated (a closed table), those with the given graph-level
            values are ranked by the same sum and nothing else is built; `top` does not apply, and `scored` must hold
            every module that occurs in them.

    Returns:
        The architectures, best first, and their sums [n]. Ties have a fixed order.

    Raises:
        BuildingError: A module of the support has no score, no supported architecture has the graph-level values, or
            no modules of all units go with one another.
    """
    if support is not None:
        return _best_supported(space, scored, count, graph or {}, support)
    if top is not None:
        scored, _ = select_modules(space, scored, top, spread=spread, count=count)
    codes = [item.codes(space) for item in scored]
    scores = [item.scores for item in scored]
    if space.free:
        index, sums = best_combinations(scores, count)
    else:
        parts = [item.unit.part_of(listed) for item, listed in zip(scored, codes, strict=True)]
        index, sums = best_agreeing_combinations(scores, parts, space.assignments.ranking_parts, count)
        if count and not len(sums):
            raise no_combination(space, scored)
    layers = space.assemble([listed[chosen] for listed, chosen in zip(codes, index.T, strict=True)])
    return ArchitectureArray(layers, np.tile(space.graph_code(graph), (len(sums), 1))), sums


def built_table(
    space: SearchSpace,
    module_scores: pd.DataFrame,
    targets: Sequence[str],
    methods: Sequence[str],
    count: int,
    *,
    graph: Mapping[str, Any] | None = None,
    top: int | None = None,
    spread: Collection[str] = (),
    support: ArchitectureArray | None = None,
) -> pd.DataFrame:
    """Table `built_architectures` of several targets and methods, before evaluation; see `build_architectures`.

    Args:
        space: The search space.
        module_scores: Table of unit, module, target, method, score, rank.
        targets: Names of targets.
        methods: Names of scoring methods.
        count: Architectures per target and method.
        graph: Graph-level values of what is built.
        top: Combine only the best so many modules of each unit.
        spread: The methods for which `top` is divided over each unit's numbers of layers.
        support: The architectures that can be evaluated, where not all can.

    Returns:
        Columns target, method, rank (1 is best), architecture_id, graph-level features, units, sum_of_scores.

    Raises:
        BuildingError: The table has no scores of a target by a method; see also `build_architectures`.
    """
    parts = []
    for target in targets:
        for method in methods:
            # What is beyond `top` may be needed where units share variables, or where it is divided.
            first = top if space.free and method not in spread and support is None else None
            scored = scored_modules(space, module_scores, target, method, first)
            array, sums = build_architectures(
                space, scored, count, graph=graph, top=top, spread=method in spread, support=support
            )
            table = to_table(space, array, {SUM: sums})
            table.insert(0, "target", target)
            table.insert(1, "method", method)
            table.insert(2, "rank", np.arange(1, len(table) + 1))
            parts.append(table)
    if not parts:
        raise BuildingError(f"space {space.name!r}: name at least one target and one method to build with")
    return pd.concat(parts, ignore_index=True)


def with_graph(space: SearchSpace, array: ArchitectureArray, graph: Mapping[str, Any]) -> ArchitectureArray:
    """The architectures that have the given graph-level values; any value where none is given.

    Raises:
        BuildingError: The space has no such graph-level feature.
    """
    values = space.graph_values(array)
    if unknown := [name for name in graph if name not in values]:
        raise BuildingError(f"space {space.name!r}: unknown graph features {unknown}; it has {list(values) or 'none'}")
    keep = np.ones(len(array), dtype=bool)
    for name, value in graph.items():
        keep &= np.asarray([found == value for found in values[name]], dtype=bool)
    return array.take(keep)


def _best_supported(
    space: SearchSpace,
    scored: Sequence[ScoredModules],
    count: int,
    graph: Mapping[str, Any],
    support: ArchitectureArray,
) -> tuple[ArchitectureArray, NDArray[np.float64]]:
    support = with_graph(space, support, graph)
    if not len(support):
        raise BuildingError(f"space {space.name!r}: no architecture that can be evaluated has {dict(graph)}")
    sums = np.zeros(len(support))
    for item in scored:
        score_of = dict(zip(item.modules, item.scores.tolist(), strict=True))
        modules = space.module_json(support.layers[:, item.unit.columns])
        try:
            sums += [score_of[module] for module in modules]
        except KeyError as error:
            raise BuildingError(
                f"space {space.name!r}: unit {item.unit.number} ({item.unit.name}): module {error.args[0]} of an "
                "architecture that can be evaluated has no score"
            ) from None
    best = np.argsort(-sums, kind="stable")[:count]
    return support.take(best), sums[best]
