"""Networks that differ from a context in one thing: what a layer, a unit's length or the whole graph takes.

In a space without constraints between layers, one layer's feature is changed and nothing else. Where constraints forbid
that, the unit gets the module that has the wanted value and differs from the context's in the fewest features; what
layers of a unit share changes in the whole unit; and what units share changes in all of them (`contexts_with`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.scoring.contexts import contexts_with
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, Codes, SearchSpace, Unit

SCOPES = ("layer", "unit", "shared", "length", "graph")
"""What takes a value: one layer; all layers of a unit, which share the feature; all units that share a variable; a
unit, which takes a number of layers; the network, which takes a graph-level value."""

LENGTH = "layers"
"""The feature whose values are a unit's numbers of layers."""


@dataclass(frozen=True, eq=False)
class Change:
    """Contexts that have taken one value.

    Attributes:
        scope: One of `SCOPES`.
        unit: Declared unit, from 1; None for scope "graph".
        position: Of the layer in its unit, from 0; None but for scope "layer".
        feature, value: What was taken.
        contexts: [k] numbers of the contexts to which it could be done, increasing.
        networks: k architectures.
    """

    scope: str
    unit: int | None
    position: int | None
    feature: str
    value: str
    contexts: NDArray[np.int64]
    networks: ArchitectureArray


def changed_contexts(space: SearchSpace, contexts: ArchitectureArray, *, seed: int = 0) -> Iterator[Change]:
    """Every context with every value of every layer's features, every number of layers and every graph-level value.

    A context without a layer at a position takes no part in the effects there; a value that a unit cannot have there is
    left out. Longer units get random layers behind those they have, the same for all longer lengths.

    Args:
        space: The search space.
        contexts: n architectures of it.
        seed: Decides the layers that longer units get.
    """
    rng = np.random.default_rng(seed)
    own = space.assignments.parts[space.assignments.of(contexts.layers)]
    for unit in (unit for unit in space.units if unit.searched):
        parts = [unit.part(int(part)) for part in own[:, unit.number - 1]]
        keyed = {name for key in unit.part_keys for name, _ in key}
        tied = _tied(space, unit)
        for feature in space.features:
            if feature in keyed:
                yield from _shared(space, unit, feature, contexts)
            elif feature in tied:
                yield from _layer(space, unit, parts, feature, 0, contexts, "unit")
            else:
                for position in range(unit.slots):
                    yield from _layer(space, unit, parts, feature, position, contexts, "layer")
        yield from _lengths(space, unit, parts, contexts, rng)
    for column, (name, declared) in enumerate(space.declaration.graph_features.items()):
        for code, value in enumerate(declared.choices):
            graph = contexts.graph.copy()
            graph[:, column] = code
            networks = ArchitectureArray(contexts.layers, graph)
            yield Change("graph", None, None, name, str(value), np.arange(len(contexts)), networks)


def _tied(space: SearchSpace, unit: Unit) -> set[str]:
    """Features that all layers of the unit share."""
    equal = space.declaration.constraints.equal_within_unit
    if equal is None or (equal.units and unit.number not in equal.units):
        return set()
    return set(equal.features or space.features)


def _layer(
    space: SearchSpace,
    unit: Unit,
    parts: Sequence[Unit],
    feature: str,
    position: int,
    contexts: ArchitectureArray,
    scope: str,
) -> Iterator[Change]:
    column = space.features.index(feature)
    there = contexts.layers[:, unit.start + position] != ABSENT
    place = position if scope == "layer" else None
    for index, value in enumerate(space.declaration.layer_features[feature].choices):
        allowed = frozenset(np.flatnonzero(space.vocabulary[:, column] == index).tolist())

        def nearest(row: int, allowed: frozenset[int] = allowed) -> list[int] | None:
            return _nearest(space, parts[row], _module(contexts, unit, row), position, allowed)

        yield from _replaced(scope, unit, place, (feature, str(value)), contexts, np.flatnonzero(there), nearest)


def _lengths(
    space: SearchSpace, unit: Unit, parts: Sequence[Unit], contexts: ArchitectureArray, rng: np.random.Generator
) -> Iterator[Change]:
    if len(unit.depths) < 2:
        return
    found: list[dict[int, list[int]]] = []
    for row, part in enumerate(parts):
        module = _module(contexts, unit, row)
        known = {len(module): module}
        shorter = sorted((d for d in part.depths if d < len(module)), reverse=True)
        for run in (shorter, [d for d in part.depths if d > len(module)]):
            last = module
            for depth in run:
                known[depth] = last = _of_length(space, part, last, depth, rng)
        found.append(known)
    for depth in unit.depths:
        rows = np.asarray([row for row, known in enumerate(found) if depth in known], dtype=np.int64)

        def taken(row: int, depth: int = depth) -> list[int] | None:
            return found[row][depth]

        yield from _replaced("length", unit, None, (LENGTH, str(depth)), contexts, rows, taken)


