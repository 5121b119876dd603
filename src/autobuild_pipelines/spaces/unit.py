"""Units and ranking units of a search space: how many modules they have, all of them in order, random ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from autobuild_pipelines.spaces.architecture import ABSENT, Codes


@dataclass(frozen=True)
class Unit:
    """One declared unit (stage).

    Attributes:
        number: 1-based position in the network.
        name: As declared.
        depths: Numbers of layers it may have, increasing.
        groups: Layer codes that may stand together. Without constraints, one group of all codes; with
            `equal_within_unit`, one group per shared value.
        start: First slot in `ArchitectureArray.layers`.
        slots: Number of slots (the deepest module of the unrestricted space).
    """

    number: int
    name: str
    depths: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    start: int
    slots: int

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

    def count(self, depth: int | None = None) -> int:
        """Number of modules (§7.2: the sum over depths of |B_u|^l), exactly, of one depth or of all."""
        depths = self.depths if depth is None else (depth,)
        return sum(len(group) ** d for d in depths for group in self.groups)

    def modules(self, depth: int) -> Iterator[tuple[int, ...]]:
        """Modules of one depth as tuples of layer codes, lazily, in a stable order."""
        for group in self.groups:
            yield from product(group, repeat=depth)

    def module_array(self, depth: int) -> Codes:
        """The same as `modules`, as an array [count(depth), slots] padded with -1."""
        blocks = []
        for group in self.groups:
            grid = np.indices((len(group),) * depth, dtype=np.int16).reshape(depth, -1).T
            blocks.append(np.asarray(group, dtype=np.int16)[grid])
        return _pad(np.concatenate(blocks), self.slots)

    def draw(self, count: int, rng: np.random.Generator, law: str) -> Codes:
        """Random modules [count, slots]; see `SearchSpace.sample` for the law."""
        sizes = [self.count(d) if law == "modules" else 1 for d in self.depths]
        depth = rng.choice(self.depths, size=count, p=_probabilities(sizes))
        out = np.full((count, self.slots), ABSENT, dtype=np.int16)
        for d in self.depths:
            rows = np.flatnonzero(depth == d)
            weights = _probabilities([len(group) ** d for group in self.groups])
            chosen = rng.choice(len(self.groups), size=len(rows), p=weights)
            for index, group in enumerate(self.groups):
                members = rows[chosen == index]
                picks = rng.integers(0, len(group), size=(len(members), d))
                out[members, :d] = np.asarray(group, dtype=np.int16)[picks]
        return out


@dataclass(frozen=True)
class RankingUnit:
    """What AutoBuild ranks modules of: one unit, or several merged ones (PN's stages 5 and 6).

    Attributes:
        number: 1-based position among the ranking units.
        name: The units' names joined by "+".
        units: The units it consists of, adjacent.
    """

    number: int
    name: str
    units: tuple[Unit, ...]

    @property
    def start(self) -> int:
        """First slot in `ArchitectureArray.layers`."""
        return self.units[0].start

    @property
    def slots(self) -> int:
        """Number of slots."""
        return sum(unit.slots for unit in self.units)

    @property
    def columns(self) -> slice:
        """Its slots in `ArchitectureArray.layers`."""
        return slice(self.start, self.start + self.slots)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Total numbers of layers that a module may have, increasing."""
        return tuple(sorted({sum(d) for d in product(*(unit.depths for unit in self.units))}))

    def count(self) -> int:
        """Number of modules, exactly (a Python integer of any size)."""
        total = 1
        for unit in self.units:
            total *= unit.count()
        return total

    def modules(self) -> Iterator[tuple[int, ...]]:
        """All modules as tuples of `slots` layer codes (-1 where absent), lazily: by depth, then by codes."""
        for depths in self._depth_vectors():
            parts = (unit.modules(d) for unit, d in zip(self.units, depths, strict=True))
            for layers in product(*parts):
                yield tuple(
                    code
                    for unit, module in zip(self.units, layers, strict=True)
                    for code in (*module, *(ABSENT,) * (unit.slots - len(module)))
                )

    def module_array(self) -> Codes:
        """All modules in the order of `modules`, as an array [count, slots]."""
        blocks = []
        for depths in self._depth_vectors():
            parts = [unit.module_array(d) for unit, d in zip(self.units, depths, strict=True)]
            index = np.indices([len(part) for part in parts]).reshape(len(parts), -1)
            blocks.append(np.concatenate([part[i] for part, i in zip(parts, index, strict=True)], axis=1))
        return np.concatenate(blocks)

    def _depth_vectors(self) -> list[tuple[int, ...]]:
        return sorted(product(*(unit.depths for unit in self.units)), key=lambda d: (sum(d), d))


def module_depths(modules: Codes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Number of layers of each module (or architecture) [n, slots] -> [n]."""
    depths: np.ndarray[tuple[int], np.dtype[np.int64]] = (modules != ABSENT).sum(axis=1)
    return depths


def _pad(modules: Codes, slots: int) -> Codes:
    missing = slots - modules.shape[1]
    return np.pad(modules, ((0, 0), (0, missing)), constant_values=ABSENT)


def _probabilities(weights: list[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    total = sum(weights)
    return np.asarray([weight / total for weight in weights])
