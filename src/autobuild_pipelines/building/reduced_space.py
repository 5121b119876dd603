"""Reduced spaces: per ranking unit a short list of modules, chosen by one or more targets (§7.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.building.errors import BuildingError
from autobuild_pipelines.building.scored_modules import scored_modules
from autobuild_pipelines.spaces import ArchitectureArray, Codes, SearchSpace, module_depths
from autobuild_pipelines.spaces.unit import probabilities

COLUMNS = ("unit", "module", "layers", "targets")


@dataclass(frozen=True, eq=False)
class ReducedSpace:
    """The architectures that take every unit's module from that unit's list.

    Attributes:
        space: The search space it is a part of; codes and ids are that space's.
        modules: Per ranking unit [n_u, slots_u] int16, distinct modules in the encoding of `ArchitectureArray`.
        targets: Per ranking unit and module the names of the targets that chose it.
    """

    space: SearchSpace
    modules: tuple[Codes, ...]
    targets: tuple[tuple[tuple[str, ...], ...], ...]

    def __post_init__(self) -> None:
        units = self.space.ranking_units
        if len(self.modules) != len(units) or [len(m) for m in self.modules] != [len(t) for t in self.targets]:
            raise BuildingError(f"reduced space of {self.space.name!r}: expected modules of {len(units)} units")
        for unit, modules in zip(units, self.modules, strict=True):
            where = f"reduced space of {self.space.name!r}: unit {unit.number} ({unit.name})"
            if not len(modules):
                raise BuildingError(f"{where}: has no modules")
            if modules.shape[1] != unit.slots:
                raise BuildingError(f"{where}: modules have {modules.shape[1]} slots, expected {unit.slots}")
            if len(np.unique(modules, axis=0)) != len(modules):
                raise BuildingError(f"{where}: a module is listed twice")
        if not self.size:
            raise BuildingError(
                f"reduced space of {self.space.name!r}: none of the listed modules of all units go with one another; "
                "list more modules per unit"
            )

    @property
    def size(self) -> int:
        """Number of architectures without graph-level features, exactly (a Python integer of any size)."""
        if self.space.free:
            return math.prod(len(modules) for modules in self.modules)
        return sum(self._combinations)

    def sample(
        self, count: int, rng: np.random.Generator, *, graph: Mapping[str, Any] | None = None
    ) -> ArchitectureArray:
        """Random architectures, uniform and with replacement; graph-level values as in `SearchSpace.sample`."""
        if self.space.free:
            layers = [modules[rng.integers(0, len(modules), size=count)] for modules in self.modules]
        else:
            layers = self._agreeing(count, rng)
        return ArchitectureArray(self.space.assemble(layers), self.space.sample(count, rng, graph=graph).graph)

    def contains(self, array: ArchitectureArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """[n] whether every module of an architecture is in its unit's list, and they go with one another."""
        inside = np.ones(len(array), dtype=bool) if self.space.free else self.space.assignments.agree(array.layers)
        for unit, listed in zip(self.space.ranking_units, self._listed, strict=True):
            blocks = np.ascontiguousarray(array.layers[:, unit.columns])
            inside &= np.asarray([block.tobytes() in listed for block in blocks], dtype=bool)
        return inside

    def to_table(self) -> pd.DataFrame:
        """Table `reduced_space` of one problem and method: unit, module, layers, targets (joined by commas)."""
        rows = [
            (unit.number, module, int(depth), ",".join(chosen))
            for unit, modules, targets in zip(self.space.ranking_units, self.modules, self.targets, strict=True)
            for module, depth, chosen in zip(
                self.space.module_json(modules), module_depths(modules), targets, strict=True
            )
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @classmethod
    def from_table(cls, space: SearchSpace, table: pd.DataFrame) -> ReducedSpace:
        """Read what `to_table` wrote (rows of one problem and method).

        Raises:
            BuildingError: A unit has no modules, or a module twice.
            ArchitectureError: A module does not fit its unit.
        """
        modules, targets = [], []
        for unit in space.ranking_units:
            rows = table[table["unit"] == unit.number]
            codes = [space.parse_module(unit, module) for module in rows["module"]]
            modules.append(np.stack(codes) if codes else np.empty((0, unit.slots), dtype=np.int16))
            targets.append(tuple(tuple(str(names).split(",")) if names else () for names in rows["targets"]))
        return cls(space, tuple(modules), tuple(targets))

    def _agreeing(self, count: int, rng: np.random.Generator) -> list[Codes]:
        """Per ranking unit [count, slots] modules that go with one another, uniform over what is listed."""
        assignments = self.space.assignments
        drawn = rng.choice(len(assignments), size=count, p=probabilities(self._combinations))
        out = []
        for modules, parts, wanted in zip(self.modules, self._parts, assignments.ranking_parts[drawn].T, strict=True):
            order = np.argsort(parts, kind="stable")
            first = np.searchsorted(parts[order], wanted)
            several = np.searchsorted(parts[order], wanted, side="right") - first
            out.append(modules[order[first + rng.integers(0, several)]])
        return out

    @cached_property
    def _parts(self) -> list[NDArray[np.int64]]:
        """Per ranking unit [n_u] the part of every listed module."""
        return [unit.part_of(modules) for unit, modules in zip(self.space.ranking_units, self.modules, strict=True)]

    @cached_property
    def _combinations(self) -> tuple[int, ...]:
        return self.space.assignments.combinations(self._parts)

    @cached_property
    def _listed(self) -> tuple[frozenset[bytes], ...]:
        return tuple(
            frozenset(module.tobytes() for module in np.ascontiguousarray(modules, dtype=np.int16))
            for modules in self.modules
        )


def top_modules(
    space: SearchSpace, module_scores: pd.DataFrame, targets: Sequence[str], method: str, top: int
) -> ReducedSpace:
    """The reduced space of the best `top` modules per ranking unit and target, united over the targets (§7.2).

    Modules stand in the order in which they were first chosen: the first target's by rank, then what the second one
    adds, and so on.

    Args:
        space: The search space.
        module_scores: Table of unit, module, target, method, score, rank.
        targets: Names of the target equations.
        method: Whose scores to use.
        top: K; all modules of a unit that has fewer.

    Raises:
        BuildingError: No targets, or the table has no scores of a target by the method.
    """
    if not targets:
        raise BuildingError(f"reduced space of {space.name!r}: name at least one target")
    if top < 1:
        raise BuildingError(f"reduced space of {space.name!r}: top must be 1 or more, got {top}")
    chosen: list[dict[str, list[str]]] = [{} for _ in space.ranking_units]
    for target in dict.fromkeys(targets):
        for unit_choice, scored in zip(chosen, scored_modules(space, module_scores, target, method, top), strict=True):
            for module in scored.modules:
                unit_choice.setdefault(module, []).append(target)
    return ReducedSpace(
        space,
        tuple(
            np.stack([space.parse_module(unit, module) for module in unit_choice])
            for unit, unit_choice in zip(space.ranking_units, chosen, strict=True)
        ),
        tuple(tuple(tuple(names) for names in unit_choice.values()) for unit_choice in chosen),
    )


def reduced_space_table(spaces: Mapping[tuple[str, str], ReducedSpace]) -> pd.DataFrame:
    """Table `reduced_space` of many: problem, method, unit, module, layers, targets.

    Args:
        spaces: The reduced space of every (problem, method).
    """
    tables = []
    for (problem, method), reduced in spaces.items():
        table = reduced.to_table()
        table.insert(0, "problem", problem)
        table.insert(1, "method", method)
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["problem", "method", *COLUMNS])


def read_reduced_spaces(space: SearchSpace, table: pd.DataFrame) -> dict[tuple[str, str], ReducedSpace]:
    """The reduced spaces of `reduced_space_table`, by (problem, method)."""
    pairs = table[["problem", "method"]].drop_duplicates().itertuples(index=False)
    return {
        (str(problem), str(method)): ReducedSpace.from_table(
            space, table[(table["problem"] == problem) & (table["method"] == method)]
        )
        for problem, method in pairs
    }
