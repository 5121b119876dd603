"""All architectures of a space, numbered: any of them by its number, or one block after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces.architecture import ABSENT, ArchitectureArray, Codes
from autobuild_pipelines.spaces.errors import SpaceError

if TYPE_CHECKING:
    from autobuild_pipelines.spaces.space import SearchSpace

Integers = NDArray[np.int64]


class Enumeration:
    """The architectures 0 to n - 1 of a space, at fixed graph-level values.

    They are ordered by assignment of the shared variables, then by the modules of the first unit to those of the last
    (the last one's change fastest), each in the order of `RankingUnit.module_array`.

    Args:
        space: The search space.

    Attributes:
        modules: Per ranking unit all its modules [modules, slots of the unit].

    Raises:
        SpaceError: There are more architectures than a 64-bit integer can number.
    """

    def __init__(self, space: SearchSpace) -> None:
        if space.size > np.iinfo(np.int64).max:
            raise SpaceError(f"space {space.name!r}: has {space.size} architectures, too many to enumerate")
        self._space = space
        self.modules: tuple[Codes, ...] = tuple(unit.module_array() for unit in space.ranking_units)
        self._starts = np.cumsum([0, *space.assignments.sizes], dtype=np.int64)
        # Per unit its modules sorted by part, where each part starts, and how many it has.
        self._sorted, self._first, self._count = [], [], []
        for unit, modules, parts in zip(
            space.ranking_units, self.modules, space.assignments.ranking_parts.T, strict=True
        ):
            of_module = unit.part_of(modules)
            count = np.bincount(of_module, minlength=len(unit.parted.part_keys))
            self._sorted.append(np.argsort(of_module, kind="stable"))
            self._first.append((np.cumsum(count) - count)[parts])
            self._count.append(count[parts])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def rows(self, numbers: NDArray[np.integer] | range) -> Integers:
        """The modules of architectures.

        Args:
            numbers: [n] numbers of architectures.

        Returns:
            [n, ranking units] rows of each unit's `modules`.
        """
        number = np.asarray(numbers, dtype=np.int64)
        if number.size and not (number.min() >= 0 and number.max() < len(self)):
            raise IndexError(f"architectures are numbered 0 to {len(self) - 1}")
        assignment = np.searchsorted(self._starts, number, side="right") - 1
        rest = number - self._starts[assignment]
        out = np.empty((len(number), len(self.modules)), dtype=np.int64)
        for column in reversed(range(len(self.modules))):
            rest, place = np.divmod(rest, self._count[column][assignment])
            out[:, column] = self._sorted[column][self._first[column][assignment] + place]
        return out

    def architectures(
        self, numbers: NDArray[np.integer] | range, graph: Mapping[str, Any] | None = None
    ) -> ArchitectureArray:
        """The architectures with these numbers [n] and graph-level values (declared defaults where left out)."""
        number = np.asarray(numbers, dtype=np.int64)
        assignment = np.searchsorted(self._starts, number, side="right") - 1
        layers = np.full((len(number), self._space.slots), ABSENT, dtype=np.int16)
        for unit, modules, rows in zip(self._space.ranking_units, self.modules, self.rows(number).T, strict=True):
            layers[:, unit.columns] = modules[rows]
        self._space.assignments.fill(layers, assignment)
        return ArchitectureArray(layers, np.tile(self._space.graph_code(graph), (len(number), 1)))

    def blocks(self, size: int = 65_536, graph: Mapping[str, Any] | None = None) -> Iterator[ArchitectureArray]:
        """All architectures, in blocks of at most `size`, made when they are asked for."""
        for start in range(0, len(self), size):
            yield self.architectures(range(start, min(start + size, len(self))), graph)
