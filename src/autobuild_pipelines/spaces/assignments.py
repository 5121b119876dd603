"""Constraints between units: what the shared variables may be together, and which modules go with one another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces.architecture import ABSENT, Codes
from autobuild_pipelines.spaces.declaration import SpaceDeclaration
from autobuild_pipelines.spaces.declared_features import Value
from autobuild_pipelines.spaces.errors import ArchitectureError, SpaceError
from autobuild_pipelines.spaces.ranking_unit import RankingUnit
from autobuild_pipelines.spaces.unit import Unit, probabilities
from autobuild_pipelines.spaces.unit_building import part_key

Integers = NDArray[np.int64]


class Assignments:
    """The distinct ways in which shared variables tie units together.

    Given an assignment, the units are independent: each has the modules of one of its parts (`Unit.part`). Every
    architecture belongs to exactly one assignment, since its layers show their values; so sizes add up over
    assignments, and a uniform draw is an assignment drawn by its size, then a module of every unit. A space without
    shared variables has one assignment, in which every unit is whole.

    Args:
        name: The space's name, used in messages.
        declaration: Its declaration.
        units: Its units, of the whole space or restricted ones.
        ranking: Its ranking units.

    Attributes:
        parts: [assignments, units] the part of every unit.
        ranking_parts: [assignments, ranking units] the same for ranking units.
        values: Per assignment a value of every shared variable that gives these parts (the first in declared order).
        sizes: Per assignment the number of architectures, exactly.

    Raises:
        SpaceError: No architecture is left, or a unit that is not searched does not follow from those that are.
    """

    def __init__(
        self, name: str, declaration: SpaceDeclaration, units: Sequence[Unit], ranking: Sequence[RankingUnit]
    ) -> None:
        self._name, self._units = name, tuple(units)
        found: dict[tuple[int, ...], dict[str, Value]] = {}
        numbers = [{key: index for index, key in enumerate(unit.part_keys)} for unit in units]
        for values in declaration.constraints.assignments():
            keys = (part_key(declaration, declared, values) for declared in declaration.units)
            found.setdefault(tuple(number[key] for number, key in zip(numbers, keys, strict=True)), values)
        counts = [[unit.part(index).count() for index in range(len(unit.part_keys))] for unit in units]
        sizes = {row: math.prod(c[p] for c, p in zip(counts, row, strict=True)) for row in found}
        kept = [row for row in found if sizes[row]]
        if not kept:
            raise SpaceError(f"space {name!r}: its constraints leave no architecture")
        self.parts: Integers = np.asarray(kept, dtype=np.int64).reshape(len(kept), len(units))
        self.values: tuple[Mapping[str, Value], ...] = tuple(found[row] for row in kept)
        self.sizes = tuple(sizes[row] for row in kept)
        self.ranking_parts: Integers = self.parts[:, [unit.parted.number - 1 for unit in ranking]]
        if len(np.unique(self.ranking_parts, axis=0)) < len(kept):
            fixed = [unit.name for unit in units if not unit.searched]
            raise SpaceError(
                f"space {name!r}: {fixed} is not searched, but its products do not follow from those of searched units"
            )

    def __len__(self) -> int:
        return len(self.parts)

    def of(self, layers: Codes) -> Integers:
        """[n] the assignment of each of `layers` [n, slots], by its searched units; -1 where they do not agree."""
        found = [unit.part_of(layers[:, unit.columns]) for unit in self._units if unit.searched]
        return self._searched.find(np.stack(found, axis=1))

    def of_parts(self, parts: Integers) -> Integers:
        """[n] the assignment of parts [n, ranking units]; -1 where they do not agree."""
        return self._ranking.find(parts)

    def draw(self, count: int, rng: np.random.Generator) -> Integers:
        """[count] random assignments, each as often as it has architectures."""
        if len(self) == 1:
            return np.zeros(count, dtype=np.int64)
        return rng.choice(len(self), size=count, p=probabilities(self.sizes))

    def combinations(self, parts: Sequence[Integers]) -> tuple[int, ...]:
        """Per assignment how many architectures there are of listed modules, exactly.

        Args:
            parts: Per ranking unit [n_u] the part of every listed module (see `RankingUnit.part_of`).
        """
        widths = self.ranking_parts.max(axis=0) + 1
        counts = [np.bincount(listed, minlength=width).tolist() for listed, width in zip(parts, widths, strict=True)]
        rows = self.ranking_parts.tolist()
        return tuple(math.prod(count[part] for count, part in zip(counts, row, strict=True)) for row in rows)

    def agree(self, layers: Codes) -> NDArray[np.bool_]:
        """[n] whether the units of each of `layers` [n, slots] go with one another, those not searched included."""
        assignment = self.of(layers)
        found = np.stack([unit.part_of(layers[:, unit.columns]) for unit in self._units], axis=1)
        agreeing: NDArray[np.bool_] = (assignment >= 0) & (found == self.parts[assignment]).all(axis=1)
        return agreeing

    def complete(self, layers: Codes) -> None:
        """Write into `layers` [n, slots] the modules of units that are not searched; the others are there.

        Raises:
            ArchitectureError: Units do not agree; names the first such row and what its units have.
        """
        assignment = self.of(layers)
        if (wrong := np.flatnonzero(assignment < 0)).size:
            raise ArchitectureError(
                f"{self._name}: row {wrong[0]}: modules do not go with one another: {self._described(layers[wrong[0]])}"
            )
        self.fill(layers, assignment)

    def fill(self, layers: Codes, assignment: Integers) -> None:
        """Write into `layers` [n, slots] the modules of units that are not searched, by assignment [n]."""
        for unit, modules in self._fixed:
            layers[:, unit.columns] = modules[self.parts[assignment, unit.number - 1]]

    def left(self, chosen: Sequence[int]) -> list[int]:
        """The parts of the next unit that go with parts `chosen` of the units before it."""
        fits = (self.parts[:, : len(chosen)] == np.asarray(chosen, dtype=np.int64)).all(axis=1)
        return sorted(set(self.parts[fits, len(chosen)].tolist()))

    def _described(self, layers: Codes) -> str:
        texts = []
        for unit in self._units:
            part = int(unit.part_of(layers[None, unit.columns])[0])
            if unit.searched and unit.parts and part >= 0:
                texts.append(f"{unit.name} has " + ", ".join(f"{name}={value}" for name, value in unit.part_keys[part]))
        return "; ".join(texts)

    @cached_property
    def _fixed(self) -> list[tuple[Unit, Codes]]:
        """The units that are not searched, and the module of each of their parts [parts, slots]."""
        found = []
        for unit in (unit for unit in self._units if not unit.searched):
            modules = np.full((len(unit.part_keys), unit.slots), ABSENT, dtype=np.int16)
            for index in set(self.parts[:, unit.number - 1].tolist()):
                part = unit.part(index)
                modules[index] = part.module_array(part.depths[0])[0]
            found.append((unit, modules))
        return found

    @cached_property
    def _searched(self) -> _Rows:
        return _Rows(self.parts[:, [unit.number - 1 for unit in self._units if unit.searched]])

    @cached_property
    def _ranking(self) -> _Rows:
        return _Rows(self.ranking_parts)


class _Rows:
    """Finds rows of a table of distinct rows, column by column, so that no number grows with the number of columns."""

    def __init__(self, rows: Integers) -> None:
        self._widths = rows.max(axis=0, initial=0) + 1
        self._steps: list[Integers] = []
        prefix: Integers = np.zeros(len(rows), dtype=np.int64)
        for column, width in zip(rows.T, self._widths, strict=True):
            known, prefix = np.unique(prefix * width + column, return_inverse=True)
            self._steps.append(known)
        self._row = np.argsort(prefix)

    def find(self, rows: Integers) -> Integers:
        """[n] the number of each of `rows` [n, columns]; -1 for a row that the table lacks."""
        prefix: Integers = np.zeros(len(rows), dtype=np.int64)
        known = np.ones(len(rows), dtype=bool)
        for column, width, step in zip(rows.T, self._widths, self._steps, strict=True):
            key = prefix * width + column
            known &= (column >= 0) & (column < width)
            prefix = np.searchsorted(step, key).clip(max=len(step) - 1)
            known &= step[prefix] == key
        return np.where(known, self._row[prefix], -1)
