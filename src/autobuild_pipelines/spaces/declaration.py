"""The declaration of a search space, as a user writes it in YAML.

A declaration is data and nothing else: units, how many layers each may have, which features a layer has and
what they may be, graph-level features, constraints, how units group for ranking, and named restrictions.
`SearchSpace` turns it into counts, enumerations, samples and checks.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from autobuild_pipelines.spaces.errors import SpaceError
from autobuild_pipelines.spaces.settings import FROM_LIST, StrictSettings, read_settings

Value = bool | int | float | str
"""A value that a feature may take."""


def _distinct(values: tuple[Value, ...]) -> tuple[Value, ...]:
    if len({(type(v).__name__, v) for v in values}) != len(values):
        raise ValueError(f"has repeated entries: {list(values)}")
    return values


class Scale(StrictSettings):
    """How a numeric feature enters a predictor: ``(value - offset) / divisor``."""

    offset: float
    divisor: float

    @model_validator(mode="after")
    def _check(self) -> Scale:
        if self.divisor == 0:
            raise ValueError("divisor must not be 0")
        return self


Choices = Annotated[tuple[Value, ...], FROM_LIST, Field(min_length=1)]
Names = Annotated[tuple[str, ...], FROM_LIST]


class LayerFeature(StrictSettings):
    """A feature of every layer. With `value` it is a constant: fed to predictors, never searched."""

    choices: Choices
    value: Value | None = None
    aliases: Names = ()

    @model_validator(mode="after")
    def _check(self) -> LayerFeature:
        _distinct(self.choices)
        if self.value is not None and self.value not in self.choices:
            raise ValueError(f"value {self.value!r} is not one of its choices {list(self.choices)}")
        return self


class GraphFeature(StrictSettings):
    """A feature of the whole network, repeated on each node. `default` fills rows of a file that lack it."""

    choices: Choices
    default: Value | None = None
    scale: Scale | None = None
    aliases: Names = ()

    @model_validator(mode="after")
    def _check(self) -> GraphFeature:
        _distinct(self.choices)
        if self.default is not None and self.default not in self.choices:
            raise ValueError(f"default {self.default!r} is not one of its choices {list(self.choices)}")
        if self.scale is not None and any(isinstance(c, str | bool) for c in self.choices):
            raise ValueError("scale needs numeric choices")
        return self


class UnitDeclaration(StrictSettings):
    """One unit (stage): the numbers of layers it may have, and narrower choices for its layers if any."""

    name: str
    layers: Annotated[tuple[int, ...], FROM_LIST, Field(min_length=1)]
    choices: dict[str, Choices] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> UnitDeclaration:
        if any(n < 1 for n in self.layers):
            raise ValueError(f"layers must be 1 or more, got {list(self.layers)}")
        if list(self.layers) != sorted(set(self.layers)):
            raise ValueError(f"layers must be increasing without repeats, got {list(self.layers)}")
        return self


class EqualWithinUnit(StrictSettings):
    """All layers of a unit share the values of `features` (all if empty), in `units` (1-based; all if empty)."""

    features: Names = ()
    units: Annotated[tuple[int, ...], FROM_LIST] = ()


class Constraints(StrictSettings):
    """Conditions that not every combination of choices meets."""

    equal_within_unit: EqualWithinUnit | None = None


class Restriction(StrictSettings):
    """A hand-made part of a space: layers removed everywhere, fewer layers per unit, mutation odds per unit."""

    removed: Annotated[tuple[dict[str, Value], ...], FROM_LIST] = ()
    max_layers: Annotated[tuple[int, ...], FROM_LIST] | None = None
    mutation_probability: Annotated[tuple[float, ...], FROM_LIST] | None = None


class SpaceDeclaration(StrictSettings):
    """A whole search space. See `conf/base/spaces/ofa_pn.yml` for an annotated example."""

    title: str = ""
    description: str = ""
    layer_features: dict[str, LayerFeature] = Field(min_length=1)
    graph_features: dict[str, GraphFeature] = Field(default_factory=dict)
    units: Annotated[tuple[UnitDeclaration, ...], FROM_LIST, Field(min_length=1)]
    layer_name: str | None = None
    ranking_groups: Annotated[tuple[Annotated[tuple[int, ...], FROM_LIST], ...], FROM_LIST] = ()
    constraints: Constraints = Constraints()
    restrictions: dict[str, Restriction] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> SpaceDeclaration:
        self._check_names()
        self._check_units()
        self._check_groups()
        self._check_restrictions()
        return self

    def _check_names(self) -> None:
        seen: dict[str, str] = {}
        for kind, features in (("layer_features", self.layer_features), ("graph_features", self.graph_features)):
            for name, feature in features.items():
                for spelling in (name, *feature.aliases):
                    if spelling in seen:
                        raise ValueError(f"{kind}.{name}: the name {spelling!r} is already used by {seen[spelling]}")
                    seen[spelling] = f"{kind}.{name}"
        if all(f.value is not None for f in self.layer_features.values()):
            raise ValueError("layer_features: every feature is constant, nothing is left to search")
        names = [unit.name for unit in self.units]
        if len(set(names)) != len(names):
            raise ValueError(f"units: names repeat: {names}")

    def _check_units(self) -> None:
        for number, unit in enumerate(self.units, start=1):
            for name, choices in unit.choices.items():
                feature = self.layer_features.get(name)
                if feature is None or feature.value is not None:
                    raise ValueError(f"units.{number}.choices.{name}: is not a searched layer feature")
                if unknown := [c for c in choices if c not in feature.choices]:
                    raise ValueError(f"units.{number}.choices.{name}: {unknown} not in {list(feature.choices)}")
        equal = self.constraints.equal_within_unit
        if equal is not None:
            if unknown := [f for f in equal.features if f not in self.layer_features]:
                raise ValueError(f"constraints.equal_within_unit.features: unknown {unknown}")
            if unknown := [u for u in equal.units if not 1 <= u <= len(self.units)]:
                raise ValueError(f"constraints.equal_within_unit.units: {unknown} outside 1-{len(self.units)}")

    def _check_groups(self) -> None:
        used: set[int] = set()
        for group in self.ranking_groups:
            if list(group) != list(range(group[0], group[0] + len(group))) or len(group) < 2:
                raise ValueError(f"ranking_groups: {list(group)} is not two or more consecutive units")
            if any(not 1 <= u <= len(self.units) for u in group):
                raise ValueError(f"ranking_groups: {list(group)} outside 1-{len(self.units)}")
            if used & set(group):
                raise ValueError(f"ranking_groups: unit {min(used & set(group))} is in two groups")
            used |= set(group)
            if sum(len(self.units[u - 1].layers) > 1 for u in group) > 1:
                raise ValueError(
                    f"ranking_groups: {list(group)} has several units of variable depth, so that a list of layers "
                    "does not tell where one unit ends; merge at most one such unit"
                )

    def _check_restrictions(self) -> None:
        for name, restriction in self.restrictions.items():
            where = f"restrictions.{name}"
            for layer in restriction.removed:
                for feature, value in layer.items():
                    known = self.layer_features.get(feature)
                    if known is None or value not in known.choices:
                        raise ValueError(f"{where}.removed: {feature}={value!r} is not a choice of this space")
            for key in ("max_layers", "mutation_probability"):
                values = getattr(restriction, key)
                if values is not None and len(values) != len(self.units):
                    raise ValueError(f"{where}.{key}: has {len(values)} entries for {len(self.units)} units")
            for number, (unit, most) in enumerate(zip(self.units, restriction.max_layers or (), strict=False), 1):
                if most < unit.layers[0]:
                    raise ValueError(f"{where}.max_layers: unit {number} needs at least {unit.layers[0]} layers")
            if any(not 0 <= p <= 1 for p in restriction.mutation_probability or ()):
                raise ValueError(f"{where}.mutation_probability: must lie in [0, 1]")


def read_declaration(name: str, content: Any, *, source: str = "") -> SpaceDeclaration:
    """Check the mapping of one search space, as read from YAML or parameters.

    Args:
        name: The space's name, used in messages.
        content: The mapping under that name.
        source: The file it came from, used in messages.

    Raises:
        SpaceError: Names the key that is wrong and the reason.
    """
    what = f"space {name!r}"
    return read_settings(SpaceDeclaration, content, what=what, example="units", source=source, refusal=SpaceError)
