"""Units of a search space: how many modules they have, all of them in order, random ones."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces.architecture import ABSENT, Codes
from autobuild_pipelines.spaces.declared_features import Value

Box = tuple[tuple[int, ...], ...]
"""The modules that take each layer, first to last, from that layer's codes."""

PartKey = tuple[tuple[str, Value], ...]
"""The features of a unit that follow from shared variables, and their values in one of its parts."""


@dataclass(frozen=True)
class Unit:
    """One declared unit (stage).

    Attributes:
        number: 1-based position in the network.
        name: As declared.
        depths: Numbers of layers it may have, increasing.
        groups: Layer codes that may stand together. Without constraints, one group of all codes; with
            `equal_within_unit` or products of shared variables, one group per shared value.
        start: First slot in `ArchitectureArray.layers`.
        slots: Number of slots (the deepest module of the unrestricted space).
        patterns: Per pattern the codes that each of its layers may have; empty where any layer follows any other.
        searched: Whether modules are ranked and chosen for it.
        part_keys: Per part of the unit (see `part`) the values that shared variables give it.
        parts: Per group the part that it belongs to; empty when there is one part.
    """

    number: int
    name: str
    depths: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    start: int
    slots: int
    patterns: tuple[Box, ...] = ()
    searched: bool = True
    part_keys: tuple[PartKey, ...] = ((),)
    parts: tuple[int, ...] = ()

    @property
    def columns(self) -> slice:
        """Its slots in `ArchitectureArray.layers`."""
        return slice(self.start, self.start + self.slots)

    @cached_property
    def codes(self) -> tuple[int, ...]:
        """All layer codes of the unit, increasing."""
        return tuple(sorted(code for group in self.groups for code in group))

    @cached_property
    def group_of(self) -> dict[int, int]:
        """Index into `groups` of every layer code."""
        return {code: index for index, group in enumerate(self.groups) for code in group}

    def boxes(self, depth: int) -> tuple[Box, ...]:
        """The modules of one depth as disjoint boxes, in a stable order; none of them is empty."""
        if not self.patterns:
            return tuple((group,) * depth for group in self.groups)
        found = []
        for pattern in (pattern for pattern in self.patterns if len(pattern) == depth):
            for group in self.groups:
                box = tuple(tuple(code for code in group if code in allowed) for allowed in pattern)
                if all(box):
                    found.append(box)
        return tuple(found)

    def count(self, depth: int | None = None) -> int:
        """Number of modules (§7.2: the sum over depths of |B_u|^l), exactly, of one depth or of all."""
        depths = self.depths if depth is None else (depth,)
        return sum(prod(map(len, box)) for d in depths for box in self.boxes(d))

    def modules(self, depth: int) -> Iterator[tuple[int, ...]]:
        """Modules of one depth as tuples of layer codes, lazily, in a stable order."""
        for box in self.boxes(depth):
            yield from product(*box)

    def module_array(self, depth: int) -> Codes:
        """The same as `modules`, as an array [count(depth), slots] padded with -1."""
        blocks = [np.empty((0, depth), dtype=np.int16)]
        for box in self.boxes(depth):
            grid = np.indices([len(codes) for codes in box], dtype=np.int16).reshape(depth, -1)
            blocks.append(np.stack([np.asarray(c, dtype=np.int16)[i] for c, i in zip(box, grid, strict=True)], axis=1))
        return _pad(np.concatenate(blocks), self.slots)

    def contains(self, modules: Codes) -> NDArray[np.bool_]:
        """[n] whether each of `modules` [n, slots] is one of the unit's."""
        depth = module_depths(modules)
        groups = _lookup(self.group_of, modules)
        inside = np.isin(depth, self.depths)
        inside &= ((modules == ABSENT) | ((groups == groups[:, :1]) & (groups >= 0))).all(axis=1)
        if self.patterns:
            inside &= np.any([self._follows(modules, depth, pattern) for pattern in self.patterns], axis=0)
        return inside

    def draw(self, count: int, rng: np.random.Generator, law: str) -> Codes:
        """Random modules [count, slots]; see `SearchSpace.sample` for the law."""
        sizes = [self.count(d) if law == "modules" else 1 for d in self.depths]
        depth = rng.choice(self.depths, size=count, p=probabilities(sizes))
        out = np.full((count, self.slots), ABSENT, dtype=np.int16)
        for d in self.depths:
            rows = np.flatnonzero(depth == d)
            boxes = self.boxes(d)
            chosen = rng.choice(len(boxes), size=len(rows), p=probabilities([prod(map(len, box)) for box in boxes]))
            for index, box in enumerate(boxes):
                members = rows[chosen == index]
                out[members, :d] = _draw_from(box, len(members), rng)
        return out

    # -- parts: what shared variables leave ------------------------------------------------------------------------

    def part(self, index: int) -> Unit:
        """The part of the unit whose layers have the values `part_keys[index]`; it may be empty."""
        return self._split[index]

    def part_of(self, modules: Codes) -> NDArray[np.int64]:
        """[n] the part that each of the unit's modules [n, slots] belongs to; -1 for layers of no part."""
        if not self.parts:
            return np.zeros(len(modules), dtype=np.int64)
        of_code = {code: part for part, group in zip(self.parts, self.groups, strict=True) for code in group}
        return _lookup(of_code, modules[:, 0])

    def without(self, removed: Container[int], most: int | None = None) -> Unit:
        """The unit without some layer codes and without modules of more than `most` layers; it may be empty."""
        kept = [[code for code in group if code not in removed] for group in self.groups]
        return self._narrowed([tuple(group) for group in kept], self.slots if most is None else most)

    @cached_property
    def _split(self) -> tuple[Unit, ...]:
        if not self.parts:
            return (self,)
        return tuple(
            self._narrowed([g if p == index else () for g, p in zip(self.groups, self.parts, strict=True)], self.slots)
            for index in range(len(self.part_keys))
        )

    def _narrowed(self, groups: Sequence[tuple[int, ...]], most: int) -> Unit:
        """The unit with these in place of its groups, empty ones left out, and at most so many layers."""
        parts = tuple(part for part, group in zip(self.parts, groups, strict=False) if group)
        narrow = replace(self, groups=tuple(group for group in groups if group), parts=parts)
        return replace(narrow, depths=tuple(d for d in self.depths if d <= most and narrow.boxes(d)))

    def _follows(self, modules: Codes, depth: NDArray[np.int64], pattern: Box) -> NDArray[np.bool_]:
        fits: NDArray[np.bool_] = depth == len(pattern)
        for position, allowed in enumerate(pattern):
            fits &= np.isin(modules[:, position], allowed)
        return fits


