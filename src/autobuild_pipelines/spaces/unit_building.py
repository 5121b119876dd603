"""Units from a declaration: which layer codes each may have, in which groups, patterns and parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from autobuild_pipelines.spaces.declaration import SpaceDeclaration
from autobuild_pipelines.spaces.declared_features import Value, match
from autobuild_pipelines.spaces.declared_units import UnitDeclaration, product_value
from autobuild_pipelines.spaces.errors import SpaceError
from autobuild_pipelines.spaces.layer_codes import LayerCodes
from autobuild_pipelines.spaces.ranking_unit import RankingUnit
from autobuild_pipelines.spaces.unit import Box, PartKey, Unit


def declared_units(name: str, declaration: SpaceDeclaration, codes: LayerCodes) -> tuple[Unit, ...]:
    """The units of a declaration, their slots one after the other.

    Raises:
        SpaceError: A pattern leaves no module, or a unit that is not searched leaves a choice.
    """
    builder = _Builder(name, declaration, codes)
    units: list[Unit] = []
    for number, declared in enumerate(declaration.units, start=1):
        units.append(builder.unit(number, declared, start=units[-1].columns.stop if units else 0))
    return tuple(units)


def ranking_units(declaration: SpaceDeclaration, units: Sequence[Unit]) -> tuple[RankingUnit, ...]:
    """What modules are ranked in: the searched units, some of them merged."""
    merged = {group[0]: group for group in declaration.ranking_groups}
    out: list[RankingUnit] = []
    number = 1
    while number <= len(units):
        group = merged.get(number, (number,))
        parts = tuple(units[u - 1] for u in group)
        if parts[0].searched:
            out.append(RankingUnit(len(out) + 1, "+".join(unit.name for unit in parts), parts))
        number += len(group)
    return tuple(out)


def part_key(declaration: SpaceDeclaration, unit: UnitDeclaration, assignment: dict[str, Value]) -> PartKey:
    """The features of a unit that follow from an assignment of the shared variables, as choices of the features."""
    key: list[tuple[str, Value]] = []
    for feature, names in unit.products.items():
        found = match(product_value(tuple(assignment[n] for n in names)), declaration.layer_features[feature].choices)
        assert found is not None  # checked when the declaration was read
        key.append((feature, found))
    return tuple(key)


class _Builder:
    def __init__(self, name: str, declaration: SpaceDeclaration, codes: LayerCodes) -> None:
        self._name, self._declaration, self._codes = name, declaration, codes
        self._assignments = list(declaration.constraints.assignments())

    def unit(self, number: int, declared: UnitDeclaration, start: int) -> Unit:
        patterns = self._patterns(declared)
        allowed = self._allowed(declared)
        if patterns:
            allowed &= {code for pattern in patterns for codes in pattern for code in codes}
        shared = [*self._equal(number), *(f for f in declared.products if f not in self._equal(number))]
        groups = self._groups(sorted(allowed), shared)
        # As the first groups of their layers come: by the features' order of choices.
        keys = list(dict.fromkeys(self._key(group, declared) for group in groups))
        parts = tuple(keys.index(self._key(group, declared)) for group in groups) if declared.products else ()
        slots = declared.depths[-1]
        unit = Unit(
            number,
            declared.name,
            declared.depths,
            groups,
            start,
            slots,
            patterns,
            declared.searched,
            tuple(keys),
            parts,
        )
        self._check(unit, declared)
        return unit

    def _check(self, unit: Unit, declared: UnitDeclaration) -> None:
        where = f"space {self._name!r}: units.{unit.number}"
        for pattern, values in zip(unit.patterns, next(iter(declared.patterns.values()), ()), strict=True):
            alone = Unit(unit.number, unit.name, (len(pattern),), unit.groups, 0, unit.slots, (pattern,))
            if not alone.count():
                raise SpaceError(f"{where}.patterns: {list(values)} leaves no module with the unit's choices")
        if not unit.searched:
            for index, key in enumerate(unit.part_keys):
                if (count := unit.part(index).count()) != 1:
                    at = f" with {dict(key)}" if key else ""
                    raise SpaceError(f"{where}: is not searched, so it must have one module{at}, but has {count}")

    def _equal(self, number: int) -> tuple[str, ...]:
        equal = self._declaration.constraints.equal_within_unit
        if equal is None or (equal.units and number not in equal.units):
            return ()
        return tuple(equal.features) or self._codes.features

    def _allowed(self, declared: UnitDeclaration) -> set[int]:
        """The codes that the unit's narrower choices and products leave."""
        vocabulary = self._codes.vocabulary
        keep = np.ones(len(vocabulary), dtype=bool)
        for feature, choices in declared.choices.items():
            keep &= self._any_of(feature, choices)
        if declared.products:
            reached = np.zeros(len(vocabulary), dtype=bool)
            for key in {part_key(self._declaration, declared, assignment) for assignment in self._assignments}:
                reached |= np.all([self._any_of(feature, [value]) for feature, value in key], axis=0)
            keep &= reached
        return set(np.flatnonzero(keep).tolist())

    def _any_of(self, feature: str, values: Iterable[Value]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """[layers] whether the feature has one of the values."""
        choices = self._declaration.layer_features[feature].choices
        wanted = [index for index, choice in enumerate(choices) if match(choice, tuple(values)) is not None]
        return np.isin(self._codes.vocabulary[:, self._codes.column(feature)], wanted)

    def _patterns(self, declared: UnitDeclaration) -> tuple[Box, ...]:
        return tuple(
            tuple(tuple(np.flatnonzero(self._any_of(feature, [value])).tolist()) for value in pattern)
            for feature, patterns in declared.patterns.items()
            for pattern in patterns
        )

    def _groups(self, codes: Sequence[int], shared: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        columns = [self._codes.column(f) for f in shared if f in self._codes.features]
        groups: dict[tuple[int, ...], list[int]] = {}
        for code in codes:
            groups.setdefault(tuple(self._codes.vocabulary[code, columns].tolist()), []).append(code)
        return tuple(tuple(group) for group in groups.values())

    def _key(self, group: Sequence[int], declared: UnitDeclaration) -> PartKey:
        values = dict(self._codes.layers[group[0]])
        return tuple((feature, values[feature]) for feature in declared.products)
