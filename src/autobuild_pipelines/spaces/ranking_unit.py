"""What AutoBuild ranks modules of: one unit, or several merged ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces.architecture import ABSENT, Codes
from autobuild_pipelines.spaces.unit import Unit


@dataclass(frozen=True)
class RankingUnit:
    """What AutoBuild ranks modules of: one unit, or several merged ones (PN's stages 5 and 6).

    Attributes:
        number: 1-based position among the ranking units.
        name: The units' names joined by "+".
        units: The units it consists of, adjacent; at most one of them has parts (see `Unit.part`).
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

    @property
    def parted(self) -> Unit:
        """The unit whose parts are this one's: the one that has several, else the first."""
        return next((unit for unit in self.units if unit.parts), self.units[0])

    def part_of(self, modules: Codes) -> NDArray[np.int64]:
        """[n] the part that each of `modules` [n, slots] belongs to: an index into `parted.part_keys`."""
        first = self.parted.start - self.start
        return self.parted.part_of(modules[:, first : first + self.parted.slots])

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