def module_depths(modules: Codes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Number of layers of each module (or architecture) [n, slots] -> [n]."""
    depths: np.ndarray[tuple[int], np.dtype[np.int64]] = (modules != ABSENT).sum(axis=1)
    return depths


def probabilities(weights: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Weights (Python integers of any size) in proportion to which something is drawn, as probabilities."""
    total = sum(weights)
    return np.asarray([weight / total for weight in weights])


def _draw_from(box: Box, count: int, rng: np.random.Generator) -> Codes:
    sizes = [len(codes) for codes in box]
    # One bound for all layers where they have the same choices: the numbers that numpy draws depend on it.
    bound = sizes[0] if len(set(box)) == 1 else np.asarray(sizes)
    picks = rng.integers(0, bound, size=(count, len(box)))
    return np.stack([np.asarray(c, dtype=np.int16)[i] for c, i in zip(box, picks.T, strict=True)], axis=1)


def _lookup(values: Mapping[int, int], codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """The value of every code, -1 for codes without one and where no layer is."""
    table = np.full(max(int(codes.max(initial=0)), *values, 0) + 2, -1, dtype=np.int64)
    table[list(values)] = list(values.values())
    found: NDArray[np.int64] = table[codes]
    return found


def _pad(modules: Codes, slots: int) -> Codes:
    missing = slots - modules.shape[1]
    return np.pad(modules, ((0, 0), (0, missing)), constant_values=ABSENT)