def _shared(space: SearchSpace, unit: Unit, feature: str, contexts: ArchitectureArray) -> Iterator[Change]:
    ranking = next(r for r in space.ranking_units if any(u.number == unit.number for u in r.units))
    possible = set(space.assignments.ranking_parts[:, ranking.number - 1].tolist())
    own = unit.part_of(contexts.layers[:, unit.columns])
    keys = [dict(key) for key in unit.part_keys]
    rest = [{name: value for name, value in key.items() if name != feature} for key in keys]
    for value in space.declaration.layer_features[feature].choices:
        for part in (p for p in sorted(possible) if keys[p].get(feature) == value):
            rows = np.asarray([r for r in range(len(contexts)) if rest[int(own[r])] == rest[part]], dtype=np.int64)
            if len(rows):
                networks = contexts_with(space, ranking, part, contexts.take(rows))
                kept = own[rows] == part  # those that have the value already stay as they are
                layers = np.where(kept[:, None], contexts.layers[rows], networks.layers)
                networks = ArchitectureArray(layers, networks.graph)
                yield Change("shared", unit.number, None, feature, str(value), rows, networks)


def _replaced(
    scope: str,
    unit: Unit,
    position: int | None,
    value: tuple[str, str],
    contexts: ArchitectureArray,
    rows: NDArray[np.int64],
    module: Callable[[int], list[int] | None],
) -> Iterator[Change]:
    """The contexts at `rows` with `module(row)` in the unit, without those for which there is none."""
    layers, kept = contexts.layers[rows].copy(), np.zeros(len(rows), dtype=bool)
    for place, row in enumerate(rows.tolist()):
        if (found := module(row)) is not None:
            layers[place, unit.columns] = _padded(found, unit.slots)
            kept[place] = True
    if kept.any():
        networks = ArchitectureArray(layers[kept], contexts.graph[rows][kept])
        yield Change(scope, unit.number, position, *value, rows[kept], networks)


def _nearest(
    space: SearchSpace, part: Unit, module: Sequence[int], position: int, allowed: frozenset[int]
) -> list[int] | None:
    """The module with one of `allowed` at the position that differs from `module` in the fewest features."""
    best: tuple[int, list[int]] | None = None
    lengths = [len(module), *(d for d in part.depths if d != len(module))]
    for depth in (d for d in lengths if d > position):
        missing = abs(depth - len(module)) * (len(space.features) + 1)
        for box in part.boxes(depth):
            limits = [[c for c in codes if p != position or c in allowed] for p, codes in enumerate(box)]
            if all(limits):
                found, cost = _pick(space, limits, module)
                if best is None or cost + missing < best[0]:
                    best = cost + missing, found
        if best is not None and best[0] <= len(space.features):
            break  # other lengths cost more
    return None if best is None else best[1]


def _of_length(
    space: SearchSpace, part: Unit, module: Sequence[int], depth: int, rng: np.random.Generator
) -> list[int]:
    """A module of so many layers that differs from `module` in the fewest features; equally near ones by chance."""
    found = []
    for box in part.boxes(depth):
        layers, cost = _pick(space, box, module)
        behind = [int(rng.choice(codes)) for codes in box[len(module) :]]
        found.append((cost, layers[: len(module)] + behind))
    least = min(cost for cost, _ in found)
    near = [layers for cost, layers in found if cost == least]
    return near[int(rng.integers(len(near)))]


def _pick(space: SearchSpace, box: Sequence[Sequence[int]], module: Sequence[int]) -> tuple[list[int], int]:
    """Per layer of a box the code nearest to the module's, the first behind its end; how many features differ."""
    layers, cost = [], 0
    for place, codes in enumerate(box):
        if place >= len(module):
            layers.append(int(codes[0]))
        elif module[place] in codes:
            layers.append(int(module[place]))
        else:
            away = (space.vocabulary[list(codes)] != space.vocabulary[module[place]]).sum(axis=1)
            layers.append(int(codes[int(np.argmin(away))]))
            cost += int(away.min())
    return layers, cost


def _module(contexts: ArchitectureArray, unit: Unit, row: int) -> list[int]:
    return [int(code) for code in contexts.layers[row, unit.columns] if code != ABSENT]


def _padded(module: Sequence[int], slots: int) -> Codes:
    return np.asarray([*module, *[ABSENT] * (slots - len(module))], dtype=np.int16)
