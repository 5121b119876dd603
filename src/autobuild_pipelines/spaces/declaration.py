"""The declaration of a search space, as a user writes it in YAML.

A declaration is data and nothing else: units, what layers each may have, which features a layer has and what they may
be, features of units and of the whole graph, constraints, how units group for ranking, and named restrictions.
`SearchSpace` turns it into counts, enumerations, samples and checks.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from autobuild_pipelines.spaces.declared_features import GraphFeature, LayerFeature, UnitFeature, Value
from autobuild_pipelines.spaces.declared_units import Constraints, UnitDeclaration
from autobuild_pipelines.spaces.errors import SpaceError
from autobuild_pipelines.spaces.settings import FROM_LIST, StrictSettings, read_settings


class Restriction(StrictSettings):
    """A hand-made part of a space: layers removed everywhere, fewer layers per unit, mutation odds per unit."""

    removed: Annotated[tuple[dict[str, Value], ...], FROM_LIST] = ()
    max_layers: Annotated[tuple[int, ...], FROM_LIST] | None = None
    mutation_probability: Annotated[tuple[float, ...], FROM_LIST] | None = None


class SpaceDeclaration(StrictSettings):
    """A whole search space. See `conf/base/spaces/ofa_pn.yml` and, for patterns and constraints between units,
    `conf/base/spaces/sd_fid.yml` for annotated examples.

    Attributes:
        layer_features: What every layer has; searched unless constant.
        unit_features: What every unit fixes for its layers.
        graph_features: What holds for the whole network.
        position_features: Which positions predictors read beside these: the unit's number, the layer's place in it.
        units: In the order in which they stand along the network.
        layer_name: How layers are called, from their features.
        ranking_groups: Units whose modules are ranked together.
        constraints: Within units and between them.
        restrictions: Hand-made parts of the space.
    """

    title: str = ""
    description: str = ""
    layer_features: dict[str, LayerFeature] = Field(min_length=1)
    unit_features: dict[str, UnitFeature] = Field(default_factory=dict)
    graph_features: dict[str, GraphFeature] = Field(default_factory=dict)
    position_features: Annotated[tuple[Literal["unit", "layer"], ...], FROM_LIST] = ("unit", "layer")
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
        for kind in ("layer_features", "unit_features", "graph_features"):
            for name, feature in getattr(self, kind).items():
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
            try:
                unit.check_unit_features(self.unit_features)
                unit.check_layer_features(self.layer_features)
                self.constraints.check_products(unit, self.layer_features)
            except ValueError as error:
                raise ValueError(f"units.{number}.{error}") from None
        if not any(unit.searched for unit in self.units):
            raise ValueError("units: none is searched")
        read = {name for unit in self.units for names in unit.products.values() for name in names}
        if unread := [name for name in self.constraints.shared_variables if name not in read]:
            raise ValueError(f"constraints.shared_variables.{unread[0]}: no unit has a product of it")
        equal = self.constraints.equal_within_unit
        if equal is not None:
            if unknown := [f for f in equal.features if f not in self.layer_features]:
                raise ValueError(f"constraints.equal_within_unit.features: unknown {unknown}")
            if outside := [u for u in equal.units if not 1 <= u <= len(self.units)]:
                raise ValueError(f"constraints.equal_within_unit.units: {outside} outside 1-{len(self.units)}")

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
            units = [self.units[u - 1] for u in group]
            if fixed := [unit.name for unit in units if not unit.searched]:
                raise ValueError(f"ranking_groups: {list(group)} has {fixed[0]!r}, which is not searched")
            if sum(bool(unit.products) for unit in units) > 1:
                raise ValueError(
                    f"ranking_groups: {list(group)} has several units with products; merge at most one such"
                )
            if sum(len(unit.depths) > 1 for unit in units) > 1:
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
                if most < unit.depths[0]:
                    raise ValueError(f"{where}.max_layers: unit {number} needs at least {unit.depths[0]} layers")
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
