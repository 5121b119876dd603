"""Networks of three sections as figures draw them: stages down one branch, a middle, stages up the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autobuild_pipelines.spaces import SearchSpace, Value
from autobuild_pipelines.spaces.settings import FrozenSettings

Branch = Literal["descending", "middle", "ascending"]


class SectionError(ValueError):
    """A space has no sections to draw as they were named; the message says what it has."""


class SectionNames(FrozenSettings):
    """Which features of a space say where a layer stands, what it does and how wide it is.

    Attributes:
        section, stage: Unit features.
        operation, width: Layer features.
        descending, middle, ascending: Values of `section`; there need be no middle.
    """

    section: str = "section"
    stage: str = "stage"
    operation: str = "operation"
    width: str = "channels"
    descending: str = "input"
    middle: str = "middle"
    ascending: str = "output"

    @classmethod
    def of(cls, space: SearchSpace, content: Mapping[str, Any] | None = None) -> SectionNames:
        """The names, checked against a space.

        Raises:
            SectionError: The space lacks a feature of that name, or `section` has no such value.
        """
        names = cls.model_validate(dict(content or {}))
        declaration = space.declaration
        for kind, wanted, known in (
            ("unit", (names.section, names.stage), declaration.unit_features),
            ("layer", (names.operation, names.width), declaration.layer_features),
        ):
            if missing := [name for name in wanted if name not in known]:
                raise SectionError(
                    f"space {space.name!r} has no {kind} feature {missing[0]!r} to draw sections by, only {list(known)}"
                )
        choices = declaration.unit_features[names.section].choices
        if unknown := [value for value in (names.descending, names.ascending) if value not in choices]:
            raise SectionError(
                f"space {space.name!r}: unit feature {names.section!r} is never {unknown[0]!r}, only {list(choices)}"
            )
        return names

    def operations(self, space: SearchSpace) -> tuple[str, ...]:
        """What layers may do, in declared order."""
        feature = space.declaration.layer_features[self.operation]
        return tuple(map(str, feature.choices))


@dataclass(frozen=True, slots=True)
class Block:
    """One layer: what it does and how wide it is."""

    operation: str
    width: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One unit's place and its layers, first layer first.

    Attributes:
        title: Such as "Input stage 1".
        branch: Where it is drawn.
        stage: The value of its stage feature; stages of both branches with the same value stand side by side.
        blocks: Its layers.
    """

    title: str
    branch: Branch
    stage: Value
    blocks: tuple[Block, ...]

    @property
    def widths(self) -> str:
        """The width of its layers in words: one number, or the range."""
        low, high = min(b.width for b in self.blocks), max(b.width for b in self.blocks)
        return f"{low:,g}" if low == high else f"{low:,g}-{high:,g}"


def read_stages(space: SearchSpace, units: str, names: SectionNames) -> list[Stage]:
    """The stages of an architecture, in its order.

    Args:
        space: The search space.
        units: Canonical JSON of the units, as it stands in tables.
        names: What to read.

    Raises:
        SectionError: A unit stands in none of the three sections.
    """
    return [read_stage(space, number, layers, names) for number, layers in enumerate(json.loads(units))]


def read_stage(space: SearchSpace, unit: int, layers: Sequence[Mapping[str, Any]], names: SectionNames) -> Stage:
    """The stage of one declared unit (counted from 0) with some layers; see `read_stages`."""
    declared = space.declaration.units[unit]
    section, stage = declared.features[names.section], declared.features[names.stage]
    branches: dict[Value, Branch] = {
        names.descending: "descending",
        names.middle: "middle",
        names.ascending: "ascending",
    }
    if section not in branches:
        raise SectionError(
            f"space {space.name!r}: unit {unit + 1} ({declared.name}) has {names.section} {section!r}, which is none "
            f"of {list(branches)}"
        )
    branch = branches[section]
    title = str(section).capitalize() + ("" if branch == "middle" else f" {names.stage} {stage}")
    fixed = {name: f.value for name, f in space.declaration.layer_features.items() if f.value is not None}
    blocks = [{**fixed, **layer} for layer in layers]
    return Stage(title, branch, stage, tuple(Block(str(b[names.operation]), float(b[names.width])) for b in blocks))
